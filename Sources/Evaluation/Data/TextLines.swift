// The lines of a text file as bytes, and their decoding. Called by every reader of evaluation data.

import Files

enum TextLines {
  /// Calls `body` with each line, without line feed, carriage return and a leading byte order mark; lines count from 1.
  /// - Throws: `EvaluationError`, also for UTF-16, or what `body` throws.
  static func forEach(_ path: String, _ body: (_ line: ArraySlice<UInt8>, _ number: Int) throws -> Void) throws {
    let bytes = try contents(path)
    try refuseUTF16(bytes, path)
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var number = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 10) ?? bytes.count
      number += 1
      let isReturn = end > start && bytes[end - 1] == 13
      try body(bytes[start..<(isReturn ? end - 1 : end)], number)
      start = end + 1
    }
  }

  /// A line in UTF-8.
  /// - Throws: `EvaluationError.badLine` for other bytes.
  static func utf8(_ line: ArraySlice<UInt8>, path: String, number: Int) throws -> String {
    guard let text = String(validating: line, as: UTF8.self) else {
      throw EvaluationError.badLine(path: path, line: number, expected: "text in UTF-8", found: "other bytes")
    }
    return text
  }

  /// A line in Latin-1: every byte is the character of that number.
  static func latin1(_ line: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for byte in line { text.append(Unicode.Scalar(byte)) }
    return String(text)
  }

  /// Whether the line holds characters beyond ASCII and all of them are good UTF-8.
  static func looksLikeUTF8(_ line: ArraySlice<UInt8>) -> Bool {
    line.contains { $0 > 127 } && String(validating: line, as: UTF8.self) != nil
  }

  /// UTF-16 shows by its byte order mark or by zero bytes, which no text has.
  private static func refuseUTF16(_ bytes: [UInt8], _ path: String) throws {
    let isMarked = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
    guard isMarked || bytes.contains(0) else { return }
    let line = isMarked ? 1 : 1 + bytes.prefix { $0 != 0 }.count { $0 == 10 }
    throw EvaluationError.badLine(
      path: path, line: line, expected: "text of one byte a character or UTF-8",
      found: isMarked ? "a byte order mark of UTF-16" : "a zero byte")
  }

  private static func contents(_ path: String) throws -> [UInt8] {
    do {
      return try WholeFile.bytes(of: path, expected: "a file of evaluation data")
    } catch FileError.notFound(let path, let expected) {
      throw EvaluationError.notFound(path: path, expected: expected)
    } catch FileError.unreadable(let path, let operation, let code) {
      throw EvaluationError.unreadable(path: path, operation: operation, code: code)
    }
  }
}

/// The words of a text joined by single blanks; white space is what Python's `str.split()` takes for it.
func joinedWords(_ text: String) -> String {
  let words = text.unicodeScalars.split { $0.properties.isWhitespace || (0x1C...0x1F).contains($0.value) }
  return words.map { String($0) }.joined(separator: " ")
}

/// The number of words of a text that `joinedWords` made.
func wordCount(_ text: String) -> Int { text.isEmpty ? 0 : 1 + text.utf8.count { $0 == 0x20 } }

/// A score: a finite number and nothing else.
/// - Throws: `EvaluationError.badLine`.
func parseScore(_ text: String, path: String, line: Int, place: String) throws -> Double {
  guard let score = Double(text), score.isFinite else {
    throw EvaluationError.badLine(
      path: path, line: line, expected: "a number as score in \(place)", found: "\"\(text.prefix(40))\"")
  }
  return score
}
