// The part of TOML that descriptions of runs need: `key = value` lines with strings, numbers, booleans and arrays of
// them. Whatever it reads means the same in TOML; what it does not read is an error with its line. Used by
// DescriptionFile.
// Source: https://toml.io/en/v1.0.0

import Glibc

/// Where a text stops being what the reader knows; lines count from 1.
package struct TOMLError: Error, Equatable {
  /// The line, from 1.
  package var line: Int
  /// What is wrong there.
  package var problem: String
}

/// A reader over the characters of one text. Arrays may be nested 100 deep, as in JSON.
package struct TOMLReader {
  private let characters: [Character]
  private var position = 0
  private var line = 1
  private var depth = 0
  private static let deepest = 100

  private init(_ text: String) { characters = Array(text) }

  /// The keys and values of a file, in its order.
  package static func read(_ text: String) throws(TOMLError) -> JSONObject {
    var reader = TOMLReader(text)
    return try reader.document()
  }

  private mutating func document() throws(TOMLError) -> JSONObject {
    var result = JSONObject()
    while true {
      skipSpaceAndComments(lines: true)
      guard let next = peek else { return result }
      if next == "[" { throw failure("expected key = value, found a table; flags stand at the top only") }
      let key = try key()
      skipSpaceAndComments(lines: false)
      guard take("=") else { throw failure("expected '=' after the key '\(key)', found \(found)") }
      skipSpaceAndComments(lines: false)
      guard result[key] == nil else { throw failure("the key '\(key)' stands there twice") }
      result[key] = try value()
      skipSpaceAndComments(lines: false)
      guard peek == nil || isLineEnd else { throw failure("expected the end of the line, found \(found)") }
    }
  }

  private mutating func key() throws(TOMLError) -> String {
    if peek == "\"" || peek == "'" { return try string() }
    var key = ""
    while let next = peek, next.isASCII, next.isLetter || next.isNumber || next == "-" || next == "_" {
      key.append(next)
      position += 1
    }
    guard !key.isEmpty else { throw failure("expected a key, found \(found)") }
    if peek == "." { throw failure("expected a plain key, found the dotted key '\(key).'") }
    return key
  }

  private mutating func value() throws(TOMLError) -> JSONValue {
    switch peek {
    case "\"", "'": return .string(try string())
    case "[": return try array()
    case "{": throw failure("expected a string, number, boolean or array, found an inline table")
    default: return try word()
    }
  }

  private mutating func array() throws(TOMLError) -> JSONValue {
    guard depth < Self.deepest else {
      throw failure("expected at most \(Self.deepest) levels of nesting, found more")
    }
    depth += 1
    defer { depth -= 1 }
    position += 1
    var items: [JSONValue] = []
    while true {
      skipSpaceAndComments(lines: true)
      if take("]") { return .array(items) }
      guard peek != nil else { throw failure("expected ']' at the end of an array, found the end of the file") }
      items.append(try value())
      skipSpaceAndComments(lines: true)
      if take(",") { continue }
      guard peek == "]" else { throw failure("expected ',' or ']' in an array, found \(found)") }
    }
  }

  /// A number or a boolean.
  private mutating func word() throws(TOMLError) -> JSONValue {
    var text = ""
    while let next = peek, !isLineEnd, !" \t,]#".contains(next) {
      text.append(next)
      position += 1
    }
    if text == "true" || text == "false" { return .bool(text == "true") }
    let digits = text.replacing("_", with: "")
    let isPlain = !text.hasPrefix("_") && !text.hasSuffix("_") && !text.contains("__")
    if isPlain, digits.first?.isNumber == true || "+-".contains(digits.first ?? " ") {
      if let integer = Int(digits) { return .integer(integer) }
      if digits.allSatisfy({ $0.isNumber || "+-.eE".contains($0) }), let number = Double(digits), number.isFinite {
        return .number(number)
      }
    }
    throw failure(
      text.isEmpty
        ? "expected a value, found \(found)"
        : "expected a string in quotes, a number, true, false or [ ... ], found '\(text)'")
  }

  private mutating func string() throws(TOMLError) -> String {
    let quote = characters[position]
    if characters[position...].starts(with: [quote, quote, quote]) {
      throw failure("expected a string on one line, found \(String(repeating: quote, count: 3))")
    }
    position += 1
    var text = ""
    while let next = peek, !isLineEnd {
      position += 1
      if next == quote { return text }
      text.append(next == "\\" && quote == "\"" ? try escape() : next)
    }
    throw failure("expected \(quote) at the end of a string, found the end of the line")
  }

  private mutating func escape() throws(TOMLError) -> Character {
    let escapes: [Character: Character] = ["\"": "\"", "\\": "\\", "n": "\n", "t": "\t", "r": "\r"]
    guard let next = peek, let meant = escapes[next] else {
      throw failure("expected \\\", \\\\, \\n, \\t or \\r in a string, found \\\(peek.map(String.init) ?? "")")
    }
    position += 1
    return meant
  }

  // MARK: Characters

  private var peek: Character? { position < characters.count ? characters[position] : nil }
  private var isLineEnd: Bool { peek == "\n" || peek == "\r\n" }
  private var found: String { isLineEnd || peek == nil ? "the end of the line" : "'\(characters[position])'" }

  private mutating func take(_ sign: Character) -> Bool {
    guard peek == sign else { return false }
    position += 1
    return true
  }

  private mutating func skipSpaceAndComments(lines: Bool) {
    while let next = peek {
      if next == "#" {
        while peek != nil, !isLineEnd { position += 1 }
      } else if next == " " || next == "\t" {
        position += 1
      } else if lines, isLineEnd {
        position += 1
        line += 1
      } else {
        return
      }
    }
  }

  private func failure(_ problem: String) -> TOMLError { TOMLError(line: line, problem: problem) }
}
