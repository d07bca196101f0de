// JSON written as text. Numbers print as Swift prints them, which is the shortest text that reads back the same, so
// that records and reports of equal runs are equal byte for byte.

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
      Self.writeList(object.members, open: "{", close: "}", into: &out, indent: indent, level: level) { member, out in
        Self.quote(member.key, into: &out)
        out += indent == nil ? ":" : ": "
        member.value.write(into: &out, indent: indent, level: level + 1)
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
      // A document may go to a terminal: what no grammar asks to be escaped, but a terminal obeys, is escaped too.
      case _ where scalar.isHidden: out += scalar.jsonEscape
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
