// Writing that never leaves half a file behind: a temporary file in the same folder, fsync, rename, fsync of the
// folder. Called by every writer of a file that somebody may be reading or may miss. What is no regular file (a pipe, a
// device, a link) is not replaced: all of it is written into what is there, at the end.

import Glibc

/// A file that takes its place when it is complete; before that, `path` holds what it held.
package final class AtomicFile {
  /// Where the contents go until then.
  package let file: OutputFile
  private let path: String
  private let place: Place
  private var isInPlace = false

  private enum Place {
    /// A regular file or nothing is at `path`; the temporary file takes its name.
    case renamed(Temporary)
    /// Something else is; it is open for writing.
    case written(SpecialFile)
  }

  /// Begins a file beside `path`, or one without a name where `path` is no regular file.
  /// - Throws: `FileError.cannotWrite`, also where what is at `path` cannot be written.
  package init(path: String) throws {
    self.path = path
    if let special = try SpecialFile(path: path) {
      place = .written(special)
      file = OutputFile(descriptor: try UnnamedFile.descriptor(in: Folder.temporary), reportedAs: path)
    } else {
      Temporary.removeStale(for: path)
      let temporary = try Temporary(for: path, isFolder: false)
      place = .renamed(temporary)
      file = OutputFile(descriptor: dup(temporary.descriptor), reportedAs: path)
    }
  }

  deinit { if case .renamed(let temporary) = place, !isInPlace { unlink(temporary.path) } }

  /// Waits until the contents are on the disk and puts them in place.
  /// - Throws: `FileError.cannotWrite`.
  package func finish() throws {
    switch place {
    case .written(let special): try special.take(file)
    case .renamed(let temporary):
      try file.close()
      guard rename(temporary.path, path) == 0 else {
        throw FileError.cannotWrite(path: path, operation: "rename", code: errno)
      }
      isInPlace = true
      try Self.syncFolder(Path.folder(of: path))
    }
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
}
