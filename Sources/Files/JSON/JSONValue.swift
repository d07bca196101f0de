// JSON as everything here uses it: strict, ordered, bounded in depth, and exact to the byte. Called for configurations,
// headers and vocabularies of models, for plans and records of runs; written back by `JSONValue.text`.

/// One JSON value; objects keep the order of their keys.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits an `Int`.
  case integer(Int)
  /// Any other number; finite where it was read.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Parses one value that fills all of `bytes` (RFC 8259; nesting at most 100 deep). A byte order mark in front is
  /// passed over.
  /// - Parameters:
  ///   - repeats: what becomes of a key that comes twice in an object.
  ///   - maximumValues: how many values the text may hold, since each takes up more memory than the two bytes it may
  ///     have in the text.
  /// - Throws: `JSONError` with the byte offset.
  package static func parse(
    _ bytes: [UInt8], repeats: RepeatedKeys = .refused, maximumValues: Int = 1 << 24
  ) throws -> JSONValue {
    try bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(buffer, repeats: repeats, maximumValues: maximumValues)
      return try parser.document()
    }
  }

  /// The object, if it is one; likewise below.
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  /// The elements, if it is an array.
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  /// The text, if it is a string.
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  /// True or false, if it is one of them.
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  /// The whole number, if it is one that fits an `Int`.
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The value of any number, whole or not.
  package var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// How an error message shows the value: short, on one line.
  package var summary: String {
    switch self {
    case .array(let items): "a list of \(items.count)"
    case .object(let object): "an object of \(object.members.count) keys"
    case .string(let text) where text.utf8.count > 60: "a string of \(text.utf8.count) bytes"
    default: text(indent: nil)
    }
  }
}

/// What a reader does with a key that comes twice in an object.
package enum RepeatedKeys: Sendable {
  /// It is an error.
  case refused
  /// All members are kept; a look-up finds the last.
  case kept
}

/// Where a text stops being JSON.
package struct JSONError: Error, Equatable {
  /// Bytes before the place.
  package var offset: Int
  /// What JSON allows there.
  package var expected: String
  /// What stands there.
  package var found: String
}
