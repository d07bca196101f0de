// metrics.jsonl: a line a step and a line an evaluation, appended as they happen. Its length goes into checkpoints, so
// that a resumed run cuts off what it is going to do again. Written by the training loop.

import Files
import Glibc

/// An append-only file of JSON lines.
final class RunLog {
  let path: String
  private let descriptor: Int32
  /// Bytes written so far.
  private(set) var length: Int

  /// Opens the log and cuts it to `length` bytes.
  /// - Throws: `TrainingError.cannotWrite`; `.badData` where it is shorter than that.
  init(path: String, length: Int) throws {
    self.path = path
    self.length = length
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: path, operation: "open", code: errno) }
    let found = Int(lseek(descriptor, 0, SEEK_END))
    guard found >= length else {
      throw TrainingError.badData(
        path: path, line: 0, expected: "the \(length) bytes that the checkpoint knows of", found: "\(found)",
        advice: "Put the file back, or pass --overwrite to start over")
    }
    guard ftruncate(descriptor, off_t(length)) == 0, lseek(descriptor, 0, SEEK_END) == off_t(length) else {
      throw TrainingError.cannotWrite(path: path, operation: "truncate", code: errno)
    }
  }

  deinit { close(descriptor) }

  /// Appends one line.
  /// - Throws: `TrainingError.cannotWrite`.
  func append(_ members: [(String, JSONValue)]) throws {
    let line = Array((JSONValue.object(JSONObject(members)).text(indent: nil) + "\n").utf8)
    try writeAll(descriptor, line, count: line.count, path: path)
    length += line.count
  }

  /// Makes all lines so far durable.
  func flush() throws {
    guard fsync(descriptor) == 0 else {
      throw TrainingError.cannotWrite(path: path, operation: "fsync", code: errno)
    }
  }
}
