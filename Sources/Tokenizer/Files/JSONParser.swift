// A small strict JSON parser over bytes (RFC 8259). Called by JSONNode.read.

/// Parses one JSON document.
struct JSONParser {
  private let bytes: [UInt8]
  private let file: String
  private var index = 0
  /// Deeper nesting than any tokenizer file has; the parser calls itself for each level.
  private static let maximumDepth = 100

  /// - Throws: `TokenizerError.malformedJSON` with line and column.
  static func parse(_ bytes: [UInt8], file: String) throws -> JSONValue {
    var parser = JSONParser(bytes: bytes, file: file)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.index = 3 }
    let value = try parser.value(depth: 0)
    parser.skipBlanks()
    if parser.index < bytes.count { throw parser.failure("the end of the file") }
    return value
  }

  private init(bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func failure(_ expected: String, at place: Int? = nil) -> TokenizerError {
    let place = place ?? index
    let before = bytes[..<min(place, bytes.count)]
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return .malformedJSON(
      file: file, line: before.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }, column: place - lineStart + 1,
      expected: expected, found: place < bytes.count ? quoted(bytes[place...].prefix(20)) : "the end of the file")
  }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
  }

  private mutating func skip(_ mark: Unicode.Scalar) -> Bool {
    guard let byte = current, UInt32(byte) == mark.value else { return false }
    index += 1
    return true
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    skipBlanks()
    guard depth < Self.maximumDepth else { throw failure("at most \(Self.maximumDepth) levels of nesting") }
    switch current.map(Unicode.Scalar.init) {
    case "{": return try object(depth)
    case "[": return try array(depth)
    case "\"": return .string(try string())
    case "t": return try word("true", .bool(true))
    case "f": return try word("false", .bool(false))
    case "n": return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) throws -> JSONValue {
    let wanted = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[index...].starts(with: wanted) else { throw failure("a JSON value") }
    index += wanted.count
    return value
  }

  private mutating func object(_ depth: Int) throws -> JSONValue {
    index += 1
    var members: [JSONValue.Member] = []
    skipBlanks()
    if skip("}") { return .object([]) }
    while true {
      skipBlanks()
      guard current == 0x22 else { throw failure("a key in double quotes") }
      let key = try string()
      skipBlanks()
      guard skip(":") else { throw failure("a colon") }
      members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
      skipBlanks()
      if skip("}") { return .object(members) }
      guard skip(",") else { throw failure("a comma or }") }
    }
  }

  private mutating func array(_ depth: Int) throws -> JSONValue {
    index += 1
    var values: [JSONValue] = []
    skipBlanks()
    if skip("]") { return .array([]) }
    while true {
      values.append(try value(depth: depth + 1))
      skipBlanks()
      if skip("]") { return .array(values) }
      guard skip(",") else { throw failure("a comma or ]") }
    }
  }

  private mutating func number() throws -> JSONValue {
    let start = index
    while let byte = current, "+-.0123456789eE".utf8.contains(byte) { index += 1 }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    let digits = bytes[start..<index].drop { $0 == 0x2D }
    guard let first = digits.first, (0x30...0x39).contains(first), let number = Double(text), number.isFinite else {
      throw failure("a JSON value", at: start)
    }
    return .number(number)
  }

  private mutating func string() throws -> [UInt8] {
    let start = index
    index += 1
    var text: [UInt8] = []
    while let byte = current {
      switch byte {
      case 0x22:
        index += 1
        let valid = text.withUnsafeBufferPointer { UTF8Text.validPrefix($0) } == text.count
        if !valid { throw failure("valid UTF-8 in the string", at: start) }
        return text
      case 0x5C: try escape(into: &text)
      case ..<0x20: throw failure("no control character inside a string")
      default:
        text.append(byte)
        index += 1
      }
    }
    throw failure("a double quote at the end of the string")
  }

  private mutating func escape(into text: inout [UInt8]) throws {
    index += 1
    guard let byte = current else { throw failure("an escape") }
    index += 1
    switch Unicode.Scalar(byte) {
    case "\"", "\\", "/": text.append(byte)
    case "b": text.append(0x08)
    case "f": text.append(0x0C)
    case "n": text.append(0x0A)
    case "r": text.append(0x0D)
    case "t": text.append(0x09)
    case "u": text += Array(String(Character(try unicodeEscape())).utf8)
    default: throw failure("an escape", at: index - 1)
    }
  }

  private mutating func unicodeEscape() throws -> Unicode.Scalar {
    let start = index
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    if first < 0xDC00, skip("\\"), skip("u") {
      let second = try fourDigits()
      if (0xDC00...0xDFFF).contains(second),
        let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
      {
        return scalar
      }
    }
    throw failure("a pair of surrogates", at: start)
  }

  private mutating func fourDigits() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = current, let digit = hexadecimalValue(byte) else { throw failure("four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }
}
