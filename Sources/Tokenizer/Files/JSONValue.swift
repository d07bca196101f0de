// JSON as it stands in the file: strings as bytes, objects in order with all their keys. A vocabulary needs both:
// Swift's own strings would take é composed and é decomposed for one key, and a dictionary would hide a token that
// comes twice. Called by the readers beside it.

/// A JSON value.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string([UInt8])
  case array([JSONValue])
  case object([Member])

  struct Member: Equatable {
    var key: [UInt8]
    var value: JSONValue
  }

  /// What kind of value this is, for error messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    case .string(let bytes): quoted(bytes.prefix(60))
    case .array: "an array"
    case .object: "an object"
    }
  }
}

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
    JSONNode(try JSONParser.parse(try TokenizerFile.read(path), file: path), file: path)
  }

  private var place: String { path.isEmpty ? "the whole file" : path }

  /// The error that this value should be something else.
  func expected(_ what: String) -> TokenizerError {
    .invalid(file: file, at: place, expected: what, found: value.kind)
  }

  /// The error that this value is of a kind not supported here.
  func unsupported(_ supported: String, found: String? = nil) -> TokenizerError {
    .unsupported(file: file, at: place, found: found ?? value.kind, supported: supported)
  }

  /// The value of a key, nil if the key is missing or its value is null. Of a key that comes twice, the last counts.
  subscript(_ key: String) -> JSONNode? {
    guard case .object(let members) = value,
      let member = members.last(where: { $0.key.elementsEqual(key.utf8) }), member.value != .null
    else { return nil }
    return child(member.value, key)
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

  func bytes() throws -> [UInt8] {
    guard case .string(let bytes) = value else { throw expected("a string") }
    return bytes
  }

  func string() throws -> String { String(decoding: try bytes(), as: UTF8.self) }

  func bool() throws -> Bool {
    guard case .bool(let flag) = value else { throw expected("true or false") }
    return flag
  }

  /// A whole number from 0 to 2^31 - 1.
  func integer() throws -> Int32 {
    guard case .number(let number) = value, let integer = Int32(exactly: number), integer >= 0 else {
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
    guard case .object(let members) = value else { throw expected("an object") }
    return members.map { ($0.key, child($0.value, String(decoding: $0.key, as: UTF8.self))) }
  }
}
