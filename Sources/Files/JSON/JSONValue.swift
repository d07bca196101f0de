// JSON as models, runs and reports use it: strict, ordered, bounded in depth, with duplicate keys refused. Called for
// config.json, safetensors headers, plans and records of runs; written back by `JSONValue.text`.

/// One JSON value; objects keep the order of their keys.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Parses one value that fills all of `bytes` (RFC 8259; nesting at most 64 deep; duplicate keys are errors).
  /// - Throws: `JSONError` with the byte offset.
  package static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    try bytes.withUnsafeBufferPointer { buffer in
      var parser = JSONParser(buffer)
      return try parser.document()
    }
  }

  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
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
    case .object(let object): "an object of \(object.keys.count) keys"
    case .string(let text) where text.utf8.count > 60: "a string of \(text.utf8.count) bytes"
    default: text(indent: nil)
    }
  }
}

/// A JSON object that keeps the order of its keys.
package struct JSONObject: Sendable, Equatable {
  package private(set) var keys: [String] = []
  private var values: [String: JSONValue] = [:]

  package init() {}

  package init(_ members: [(String, JSONValue)]) {
    for (key, value) in members { self[key] = value }
  }

  /// The value of a key; setting a new key appends it, setting nil removes it.
  package subscript(key: String) -> JSONValue? {
    get { values[key] }
    set {
      let old = newValue.map { values.updateValue($0, forKey: key) } ?? values.removeValue(forKey: key)
      if newValue == nil, old != nil { keys.removeAll { $0 == key } }
      if newValue != nil, old == nil { keys.append(key) }
    }
  }
}

/// Where a text stops being JSON.
package struct JSONError: Error, Equatable {
  package var offset: Int
  package var expected: String
  package var found: String
}

// MARK: - Writing

extension JSONValue {
  /// The value as JSON text: on one line for `indent: nil`, else one member a line.
  package func text(indent: Int? = 2) -> String {
    var out = ""
    write(into: &out, indent: indent, level: 0)
    return out
  }

  private func write(into out: inout String, indent: Int?, level: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .integer(let value): out += String(value)
    case .number(let value): out += value.isFinite ? "\(value)" : "null"
    case .string(let value): Self.quote(value, into: &out)
    case .array(let items):
      Self.writeList(items, open: "[", close: "]", into: &out, indent: indent, level: level) { item, out in
        item.write(into: &out, indent: indent, level: level + 1)
      }
    case .object(let object):
      Self.writeList(object.keys, open: "{", close: "}", into: &out, indent: indent, level: level) { key, out in
        Self.quote(key, into: &out)
        out += indent == nil ? ":" : ": "
        (object[key] ?? .null).write(into: &out, indent: indent, level: level + 1)
      }
    }
  }

  private static func writeList<Item>(
    _ items: [Item], open: String, close: String, into out: inout String, indent: Int?, level: Int,
    _ body: (Item, inout String) -> Void
  ) {
    func newline(_ depth: Int) { if let indent { out += "\n" + String(repeating: " ", count: indent * depth) } }
    out += open
    for (index, item) in items.enumerated() {
      if index > 0 { out += "," }
      newline(level + 1)
      body(item, &out)
    }
    if !items.isEmpty { newline(level) }
    out += close
  }

  private static func quote(_ text: String, into out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
