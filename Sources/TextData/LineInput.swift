// Lines of a file or of standard input, a limited number at a time. Used by encode, tokenize and probe.

import Files
import Glibc

/// A stream of text lines; never holds more than it is asked for, plus one block.
package final class LineInput {
  private let path: String
  private let descriptor: Int32
  /// What a compressed file was unpacked into.
  private let unpacked: InputFile?
  private var offset = 0
  private var pending: [UInt8] = []
  private var position = 0
  private var isAtEnd = false
  private var isAtStart = true
  /// A line ended with a carriage return; a line feed behind it belongs to the same end.
  private var endedWithReturn = false
  /// The line that `pending` begins on, for messages.
  private var line = 1

  /// Opens `path`; `-` is standard input. A file named `.gz` is unpacked into an unnamed one in `spoolFolder`.
  /// - Throws: `FileError`
  package init(path: String, spoolFolder: String) throws {
    let expected = "a file of lines, or - for standard input"
    self.path = path
    if path != "-", RecordFormat.ending(of: path).isCompressed {
      (unpacked, descriptor) = (try GzipFile.unpacked(path, expected: expected, into: spoolFolder), -1)
      return
    }
    unpacked = nil
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { throw FileError.notFound(path: path, expected: expected) }
      throw FileError.unreadable(path: path, operation: "open", code: errno)
    }
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  /// Up to `count` further lines without their ends; fewer only at the end, none after it.
  /// - Throws: `FileError`; `TextDataError` for what is no text.
  package func next(_ count: Int) throws -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while lines.count < count, let line = try nextLine() { lines.append(line) }
    return lines
  }

  /// A line as soon as it is complete, so that a pipe is answered without delay.
  private func nextLine() throws -> [UInt8]? {
    var searched = position
    while true {
      if endedWithReturn, position < pending.count {
        if pending[position] == 10 { position += 1 }
        (endedWithReturn, searched) = (false, max(searched, position))
      }
      if let end = pending.withUnsafeBufferPointer({ $0.lineBreak(from: searched) }) {
        let found = Array(pending[position..<end])
        endedWithReturn = pending[end] == 13
        position = end + 1
        line += 1
        return found
      }
      searched = pending.count - position
      pending.removeFirst(position)
      position = 0
      if isAtEnd {
        defer { pending = [] }
        return pending.isEmpty ? nil : pending
      }
      try fill()
    }
  }

  private func fill() throws {
    var block = [UInt8](repeating: 0, count: 1 << 16)
    let count = try read(into: &block)
    isAtEnd = count == 0
    let new = pending.count
    pending += block[..<count]
    try check(from: new)
  }

  /// Refuses what is no text, and drops a byte order mark, as soon as enough is there to know.
  private func check(from new: Int) throws {
    do throws(NoText) {
      try pending.withUnsafeBufferPointer { bytes throws(NoText) in
        if isAtStart {
          guard isAtEnd || bytes.count >= TextRules.headBytes || bytes.lineBreak(from: 0) != nil else { return }
          position = try TextRules.start(bytes)
          isAtStart = false
          try TextRules.refuseZeros(bytes, line: 1)
        } else {
          let fresh = UnsafeBufferPointer(rebasing: bytes[new...])
          try TextRules.refuseZeros(fresh, line: line + UnsafeBufferPointer(rebasing: bytes[..<new]).lineBreaks)
        }
      }
    } catch {
      throw error.error(path == "-" ? "standard input" : path)
    }
  }

  private func read(into block: inout [UInt8]) throws -> Int {
    try block.withUnsafeMutableBytes { buffer in
      if let unpacked {
        let count = try unpacked.read(upTo: buffer, at: offset)
        offset += count
        return count
      }
      while true {
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count >= 0 { return count }
        if errno != EINTR { throw FileError.unreadable(path: path, operation: "read", code: errno) }
      }
    }
  }
}
