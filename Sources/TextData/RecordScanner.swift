// Reads a file once from front to back through a window of a few MiB and hands out its records. Called by the readers
// of training data, for the index of row positions, and of pairs.

import Files
import Glibc

/// One record as the scanner meets it; `bytes` is valid during the call only.
package struct ScannedRecord {
  /// Where the record starts in the (unpacked) file.
  package var offset: Int
  /// The lines it covers, from 1.
  package var lines: ClosedRange<Int>
  /// Its bytes without the line end.
  package var bytes: UnsafeBufferPointer<UInt8>
  /// Why it cannot be used, if the scanner already knows.
  package var failure: String?

  /// Whether nothing but blanks stands there.
  package var isEmpty: Bool { failure == nil && bytes.allSatisfy { $0 == 32 || $0 == 9 } }
}

/// A pass over all records of a file.
package final class RecordScanner {
  private let file: RecordFile
  private let format: RecordFormat
  private let window: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  /// The file offset of the window's first byte, the bytes it holds, and how far they are used.
  private var base = 0, filled = 0, position = 0
  /// At `position`.
  private var counter = LineCounter()

  /// A pass that has not begun.
  package init(file: RecordFile, format: RecordFormat) {
    self.file = file
    self.format = format
    capacity = min(4 * RecordFormat.maximumRecordBytes, file.size)
    window = .allocate(capacity: capacity)
  }

  deinit { window.deallocate() }

  /// Calls `body` with every record, empty ones included.
  /// - Throws: `TextDataError` for what is no text, or no list of JSON rows; what `body` throws.
  package func forEachRecord(_ body: (ScannedRecord) throws -> Void) throws {
    try refill()
    try skipByteOrderMark()
    if format == .jsonArray { return try forEachArrayElement(body) }
    while let span = try nextSpan() { try handOut(span, body) }
  }

  private func handOut(_ span: RecordSpan, _ body: (ScannedRecord) throws -> Void) throws {
    let content = UnsafeBufferPointer(rebasing: bytes[span.content])
    let last = line + (format.isOfLines ? 0 : content.lineBreaks)
    try body(
      ScannedRecord(
        offset: base + span.content.lowerBound, lines: line...last, bytes: content, failure: span.failure))
    if span.next > filled { try skipLine() } else { advance(to: span.next) }
  }

  private var isAtEnd: Bool { base + filled >= file.size }

  /// The record at `position`, refilling the window where it ends early; nil at the end of the file. `next > filled`
  /// asks to skip the line.
  private func nextSpan() throws -> RecordSpan? {
    while true {
      if position < filled, let span = format.span(in: bytes, from: position, isLast: isAtEnd) {
        return span.content.count > RecordFormat.maximumRecordBytes ? tooLong : span
      }
      if filled - position > RecordFormat.maximumRecordBytes { return tooLong }
      if isAtEnd { return nil }
      try refill()
    }
  }

  private var tooLong: RecordSpan {
    let reason =
      format == .csv ? "longer than 1 MiB, or a quoted field that is not closed" : "longer than 1 MiB"
    var span = format.unclosed(reason, in: bytes, from: position)
    if bytes.lineBreak(from: position).map(bytes.isCut) ?? true { span.next = filled + 1 }
    span.content = position..<min(span.content.upperBound, position + 80)
    return span
  }

  /// Drops everything up to and with the next line end, however far it is.
  private func skipLine() throws {
    while true {
      let end = bytes.lineBreak(from: position)
      if let end, isAtEnd || !bytes.isCut(end) { return advance(to: bytes.next(after: end)) }
      advance(to: end ?? filled)
      if isAtEnd { return }
      try refill()
    }
  }

  private func advance(to next: Int) {
    counter.pass(bytes[position..<next])
    position = next
  }

  private var line: Int { counter.line }

  private var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: window, count: filled) }

  /// Moves what is left to the window's front and reads on.
  private func refill() throws {
    memmove(window, window + position, filled - position)
    base += position
    filled -= position
    position = 0
    let rest = UnsafeMutableRawBufferPointer(start: window + filled, count: capacity - filled)
    let count = try file.read(at: base + filled, into: rest)
    guard count > 0 || isAtEnd else {
      throw TextDataError.changedFile(path: file.path, found: "a file that ends at byte \(base + filled)")
    }
    let new = filled..<filled + count
    filled += count
    try check(new)
  }

  /// Refuses zero bytes as soon as they are read.
  private func check(_ new: Range<Int>) throws {
    if base == 0, new.lowerBound == 0 { return }  // after the look at the first bytes, which knows more
    try refuseZeros(new)
  }

  private func refuseZeros(_ new: Range<Int>) throws {
    do throws(NoText) {
      let before = UnsafeBufferPointer(rebasing: bytes[..<new.lowerBound]).lineBreaks
      try TextRules.refuseZeros(UnsafeBufferPointer(rebasing: bytes[new]), line: line + before)
    } catch {
      throw error.error(file.path)
    }
  }

  private func skipByteOrderMark() throws {
    do throws(NoText) {
      position = try TextRules.start(bytes)
    } catch {
      throw error.error(file.path)
    }
    try refuseZeros(0..<filled)
  }
}

// MARK: - One JSON array

extension RecordScanner {
  private func forEachArrayElement(_ body: (ScannedRecord) throws -> Void) throws {
    try expect("[", "'[' at the start of the list")
    if try nextByte() == UInt8(ascii: "]") { return try finishArray() }
    while true {
      guard let first = try nextByte() else { throw broken("a row", "the end of the file") }
      guard first != UInt8(ascii: ","), first != UInt8(ascii: "]") else {
        throw broken("a row", "'\(Character(Unicode.Scalar(first)))'")
      }
      guard let span = try nextSpan() else { throw broken("a row that ends", "the end of the file") }
      if let failure = span.failure { throw broken("a row that ends", failure) }
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
      guard !isAtEnd else { return nil }
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

  private func broken(_ expected: String, _ found: String) -> TextDataError {
    .badText(
      path: file.path, line: line, expected: expected, found: found,
      advice: "The list cannot be read further; mend it, or write one JSON row a line and name the file .jsonl")
  }
}
