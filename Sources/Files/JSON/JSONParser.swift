// The recursive-descent reader behind `JSONValue.parse`. Depth is bounded before each descent, so hostile input costs
// an error, never the stack.

struct JSONParser {
  private static let maximumDepth = 64
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func document() throws -> JSONValue {
    let value = try self.value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw unexpected("the end of the text") }
    return value
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipSpace()
    guard depth <= Self.maximumDepth else {
      throw JSONError(
        offset: position, expected: "at most \(Self.maximumDepth) levels of nesting", found: "another level")
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
      guard result[key] == nil else {
        throw JSONError(offset: start, expected: "each key once", found: "\"\(key.prefix(80))\" again")
      }
      skipSpace()
      guard take(":") else { throw unexpected("':'") }
      result[key] = try value(depth: depth + 1)
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
    var whole = true
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") {
      whole = false
      try digits()
    }
    if take("e") || take("E") {
      whole = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if whole, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw JSONError(offset: start, expected: "a number that fits a double", found: String(text.prefix(40)))
    }
    return .number(value)
  }

  private mutating func digits() throws {
    let start = position
    while let byte = peek, isDigit(byte) { position += 1 }
    guard position > start else { throw unexpected("a digit") }
  }

  private mutating func string() throws -> String {
    position += 1
    let start = position
    var collected: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: collected, as: UTF8.self) else {
          throw JSONError(offset: start, expected: "UTF-8", found: "other bytes in a string")
        }
        return text
      case UInt8(ascii: "\\"): try escape(into: &collected)
      case 0..<0x20:
        position -= 1
        throw unexpected("no control character in a string")
      default: collected.append(byte)
      }
    }
    throw unexpected("'\"' at the end of a string")
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
    case UInt8(ascii: "u"):
      var unit = try hexadecimal()
      if (0xD800..<0xDC00).contains(unit), take("\\"), take("u") {
        let low = try hexadecimal()
        if (0xDC00..<0xE000).contains(low) { unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00) }
      }
      guard let scalar = Unicode.Scalar(unit) else { throw unexpected("a pair of surrogates") }
      collected.append(contentsOf: Array(String(Character(scalar)).utf8))
    default:
      position -= 1
      throw unexpected("one of \" \\ / b f n r t u after a backslash")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
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
