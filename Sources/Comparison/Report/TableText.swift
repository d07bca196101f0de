// Text in columns: padding, and lines that keep to a width. Used by the tables on a terminal.

import Files

extension String {
  /// With blanks behind it.
  func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }

  /// Without the blanks behind it.
  var withoutTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }

  /// Lines of at most `width` columns with their line breaks, further ones indented; a longer word is broken.
  func wrapped(to width: Int) -> String {
    let text = visibleOnOneLine
    let words = text.split(separator: " ").flatMap { word in
      stride(from: 0, to: word.count, by: width - 4).map { String(word.dropFirst($0).prefix(width - 4)) }
    }
    var lines = [text.prefix { $0 == " " } + (words.first ?? "")]
    for word in words.dropFirst() {
      if lines[lines.count - 1].count + 1 + word.count <= width {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append("  " + word)
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }
}
