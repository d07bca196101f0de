// Writing that never leaves half a file behind: a temporary file in the same folder, fsync, rename, fsync of the
// folder. Called by SafetensorsWriter and ModelExport, and open to checkpoints.

import Foundation
import Glibc

/// A file being written.
package final class OutputFile {
  /// The name for messages.
  private let path: String
  private var descriptor: Int32

  /// Creates a file that must not exist yet, or with `exclusive: false` opens what is there (a device, say).
  /// - Throws: `EncoderError.cannotWrite`.
  /// Errors name `reportedAs`, where the file is a temporary one.
  package init(path: String, exclusive: Bool = true, reportedAs name: String? = nil) throws {
    self.path = name ?? path
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : 0), 0o666)
    if descriptor < 0 { throw EncoderError.cannotWrite(path: self.path, operation: "create", code: errno) }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  /// Appends bytes.
  /// - Throws: `EncoderError.cannotWrite`, ENOSPC among its codes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let written = Glibc.write(descriptor, base + done, min(bytes.count - done, 1 << 30))
      if written >= 0 {
        done += written
      } else if errno != EINTR {
        throw EncoderError.cannotWrite(path: path, operation: "write", code: errno)
      }
    }
  }

  /// Appends text in UTF-8.
  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Waits until the bytes are on the disk, and closes. Devices that cannot sync are closed all the same.
  package func close() throws {
    defer { descriptor = -1 }
    if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      let code = errno
      Glibc.close(descriptor)
      throw EncoderError.cannotWrite(path: path, operation: "fsync", code: code)
    }
    if Glibc.close(descriptor) != 0, errno != EINTR {
      throw EncoderError.cannotWrite(path: path, operation: "close", code: errno)
    }
  }
}

package enum AtomicFile {
  /// Writes a file as a whole: `path` holds either its old contents or all that `body` wrote.
  /// - Throws: `EncoderError.cannotWrite`, or what `body` throws; the temporary file is removed.
  package static func write(to path: String, _ body: (OutputFile) throws -> Void) throws {
    removeStale(for: path)
    let temporary = temporaryName(for: path)
    let file = try OutputFile(path: temporary, reportedAs: path)
    do {
      try body(file)
      try file.close()
      guard rename(temporary, path) == 0 else {
        throw EncoderError.cannotWrite(path: path, operation: "rename", code: errno)
      }
    } catch {
      unlink(temporary)
      throw error
    }
    try syncFolder(folder(of: path))
  }

  /// Waits until a folder's entries are on the disk.
  package static func syncFolder(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw EncoderError.cannotWrite(path: path, operation: "open folder", code: errno) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      throw EncoderError.cannotWrite(path: path, operation: "fsync folder", code: errno)
    }
  }

  /// A hidden name beside `path` that nothing else uses.
  package static func temporaryName(for path: String, _ word: String = "tmp") -> String {
    let name = path.split(separator: "/").last ?? "file"
    let tag = String(UInt32.random(in: 0 ... .max), radix: 16)
    return folder(of: path) + "/.\(name).\(word)-\(getpid())-\(tag)"
  }

  /// Removes what earlier attempts at `path` left behind when their process was killed.
  package static func removeStale(for path: String) {
    let folder = folder(of: path)
    let prefix = "." + (path.split(separator: "/").last ?? "file") + ".tmp-"
    // An unreadable folder shows when the file is created in it.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count).prefix { $0 != "-" }), process > 0 else { continue }
      let isGone = kill(process, 0) != 0 && errno == ESRCH
      if isGone { _ = try? FileManager.default.removeItem(atPath: folder + "/" + name) }
    }
  }

  /// The folder a path lies in: "." for a bare name.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
