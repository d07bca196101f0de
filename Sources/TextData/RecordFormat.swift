// The formats of files of sentences, and where one record ends in a buffer of bytes. Used by RecordScanner, which reads
// a file from front to back, and by whoever reads single records again.

import Glibc

/// How the rows of a file are written.
package enum RecordFormat: String, Sendable {
  /// One sentence a line.
  case text
  /// RFC 4180: fields in quotes may hold commas, line ends and doubled quotes.
  case csv
  /// Tab-separated, nothing is quoted.
  case tsv
  /// One JSON value a line.
  case jsonLines
  /// One JSON array of rows.
  case jsonArray

  /// Records longer than this are refused, so that a lost quote cannot swallow the memory.
  package static let maximumRecordBytes = 1 << 20

  /// Whether the first record may name the columns.
  package var hasHeader: Bool { self == .csv || self == .tsv }

  /// Whether a record is a line.
  var isOfLines: Bool { self != .csv && self != .jsonArray }

  /// What the ending of a name says: the format (nil where it says none; `.json` is told apart by its first byte) and
  /// whether the file is compressed.
  package static func ending(of path: String) -> (format: RecordFormat?, isJSON: Bool, isCompressed: Bool) {
    let name = path.lowercased()
    let isCompressed = name.hasSuffix(".gz")
    let stem = isCompressed ? String(name.dropLast(3)) : name
    let format: RecordFormat? =
      switch stem.split(separator: "/").last?.split(separator: ".").last {
      case "txt": .text
      case "csv": .csv
      case "tsv": .tsv
      case "jsonl", "json": .jsonLines
      default: nil
      }
    return (format, stem.hasSuffix(".json"), isCompressed)
  }

  /// `[` opens one list of rows; anything else is one JSON row a line.
  package static func json(_ file: RecordFile) throws -> RecordFormat {
    var head = [UInt8](repeating: 0, count: 4096)
    let count = try head.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    let first = head[..<count].drop { [9, 10, 13, 32, 0xEF, 0xBB, 0xBF].contains($0) }.first
    return first == UInt8(ascii: "[") ? .jsonArray : .jsonLines
  }
}

/// Where one record lies in a buffer.
package struct RecordSpan {
  /// The bytes of the record without its line end.
  package var content: Range<Int>
  /// Where the next record starts.
  package var next: Int
  /// Why the record cannot be used, if so.
  package var failure: String?
}

extension RecordFormat {
  /// The record that starts at `start`, or nil where the buffer ends before the record does.
  ///
  /// `isLast` says that the file ends with the buffer. `start < bytes.count`.
  package func span(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    switch self {
    case .text, .tsv, .jsonLines: lineSpan(in: bytes, from: start, isLast: isLast)
    case .csv: quotedSpan(in: bytes, from: start, isLast: isLast)
    case .jsonArray: valueSpan(in: bytes, from: start, isLast: isLast)
    }
  }

  private func lineSpan(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    guard let end = bytes.lineBreak(from: start) else {
      return isLast ? RecordSpan(content: start..<bytes.count, next: bytes.count) : nil
    }
    return isLast || !bytes.isCut(end) ? RecordSpan(content: start..<end, next: bytes.next(after: end)) : nil
  }

  private func quotedSpan(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    var position = start
    var fieldStart = true
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\"") where fieldStart:
        guard let end = bytes.closingQuote(after: position) else {
          return isLast ? unclosed("a quoted field is not closed", in: bytes, from: start) : nil
        }
        position = end
        fieldStart = false
      case 10, 13:
        if !isLast, bytes.isCut(position) { return nil }
        return RecordSpan(content: start..<position, next: bytes.next(after: position))
      case let byte: fieldStart = byte == UInt8(ascii: ",")
      }
      position += 1
    }
    return isLast ? RecordSpan(content: start..<position, next: position) : nil
  }

  private func valueSpan(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    var position = start
    var depth = 0
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        guard let end = bytes.closingJSONQuote(after: position) else {
          return isLast ? unclosed("a string is not closed", in: bytes, from: start) : nil
        }
        position = end
        if depth == 0 { return RecordSpan(content: start..<end + 1, next: end + 1) }
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0 { return RecordSpan(content: start..<position, next: position) }
        depth -= 1
        if depth == 0 { return RecordSpan(content: start..<position + 1, next: position + 1) }
      case UInt8(ascii: ",") where depth == 0: return RecordSpan(content: start..<position, next: position)
      default: break
      }
      position += 1
    }
    return isLast ? unclosed("a bracket is not closed", in: bytes, from: start) : nil
  }

  /// A record that never ends: reading goes on at the line after its first.
  func unclosed(_ reason: String, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> RecordSpan {
    let end = bytes.lineBreak(from: start) ?? bytes.count
    return RecordSpan(
      content: start..<end, next: end < bytes.count ? bytes.next(after: end) : bytes.count, failure: reason)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The quote that closes the CSV field opened at `open`; doubled quotes stand for one.
  func closingQuote(after open: Int) -> Int? {
    var position = open + 1
    while position < count {
      if self[position] == UInt8(ascii: "\"") {
        guard position + 1 < count, self[position + 1] == UInt8(ascii: "\"") else { return position }
        position += 1
      }
      position += 1
    }
    return nil
  }

  /// The quote that closes the JSON string opened at `open`.
  func closingJSONQuote(after open: Int) -> Int? {
    var position = open + 1
    while position < count {
      if self[position] == UInt8(ascii: "\\") {
        position += 1
      } else if self[position] == UInt8(ascii: "\"") {
        return position
      }
      position += 1
    }
    return nil
  }
}
