// Text from files, plugins and command lines as people are shown it. A terminal obeys control characters wherever they
// come from, and characters that turn the direction of text make a line read as what it is not; so whoever writes text
// for people writes it through here: the command's messages and tables, the displays of progress, report.html.

extension Unicode.Scalar {
  /// Whether it acts on its surroundings instead of being seen: C0, DEL, C1; embeddings, overrides and isolates of
  /// direction. Marks of direction (U+200E, U+200F, U+061C), which honest Hebrew and Arabic uses, turn nothing round.
  package var isHidden: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private var digits: String { String(value, radix: 16, uppercase: true) }

  /// Its escape in JSON text; every hidden character has one of four digits.
  var jsonEscape: String { "\\u" + String(repeating: "0", count: 4 - digits.count) + digits.lowercased() }

  /// Its escape as Swift writes it: `\u{1B}`.
  var escape: String { "\\u{\(digits)}" }
}

extension String {
  /// The text with hidden characters as `\u{1B}`; line ends and tabs stay. Showing it twice changes nothing more.
  package var visible: String {
    replacing { $0.isHidden && $0 != "\n" && $0 != "\t" ? $0.escape : nil }
  }

  /// The text for one line of a table: line ends and tabs are escaped, too.
  package var visibleOnOneLine: String { replacing { $0.isHidden ? $0.escape : nil } }

  /// A JSON document with the hidden characters of its strings as `\u009b`: the same document for every reader.
  /// Between its strings a document has no other hidden characters than line ends, tabs and carriage returns.
  package var visibleJSON: String {
    replacing { $0.isHidden && $0 != "\n" && $0 != "\t" && $0 != "\r" ? $0.jsonEscape : nil }
  }

  private func replacing(_ replacement: (Unicode.Scalar) -> String?) -> String {
    guard unicodeScalars.contains(where: { replacement($0) != nil }) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if let text = replacement(scalar) { result += text } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }
}
