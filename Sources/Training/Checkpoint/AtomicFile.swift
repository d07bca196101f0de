// Files and folders that appear whole or not at all: written beside their place, flushed to the disk, renamed.
// Used for checkpoints, run.json and everything else that must survive a kill at any moment.

import Glibc

enum AtomicFile {
  /// The mark in the names of files that are not finished; leftovers are removed when a run starts.
  static let unfinishedMark = ".unfinished-"

  /// Writes `path` through `body`, which fills a file beside it that then takes its place.
  /// - Throws: `TrainingError.cannotWrite`, or what `body` throws; the unfinished file is then removed.
  static func write(_ path: String, _ body: (_ descriptor: Int32) throws -> Void) throws {
    let temporary = sibling(of: path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: path, operation: "open", code: errno) }
    do {
      try body(descriptor)
      guard fsync(descriptor) == 0 else {
        throw TrainingError.cannotWrite(path: path, operation: "fsync", code: errno)
      }
      guard close(descriptor) == 0 else {
        throw TrainingError.cannotWrite(path: path, operation: "close", code: errno)
      }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw TrainingError.cannotWrite(path: path, operation: "rename", code: code)
    }
    try flushFolder(of: path)
  }

  /// Writes a text file as a whole.
  static func write(_ path: String, text: String) throws {
    let bytes = Array(text.utf8)
    try write(path) { try writeAll($0, bytes, count: bytes.count, path: path) }
  }

  /// Makes the names in the folder of `path` durable.
  static func flushFolder(of path: String) throws {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    let name = folder.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : folder
    let descriptor = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: name, operation: "open", code: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw TrainingError.cannotWrite(path: name, operation: "fsync", code: errno) }
  }

  private static func sibling(of path: String) -> String {
    let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
    return path[..<cut] + "." + path[cut...] + unfinishedMark + String(getpid())
  }
}
