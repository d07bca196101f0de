// A value of a JSON file that knows where it stands. Called by the readers beside it.

import Files

/// A JSON value with the file and the place in it, so that every wrong type becomes an error that says where.
struct JSONNode {
  let value: JSONValue
  let file: String
  /// How to get there, `model.vocab`.
  let path: String

  init(_ value: JSONValue, file: String, path: String = "") {
    self.value = value
    self.file = file
    self.path = path
  }

  /// Reads and parses a file.
  static func read(_ path: String) throws -> JSONNode {
    let bytes = try TokenizerFile.read(path)
    do {
      // A token that comes twice must be seen, so that the reader of the vocabulary can name it.
      return JSONNode(try JSONValue.parse(bytes, repeats: .kept), file: path)
    } catch let error as JSONError {
      throw Self.located(error, in: bytes, file: path)
    }
  }

  /// Reads a file that may be missing: an object.
  static func optional(_ path: String) throws -> JSONNode? {
    guard try Path.isPresent(path) else { return nil }
    let node = try JSONNode.read(path)
    guard case .object = node.value else { throw node.expected("an object") }
    return node
  }

  /// The error with line and column, and what the file says there.
  private static func located(_ error: JSONError, in bytes: [UInt8], file: String) -> TokenizerError {
    let place = min(error.offset, bytes.count)
    let before = bytes[..<place]
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    return .malformedJSON(
      file: file, line: before.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }, column: place - lineStart + 1,
      expected: error.expected, found: place < bytes.count ? quoted(bytes[place...].prefix(20)) : "the end of the file")
  }

  /// What kind of value this is, for error messages.
  private var kind: String {
    switch value {
    case .null, .bool, .integer: value.text(indent: nil)
    case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
    case .string(let text): quoted(text.utf8.prefix(60))
    case .array: "an array"
    case .object: "an object"
    }
  }

  private var place: String { path.isEmpty ? "the whole file" : path }

  /// The error that this value should be something else.
  func expected(_ what: String) -> TokenizerError {
    .invalid(file: file, at: place, expected: what, found: kind)
  }

  /// The error that this value is of a kind not supported here.
  func unsupported(_ supported: String, found: String? = nil) -> TokenizerError {
    .unsupported(file: file, at: place, found: found ?? kind, supported: supported)
  }

  /// The value of a key, nil if the key is missing or its value is null. Of a key that comes twice, the last counts.
  subscript(_ key: String) -> JSONNode? {
    guard let found = value.object?[key], found != .null else { return nil }
    return child(found, key)
  }

  private func child(_ value: JSONValue, _ key: String) -> JSONNode {
    JSONNode(value, file: file, path: path.isEmpty ? key : "\(path).\(key)")
  }

  /// The value of a key that has to be there.
  func required(_ key: String) throws -> JSONNode {
    guard case .object = value else { throw expected("an object with \"\(key)\"") }
    guard let node = self[key] else {
      throw TokenizerError.invalid(file: file, at: place, expected: "a key \"\(key)\"", found: "none")
    }
    return node
  }

  func bytes() throws -> [UInt8] { Array(try string().utf8) }

  func string() throws -> String {
    guard case .string(let text) = value else { throw expected("a string") }
    return text
  }

  func bool() throws -> Bool {
    guard case .bool(let flag) = value else { throw expected("true or false") }
    return flag
  }

  /// A whole number from 0 to 2^31 - 1.
  func integer() throws -> Int32 {
    guard let number = value.double, let integer = Int32(exactly: number), integer >= 0 else {
      throw expected("a whole number from 0 to 2147483647")
    }
    return integer
  }

  func array() throws -> [JSONNode] {
    guard case .array(let values) = value else { throw expected("an array") }
    return values.enumerated().map { JSONNode($1, file: file, path: "\(path)[\($0)]") }
  }

  /// The members of an object, in the order of the file.
  func members() throws -> [(key: [UInt8], node: JSONNode)] {
    guard case .object(let object) = value else { throw expected("an object") }
    return object.members.map { (Array($0.key.utf8), child($0.value, $0.key)) }
  }
}
