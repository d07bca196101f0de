// Writing that never leaves half a file behind: a temporary file in the same folder, fsync, rename, fsync of the
// folder. Called by every writer of a file that somebody may be reading or may miss.

import Glibc

/// A file that takes its place when it is complete; before that, `path` holds what it held.
package final class AtomicFile {
  /// Where the contents go until then.
  package let file: OutputFile
  private let path: String
  private let temporary: String
  private var isInPlace = false

  /// Begins a file beside `path`.
  /// - Throws: `FileError.cannotWrite`.
  package init(path: String) throws {
    Self.removeStale(for: path)
    self.path = path
    temporary = Self.temporaryName(for: path)
    file = try OutputFile(path: temporary, reportedAs: path)
  }

  deinit { if !isInPlace { unlink(temporary) } }

  /// Waits until the contents are on the disk and puts them in place.
  /// - Throws: `FileError.cannotWrite`.
  package func finish() throws {
    try file.close()
    guard rename(temporary, path) == 0 else {
      throw FileError.cannotWrite(path: path, operation: "rename", code: errno)
    }
    isInPlace = true
    try Self.syncFolder(Path.folder(of: path))
  }

  /// Writes a file as a whole: `path` holds either its old contents or all that `body` wrote.
  /// - Throws: `FileError.cannotWrite`, or what `body` throws; the temporary file is removed.
  package static func write(to path: String, _ body: (OutputFile) throws -> Void) throws {
    let pending = try AtomicFile(path: path)
    try body(pending.file)
    try pending.finish()
  }

  /// Waits until a folder's entries are on the disk.
  /// - Throws: `FileError.cannotWrite`.
  package static func syncFolder(_ path: String) throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.cannotWrite(path: path, operation: "open folder", code: errno) }
    defer { close(descriptor) }
    if fsync(descriptor) != 0, errno != EINVAL, errno != EROFS {
      throw FileError.cannotWrite(path: path, operation: "fsync folder", code: errno)
    }
  }

  /// A hidden name beside `path` that nothing else uses.
  package static func temporaryName(for path: String, _ word: String = "tmp") -> String {
    let name = path.split(separator: "/").last ?? "file"
    let tag = String(UInt32.random(in: 0 ... .max), radix: 16)
    return Path.folder(of: path) + "/.\(name).\(word)-\(getpid())-\(tag)"
  }

  /// Removes what earlier attempts at `path` left behind when their process was killed.
  package static func removeStale(for path: String) {
    let folder = Path.folder(of: path)
    let prefix = "." + (path.split(separator: "/").last ?? "file") + ".tmp-"
    // An unreadable folder shows when the file is created in it.
    for name in (try? Folder.names(in: folder)) ?? [] where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count).prefix { $0 != "-" }), process > 0 else { continue }
      let isGone = kill(process, 0) != 0 && errno == ESRCH
      if isGone { _ = try? Folder.remove(folder + "/" + name) }
    }
  }
}
