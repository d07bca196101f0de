// A library as it was at one moment, in a file that nobody else writes: what is checked is what is loaded, and building
// the library again does not change code that is running. Made by LibraryCopies and by hot reload.

import Files
import Glibc
package import PluginLoading
import Synchronization

/// A copy of a library and of its sidecar, if it has one.
package final class LibraryCopy {
  /// The file it is a copy of, as it was found.
  package let source: String
  /// Bytes of the library.
  package let byteCount: Int
  /// Lower-case hexadecimal digits of the library's SHA-256.
  package let sha256: String
  private let sidecar: [UInt8]?
  private let sidecarDigest: String
  private let folder: PrivateFolder
  private let file: OpenedFile
  private static let count = Atomic<Int>(0)

  /// Where the copy lies until `forget`; the name is never used again, since the loader knows libraries by name.
  package let path: String

  /// Copies the library at `source` into a private folder.
  /// - Throws: `PluginRefusal`: the file cannot be read, others may write it, or it changed meanwhile.
  package init(of source: String, allowInsecure: Bool) throws(PluginRefusal) {
    let original = try OpenedFile(source)
    if !allowInsecure, let problem = FileSafety.problem(of: original) { throw problem }
    let bytes = try original.contents()
    guard bytes.count == Int(original.info.st_size) else {
      throw .truncated(what: "the file", end: UInt64(original.info.st_size), size: bytes.count)
    }
    sidecar = try Self.sidecar(of: original.resolvedPath, allowInsecure: allowInsecure)
    var now = stat()
    guard stat(source, &now) == 0, FileStamp(now) == original.stamp else { throw .changedSinceChecked }
    self.source = source
    byteCount = bytes.count
    sha256 = SHA256.digits(of: bytes)
    sidecarDigest = sidecar.map { SHA256.digits(of: $0) } ?? ""
    folder = try PrivateFolder()
    let number = Self.count.add(1, ordering: .relaxed).newValue
    path = folder.file("\(number)-\(Path.name(of: source))")
    try Self.write(bytes, to: path)
    if let sidecar { try Self.write(sidecar, to: folder.file(Path.name(of: path) + BareSource.sidecarSuffix)) }
    file = try OpenedFile(path)
  }

  /// Whether library and sidecar are the same bytes.
  package func isSame(as other: LibraryCopy) -> Bool {
    sha256 == other.sha256 && sidecarDigest == other.sidecarDigest
  }

  /// Writes library and sidecar once more, also after `forget`.
  package func write(into other: PrivateFolder, as name: String) throws(PluginRefusal) -> String {
    let target = other.file(name)
    try Self.write(try file.contents(), to: target)
    if let sidecar { try Self.write(sidecar, to: other.file(name + BareSource.sidecarSuffix)) }
    return target
  }

  /// Removes the files. What was loaded from them stays, and so does what `write` needs.
  package func forget() { folder.remove() }

  private static func sidecar(of path: String, allowInsecure: Bool) throws(PluginRefusal) -> [UInt8]? {
    guard access(path + BareSource.sidecarSuffix, F_OK) == 0 else { return nil }
    let opened = try OpenedFile(path + BareSource.sidecarSuffix)
    if !allowInsecure, let problem = FileSafety.problem(of: opened) { throw problem }
    return try opened.contents()
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(PluginRefusal) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .unreadable(reason: "its copy \(path): \(systemMessage(errno))") }
    defer { close(descriptor) }
    do throws(WriteFailure) {
      try writeAll(bytes, to: descriptor)
    } catch {
      throw .unreadable(reason: "its copy \(path): \(systemMessage(error.code))")
    }
  }
}
