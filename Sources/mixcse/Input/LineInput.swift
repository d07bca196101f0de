// Lines of a file or of standard input, a limited number at a time. Used by encode and tokenize.

import Foundation
import Training

/// A stream of text lines; never holds more than it is asked for, plus one block.
final class LineInput {
  private let descriptor: Int32
  private let name: String
  private var pending: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  /// Opens `path`; `-` is standard input.
  /// - Throws: `TrainingError.missingFile` or `.unreadable`.
  init(path: String) throws {
    name = path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT {
        throw TrainingError.missingFile(path: path, expected: "a file of lines, or - for standard input")
      }
      throw TrainingError.unreadable(path: path, operation: "open", code: errno)
    }
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// Up to `count` further lines without their line ends (`\n` or `\r\n`); fewer only at the end, none after it.
  func next(_ count: Int) throws -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while lines.count < count, let line = try nextLine() { lines.append(line) }
    return lines
  }

  /// A line as soon as it is complete, so that a pipe is answered without delay.
  private func nextLine() throws -> [UInt8]? {
    var searched = position
    while true {
      if let end = pending[searched...].firstIndex(of: 10) {
        defer { position = end + 1 }
        return withoutReturn(pending[position..<end])
      }
      searched = pending.count - position
      pending.removeFirst(position)
      position = 0
      if isAtEnd {
        defer { pending = [] }
        return pending.isEmpty ? nil : withoutReturn(pending[...])
      }
      try fill()
    }
  }

  private func withoutReturn(_ line: ArraySlice<UInt8>) -> [UInt8] { Array(line.last == 13 ? line.dropLast() : line) }

  private func fill() throws {
    var block = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(descriptor, &block, block.count)
    if count < 0 {
      if errno == EINTR { return }
      throw TrainingError.unreadable(path: name, operation: "read", code: errno)
    }
    isAtEnd = count == 0
    pending += block[..<count]
  }
}
