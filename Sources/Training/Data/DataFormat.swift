// The formats of training files, and where one record ends in a buffer of bytes. Used by RecordScanner, which reads a
// file from front to back, and by TrainingData, which reads single records again.

import Glibc

/// How the rows of a training file are written.
package enum DataFormat: String, Sendable {
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
  static let maximumRecordBytes = 1 << 20

  /// What a file name says: the format (`.json` is told apart by its first byte) and whether it is compressed.
  /// - Throws: `TrainingError.usage` for any other ending.
  static func named(_ path: String) throws -> (format: DataFormat, isJSON: Bool, isCompressed: Bool) {
    let name = path.lowercased()
    let isCompressed = name.hasSuffix(".gz")
    let stem = isCompressed ? String(name.dropLast(3)) : name
    switch stem.split(separator: "/").last?.split(separator: ".").last {
    case "txt": return (.text, false, isCompressed)
    case "csv": return (.csv, false, isCompressed)
    case "tsv": return (.tsv, false, isCompressed)
    case "jsonl": return (.jsonLines, false, isCompressed)
    case "json": return (.jsonLines, true, isCompressed)
    default:
      throw TrainingError.usage(
        place: path, expected: "a name ending in .txt, .csv, .tsv, .json or .jsonl, each also with .gz",
        found: "another ending", advice: "Rename the file after what is in it")
    }
  }
}

/// Where one record lies in a buffer.
struct RecordSpan {
  /// The bytes of the record without its line end.
  var content: Range<Int>
  /// Where the next record starts.
  var next: Int
  /// Why the record cannot be used, if so.
  var failure: String?
}

extension DataFormat {
  /// The record that starts at `start`, or nil where the buffer ends before the record does.
  ///
  /// `isLast` says that the file ends with the buffer. `start < bytes.count`.
  func span(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    switch self {
    case .text, .tsv, .jsonLines: lineSpan(in: bytes, from: start, isLast: isLast)
    case .csv: quotedSpan(in: bytes, from: start, isLast: isLast)
    case .jsonArray: valueSpan(in: bytes, from: start, isLast: isLast)
    }
  }

  private func lineSpan(in bytes: UnsafeBufferPointer<UInt8>, from start: Int, isLast: Bool) -> RecordSpan? {
    guard let end = bytes.newline(from: start) else {
      return isLast ? RecordSpan(content: bytes.trimmed(start..<bytes.count), next: bytes.count) : nil
    }
    return RecordSpan(content: bytes.trimmed(start..<end), next: end + 1)
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
      case UInt8(ascii: "\n"):
        return RecordSpan(content: bytes.trimmed(start..<position), next: position + 1)
      case let byte: fieldStart = byte == UInt8(ascii: ",")
      }
      position += 1
    }
    return isLast ? RecordSpan(content: bytes.trimmed(start..<position), next: position) : nil
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
    let end = bytes.newline(from: start) ?? bytes.count
    return RecordSpan(content: start..<end, next: min(end + 1, bytes.count), failure: reason)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The position of the first line end from `start` on.
  func newline(from start: Int) -> Int? {
    guard let base = baseAddress, start < count else { return nil }
    guard let found = memchr(base + start, 10, count - start) else { return nil }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  /// The range without one carriage return at its end.
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    !range.isEmpty && self[range.upperBound - 1] == 13 ? range.lowerBound..<range.upperBound - 1 : range
  }

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
