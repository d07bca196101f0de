// The lines of a text file as bytes, and their decoding. Called by every reader of evaluation data.

import Files
import TextData

enum TextLines {
  /// Calls `body` with each line, without its end and a leading byte order mark; lines count from 1.
  /// - Throws: `EvaluationError`; `TextDataError` for what is no text; what `body` throws.
  static func forEach(_ path: String, _ body: (_ line: ArraySlice<UInt8>, _ number: Int) throws -> Void) throws {
    let bytes = try contents(path)
    var start = try bytes.withUnsafeBufferPointer { try textStart($0, path) }
    var number = 0
    while start < bytes.count {
      let (end, next) = bytes.withUnsafeBufferPointer { buffer in
        buffer.lineBreak(from: start).map { ($0, buffer.next(after: $0)) } ?? (buffer.count, buffer.count)
      }
      number += 1
      try body(bytes[start..<end], number)
      start = next
    }
  }

  private static func textStart(_ bytes: UnsafeBufferPointer<UInt8>, _ path: String) throws -> Int {
    do throws(NoText) {
      let start = try TextRules.start(bytes)
      try TextRules.refuseZeros(bytes, line: 1)
      return start
    } catch {
      throw error.error(path)
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

  /// A file read whole, which may be a pipe.
  /// - Throws: `EvaluationError`
  static func contents(_ path: String) throws -> [UInt8] {
    try translated { try WholeFile.bytes(of: path, expected: "a file of evaluation data") }
  }

  /// Errors of files as this module has them.
  static func translated<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
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
