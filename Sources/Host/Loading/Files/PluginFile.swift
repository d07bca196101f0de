// A file that may be a plugin, checked without running any of it: the pre-flight.
// Made by PluginRegistry for every candidate, used by PluginLoader.

import Files
package import Glibc
import PluginGrammar

/// A plugin file that passed the pre-flight.
package struct PluginFile: Sendable {
  /// As it was found, and behind symbolic links.
  package let path: String
  /// The file behind symbolic links.
  package let resolvedPath: String
  /// Lower-case hexadecimal digits of the SHA-256 of what was checked.
  package let sha256: String
  /// What its ELF tables say; nil for a file in Python.
  package let image: ELFImage?
  /// The text of its bare functions; nil for a library with a descriptor.
  package let bareSource: BareSource?
  /// The state of the file that was checked.
  package let stamp: FileStamp
  /// What is handed to the loader: the file, or a private copy of it.
  package let loadPath: String

  /// The major version of the plugin ABI this host speaks.
  static let supportedMajor = 1

  /// Checks the file at `path`: owner and mode (unless `allowInsecure`), ELF, exported entry, dependencies; of a file
  /// in Python, that it is meant to be a plugin.
  /// - Parameter copy: A copy of the file, which is checked and will be loaded in its stead; the names stay.
  /// - Throws: `PluginRefusal`, of which `.notAPlugin` means that it is simply another library.
  package init(path: String, allowInsecure: Bool = false, copy: String? = nil) throws(PluginRefusal) {
    let opened = try OpenedFile(copy ?? path)
    // An unsafe file is refused before anything in it is believed; what is no plugin is none of our business.
    let safety = allowInsecure ? nil : FileSafety.problem(of: opened)
    let bytes: [UInt8]
    do {
      bytes = try opened.contents()
      image = path.hasSuffix(pythonEnding) ? nil : try ELFImage(bytes)
    } catch {
      throw safety ?? error
    }
    if let image {
      bareSource = try Self.bareSource(image, opened, safety, allowInsecure: allowInsecure)
    } else {
      guard PythonSource.isPlugin(bytes) else { throw .notAPythonPlugin }
      if let safety { throw safety }
      bareSource = nil
    }
    self.path = path
    loadPath = opened.resolvedPath
    resolvedPath = copy == nil ? loadPath : Path.resolved(path) ?? path
    sha256 = SHA256.digits(of: bytes)
    stamp = opened.stamp
  }

  /// Checks what a library exports and needs; nil where it has a descriptor.
  private static func bareSource(
    _ image: ELFImage, _ opened: OpenedFile, _ safety: PluginRefusal?, allowInsecure: Bool
  ) throws(PluginRefusal) -> BareSource? {
    let majors = image.entryMajors
    let hasSidecar = access(opened.resolvedPath + BareSource.sidecarSuffix, F_OK) == 0
    if majors.isEmpty && !image.offersBareFunctions && !hasSidecar { throw .notAPlugin }
    if let safety { throw safety }
    let source =
      majors.isEmpty ? try BareSource.find(image, path: opened.resolvedPath, allowInsecure: allowInsecure) : nil
    guard source != nil || majors.contains(supportedMajor) else {
      throw .wrongMajor(found: majors, supported: supportedMajor)
    }
    try DependencySearch().check(image, path: opened.resolvedPath, allowInsecure: allowInsecure)
    return source
  }

  /// Whether the file is still the one that was checked; asked before it is loaded and again after.
  func isUnchanged() -> Bool {
    var info = stat()
    return stat(loadPath, &info) == 0 && FileStamp(info) == stamp
  }
}

/// What tells one state of a file from another.
package struct FileStamp: Sendable, Equatable {
  private let device: UInt64
  private let inode: UInt64
  private let size: Int64
  private let seconds: Int
  private let nanoseconds: Int

  /// What stat(2) says.
  package init(_ info: stat) {
    device = UInt64(info.st_dev)
    inode = UInt64(info.st_ino)
    size = Int64(info.st_size)
    seconds = info.st_mtim.tv_sec
    nanoseconds = info.st_mtim.tv_nsec
  }
}

/// A regular file, open for reading; closed when nobody holds it any more.
package final class OpenedFile {
  /// As it was named, and behind symbolic links.
  package let path: String
  /// The file behind symbolic links.
  package let resolvedPath: String
  /// What stat(2) said when it was opened.
  package let info: stat
  /// Tells whether the file is still this one.
  package var stamp: FileStamp { FileStamp(info) }
  private let descriptor: Int32

  static let largest = 1 << 30

  /// - Throws: `PluginRefusal`: `.missing`, `.unreadable`, `.notARegularFile`, `.tooLarge`.
  package init(_ path: String) throws(PluginRefusal) {
    self.path = path
    // Not blocking: opening a FIFO for reading would otherwise wait for its writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .missing }
      if errno == ENXIO { throw .notARegularFile(found: "a socket or device") }
      throw .unreadable(reason: systemMessage(errno))
    }
    self.descriptor = descriptor
    var info = stat()
    let status = fstat(descriptor, &info)
    self.info = info
    resolvedPath = Path.resolved(path) ?? path
    guard status == 0 else { throw .unreadable(reason: systemMessage(errno)) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(found: Self.kind(of: info.st_mode)) }
    guard info.st_size <= Self.largest else { throw .tooLarge(bytes: Int(info.st_size)) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The whole file; shorter than its size where somebody is just cutting it, which the ELF reader then notices.
  /// - Throws: `PluginRefusal.unreadable`
  package func contents() throws(PluginRefusal) -> [UInt8] {
    var failure: Int32 = 0
    let size = Int(info.st_size)
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size, failure == 0 {
        let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, size - filled, off_t(filled))
        if got > 0 { filled += got } else if got == 0 { break } else if errno != EINTR { failure = errno }
      }
    }
    if failure != 0 { throw .unreadable(reason: systemMessage(failure)) }
    return bytes
  }

  private static func kind(of mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a FIFO"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "something else"
    }
  }
}
