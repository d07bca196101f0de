// The recursive-descent reader behind `JSONValue.parse`. Depth is bounded before each descent, so hostile input costs
// an error, never the stack.

struct JSONParser {
  /// Deeper nesting than any file here has; the parser calls itself for each level.
  private static let maximumDepth = 100
  private let bytes: UnsafeBufferPointer<UInt8>
  private let repeats: RepeatedKeys
  private var position = 0
  private let maximumValues: Int
  private var values = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, repeats: RepeatedKeys, maximumValues: Int) {
    self.bytes = bytes
    self.maximumValues = maximumValues
    self.repeats = repeats
  }

  /// One value and nothing after it.
  mutating func document() throws -> JSONValue {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let value = try self.value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw unexpected("the end of the text") }
    return value
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipSpace()
    guard depth < Self.maximumDepth else {
      throw JSONError(
        offset: position, expected: "at most \(Self.maximumDepth) levels of nesting", found: "another level")
    }
    values += 1
    guard values <= maximumValues else {
      throw JSONError(offset: position, expected: "at most \(maximumValues) values", found: "another value")
    }
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
    default: throw unexpected("a JSON value")
    }
  }

  private mutating func object(depth: Int) throws -> JSONValue {
    var result = JSONObject()
    position += 1
    skipSpace()
    if take("}") { return .object(result) }
    repeat {
      skipSpace()
      let start = position
      guard peek == UInt8(ascii: "\"") else { throw unexpected("a quoted key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw unexpected("':'") }
      let value = try value(depth: depth + 1)
      if repeats == .kept {
        result.keep(key, value)
      } else if !result.insert(key, value) {
        throw JSONError(offset: start, expected: "each key once", found: "\"\(key.prefix(80))\" again")
      }
      skipSpace()
    } while take(",")
    guard take("}") else { throw unexpected("',' or '}'") }
    return .object(result)
  }

  private mutating func array(depth: Int) throws -> JSONValue {
    var result: [JSONValue] = []
    position += 1
    skipSpace()
    if take("]") { return .array(result) }
    repeat {
      result.append(try value(depth: depth + 1))
      skipSpace()
    } while take(",")
    guard take("]") else { throw unexpected("',' or ']'") }
    return .array(result)
  }

  private mutating func literal(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count,
      (0..<count).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
    else { throw unexpected("a JSON value") }
    position += count
    return value
  }

  private mutating func number() throws -> JSONValue {
    let start = position
    var isWhole = true
    var isWellFormed = true
    _ = take("-")
    if !take("0") { isWellFormed = digits() }
    if take(".") {
      isWhole = false
      isWellFormed = digits() && isWellFormed
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      isWellFormed = digits() && isWellFormed
    }
    let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    guard isWellFormed else {
      throw JSONError(offset: start, expected: "a number", found: "'\(text.prefix(40))'")
    }
    if isWhole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(offset: start, expected: "a number that fits a double", found: String(text.prefix(40)))
    }
    return .number(value)
  }

  /// Passes over digits; whether there was one.
  private mutating func digits() -> Bool {
    let start = position
    while let byte = peek, isDigit(byte) { position += 1 }
    return position > start
  }

  /// A string from its opening quote on. Most have no escape and are taken as they stand.
  private mutating func string() throws -> String {
    let quote = position
    position += 1
    let start = position
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    let plain = UnsafeBufferPointer(rebasing: bytes[start..<position])
    if take("\"") { return try text(plain, from: quote) }
    return try string(from: quote, after: Array(plain))
  }

  /// The rest of a string that has an escape, or something it may not have.
  private mutating func string(from quote: Int, after plain: [UInt8]) throws -> String {
    var collected = plain
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return try collected.withUnsafeBufferPointer { try text($0, from: quote) }
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &collected)
      case 0..<0x20: throw unexpected("no control character in a string")
      default:
        collected.append(byte)
        position += 1
      }
    }
    throw unexpected("'\"' at the end of a string")
  }

  private func text(_ bytes: UnsafeBufferPointer<UInt8>, from quote: Int) throws -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw JSONError(offset: quote, expected: "UTF-8", found: "other bytes in a string")
    }
    return text
  }

  private mutating func escape(into collected: inout [UInt8]) throws {
    guard let byte = peek else { throw unexpected("an escape") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): collected.append(byte)
    case UInt8(ascii: "b"): collected.append(8)
    case UInt8(ascii: "f"): collected.append(12)
    case UInt8(ascii: "n"): collected.append(10)
    case UInt8(ascii: "r"): collected.append(13)
    case UInt8(ascii: "t"): collected.append(9)
    case UInt8(ascii: "u"): collected.append(contentsOf: Array(String(Character(try scalar())).utf8))
    default:
      position -= 1
      throw unexpected("one of \" \\ / b f n r t u after a backslash")
    }
  }

  /// The scalar after `\u`: four digits, or two times four where it takes a pair of surrogates.
  private mutating func scalar() throws -> Unicode.Scalar {
    let start = position
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xDC00, take("\\"), take("u") {
      let second = try fourDigits()
      if (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return scalar
      }
    }
    throw JSONError(
      offset: start, expected: "a pair of surrogates", found: "'\\u" + String(first, radix: 16) + "' alone")
  }

  private mutating func fourDigits() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 32 || byte == 9 || byte == 10 || byte == 13 { position += 1 }
  }

  private func unexpected(_ expected: String) -> JSONError {
    guard let byte = peek else { return JSONError(offset: position, expected: expected, found: "the end") }
    let printable = (33..<127).contains(byte)
    let found = printable ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
    return JSONError(offset: position, expected: expected, found: found)
  }
}
