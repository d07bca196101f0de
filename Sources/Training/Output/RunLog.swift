// metrics.jsonl: a line a step and a line an evaluation, appended as they happen. Its length goes into checkpoints, so
// that a resumed run cuts off what it is going to do again. Written by the training loop.

import Files
import Glibc

/// An append-only file of JSON lines.
final class RunLog {
  let path: String
  private let descriptor: Int32
  /// Bytes of all lines so far.
  private(set) var length: Int
  /// Lines that the system did not take; they are tried again before a checkpoint counts on them.
  private var unwritten: [UInt8] = []

  /// - Throws: `TrainingError.badData` where the log at `path` is shorter than `length` bytes.
  static func check(path: String, length: Int) throws {
    var status = stat()
    let found = stat(path, &status) == 0 ? Int(status.st_size) : 0
    guard found < length else { return }
    throw TrainingError.badData(
      path: path, line: 0, expected: "the \(length) bytes that the checkpoint knows of", found: "\(found)",
      advice: "Put the file back, or pass --overwrite to start over")
  }

  /// Opens the log and cuts it to `length` bytes.
  /// - Throws: `TrainingError.cannotWrite`; `.badData` where it is shorter than that.
  init(path: String, length: Int) throws {
    self.path = path
    self.length = length
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: path, operation: "open", code: errno) }
    try Self.check(path: path, length: length)
    guard ftruncate(descriptor, off_t(length)) == 0 else {
      throw TrainingError.cannotWrite(path: path, operation: "truncate", code: errno)
    }
  }

  deinit { close(descriptor) }

  /// The steps and evaluations so far.
  /// - Throws: `FileError`.
  func lines() throws -> [LoggedLine] {
    try WholeFile.bytes(of: path, expected: "the log of the run").split(separator: UInt8(ascii: "\n")).compactMap {
      (try? JSONValue.parse(Array($0)).object).flatMap(LoggedLine.init)
    }
  }

  /// Appends one line.
  /// - Throws: `TrainingError.cannotWrite`.
  func append(_ members: [(String, JSONValue)]) throws {
    let line = (JSONValue.object(JSONObject(members)).text(indent: nil) + "\n").utf8
    unwritten += line
    length += line.count
    try write()
  }

  private func write() throws {
    do throws(WriteFailure) {
      try writeAll(unwritten, to: descriptor, at: length - unwritten.count)
    } catch {
      throw TrainingError.cannotWrite(path: path, operation: "write", code: error.code)
    }
    unwritten.removeAll(keepingCapacity: true)
  }

  /// Makes all lines so far durable.
  func flush() throws {
    try write()
    guard fsync(descriptor) == 0 else {
      throw TrainingError.cannotWrite(path: path, operation: "fsync", code: errno)
    }
  }
}
