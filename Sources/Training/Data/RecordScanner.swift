// Reads a training file once from front to back through a window of a few MiB and hands out its records.
// Called by TrainingData while it builds the index of row positions.

import Glibc

/// One record as the scanner meets it; `bytes` is valid during the call only.
struct ScannedRecord {
  /// Where the record starts in the (unpacked) file.
  var offset: Int
  /// The line its first byte is on, from 1.
  var line: Int
  var bytes: UnsafeBufferPointer<UInt8>
  /// Why it cannot be used, if the scanner already knows.
  var failure: String?
}

/// A pass over all records of a file.
final class RecordScanner {
  private let file: DataFile
  private let format: DataFormat
  private let window: UnsafeMutablePointer<UInt8>
  private let capacity = 4 * DataFormat.maximumRecordBytes
  /// The file offset of the window's first byte, the bytes it holds, and how far they are used.
  private var base = 0, filled = 0, position = 0
  private var line = 1

  init(file: DataFile, format: DataFormat) {
    self.file = file
    self.format = format
    window = .allocate(capacity: capacity)
  }

  deinit { window.deallocate() }

  /// Calls `body` with every record, empty ones included.
  func forEachRecord(_ body: (ScannedRecord) throws -> Void) throws {
    try refill()
    try skipByteOrderMark()
    if format == .jsonArray { return try forEachArrayElement(body) }
    while position < filled || base + filled < file.size {
      try handOut(nextSpan(), body)
    }
  }

  private func handOut(_ span: RecordSpan, _ body: (ScannedRecord) throws -> Void) throws {
    try body(
      ScannedRecord(
        offset: base + span.content.lowerBound, line: line,
        bytes: UnsafeBufferPointer(rebasing: bytes[span.content]), failure: span.failure))
    if span.next > filled { try skipLine() } else { advance(to: span.next) }
  }

  /// The record at `position`, refilling the window where it ends early. `next > filled` asks to skip the line.
  private func nextSpan() throws -> RecordSpan {
    while true {
      let isLast = base + filled >= file.size
      if position < filled, let span = format.span(in: bytes, from: position, isLast: isLast) {
        return span.content.count > DataFormat.maximumRecordBytes ? tooLong : span
      }
      if filled - position > DataFormat.maximumRecordBytes { return tooLong }
      try refill()
    }
  }

  private var tooLong: RecordSpan {
    let reason =
      format == .csv ? "longer than 1 MiB, or a quoted field that is not closed" : "longer than 1 MiB"
    var span = format.unclosed(reason, in: bytes, from: position)
    if bytes.newline(from: position) == nil { span.next = filled + 1 }
    span.content = position..<position + min(80, filled - position)
    return span
  }

  /// Drops everything up to and with the next line end, however far it is.
  private func skipLine() throws {
    while true {
      if let end = bytes.newline(from: position) { return advance(to: end + 1) }
      advance(to: filled)
      guard base + filled < file.size else { return }
      try refill()
    }
  }

  private func advance(to next: Int) {
    line += bytes[position..<next].count { $0 == 10 }
    position = next
  }

  private var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: window, count: filled) }

  /// Moves what is left to the window's front and reads on.
  private func refill() throws {
    memmove(window, window + position, filled - position)
    base += position
    filled -= position
    position = 0
    let rest = UnsafeMutableRawBufferPointer(start: window + filled, count: capacity - filled)
    let count = try file.read(at: base + filled, into: rest)
    guard count > 0 || base + filled >= file.size else {
      throw TrainingError.changedFile(path: file.path, found: "a file that ends at byte \(base + filled)")
    }
    filled += count
  }

  private func skipByteOrderMark() throws {
    if filled >= 3, window[0] == 0xEF, window[1] == 0xBB, window[2] == 0xBF { position = 3 }
    guard filled >= 2, (window[0], window[1]) == (0xFF, 0xFE) || (window[0], window[1]) == (0xFE, 0xFF) else { return }
    throw TrainingError.badData(
      path: file.path, line: 1, expected: "UTF-8", found: "the byte order mark of UTF-16",
      advice: "Convert it: iconv -f UTF-16 -t UTF-8")
  }
}

// MARK: - One JSON array

extension RecordScanner {
  private func forEachArrayElement(_ body: (ScannedRecord) throws -> Void) throws {
    try expect("[", "'[' at the start of the list")
    if try nextByte() == UInt8(ascii: "]") { return try finishArray() }
    while true {
      _ = try nextByte()
      let span = try nextSpan()
      if let failure = span.failure {
        throw broken("a row that ends", failure)
      }
      try handOut(span, body)
      let byte = try nextByte()
      if byte == UInt8(ascii: "]") { return try finishArray() }
      try expect(",", "',' or ']' after a row")
    }
  }

  private func finishArray() throws {
    try expect("]", "']'")
    guard try nextByte() == nil else { throw broken("the end of the file after the list", "more text") }
  }

  /// Skips white space and tells the next byte, or nil at the end of the file.
  private func nextByte() throws -> UInt8? {
    while true {
      while position < filled, [9, 10, 13, 32].contains(window[position]) { advance(to: position + 1) }
      if position < filled { return window[position] }
      guard base + filled < file.size else { return nil }
      try refill()
    }
  }

  private func expect(_ scalar: Unicode.Scalar, _ expected: String) throws {
    guard let byte = try nextByte() else { throw broken(expected, "the end of the file") }
    guard byte == UInt8(ascii: scalar) else {
      throw broken(expected, "'\(String(decoding: [byte], as: UTF8.self))'")
    }
    advance(to: position + 1)
  }

  private func broken(_ expected: String, _ found: String) -> TrainingError {
    .badData(
      path: file.path, line: line, expected: expected, found: found,
      advice: "The list cannot be read further; mend it, or write one JSON row a line and name the file .jsonl")
  }
}
