// Text inside HTML and SVG. Used by every part of the report's page.

import Files

/// `text` for element content and quoted attributes, control characters shown; characters no HTML document may hold
/// become U+FFFD.
func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.visible.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case _ where scalar.value & 0xFFFE == 0xFFFE: result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// A column of a table.
struct PageColumn {
  var name: String
  /// Numbers stand at the right, below each other.
  var isNumber = false

  static func text(_ name: String) -> PageColumn { PageColumn(name: name) }
  static func number(_ name: String) -> PageColumn { PageColumn(name: name, isNumber: true) }
}

/// Pieces of the page that several sections share.
enum PageText {
  /// A name that may be long and without blanks; it breaks where its parts end.
  static func label(_ text: String) -> String {
    var (result, part) = ("", "")
    for character in text {
      part.append(character)
      guard ":,+".contains(character) else { continue }
      result += escaped(part) + "<wbr>"
      part = ""
    }
    return result + escaped(part)
  }

  // MARK: - Tables

  /// A row whose first cell is its head; where the table is too narrow for columns, their names stand before the cells.
  /// - Parameters:
  ///   - head: HTML.
  ///   - cells: HTML of the columns but the first; empty or missing ones are left out of a narrow table.
  static func row(_ head: String, _ cells: [String], _ columns: [PageColumn], class style: String = "") -> String {
    let missing = Array(repeating: "", count: max(0, columns.count - 1 - cells.count))
    let tail = zip(cells + missing, columns.dropFirst()).map { content, column in
      let styles = [column.isNumber ? "number" : "", content.isEmpty ? "empty" : ""].filter { !$0.isEmpty }
      return "<td\(attribute(styles.joined(separator: " "))) data-name=\"\(escaped(column.name))\">\(content)</td>"
    }
    return "<tr\(attribute(style))><th scope=\"row\">\(head)</th>\(tail.joined())</tr>"
  }

  static func attribute(_ style: String) -> String { style.isEmpty ? "" : " class=\"\(style)\"" }

  /// - Parameters:
  ///   - caption: HTML; empty for none.
  ///   - rows: of `row`.
  static func table(
    _ columns: [PageColumn], _ rows: [String], class style: String, caption: String = ""
  ) -> String {
    let heads = columns.map { column in
      "<th scope=\"col\"\(attribute(column.isNumber ? "number" : ""))>\(escaped(column.name))</th>"
    }
    return """
      <table class="\(style)">\(caption.isEmpty ? "" : "<caption>\(caption)</caption>")
      <thead><tr>\(heads.joined())</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>

      """
  }

  /// A table that scrolls sideways where it does not fit.
  static func scrolling(_ table: String, label: String) -> String {
    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\(escaped(label))\">\n\(table)</div>\n"
  }

  // MARK: - Numbers

  /// Numbers with a true minus sign.
  static func minus(_ text: String) -> String { text.replacing("-", with: "\u{2212}") }

  /// Text of the terminal with its sign for plus or minus.
  static func plusMinus(_ text: String) -> String { text.replacing("+-", with: "\u{B1}") }

  // MARK: - Sections

  static func section(_ title: String, id: String, _ content: String) -> String {
    "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(escaped(title))</h2>\n\(content)</section>\n"
  }

  /// Content that is folded away until someone asks for it; not on paper either.
  static func folded(_ title: String, id: String, isOpen: Bool = false, _ content: String) -> String {
    """
    <details id="\(id)"\(isOpen ? " open=\"\"" : "")><summary>\(escaped(title))</summary>
    \(content)</details>

    """
  }

  static func list(_ items: [String]) -> String {
    "<ul>\n" + items.map { "<li>\($0)</li>" }.joined(separator: "\n") + "\n</ul>\n"
  }
}

/// A number with a fixed count of decimals and a true minus sign.
func decimalText(_ value: Double, _ digits: Int) -> String {
  PageText.minus(String(format: "%.\(digits)f", value))
}
