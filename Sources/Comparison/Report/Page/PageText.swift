// Text inside HTML and SVG. Used by every part of the report's page.

import Files
import Foundation

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

/// Pieces of the page that several sections share.
enum PageText {
  /// A cell of a table's body; `name` shows before it where the table is too narrow for columns.
  static func cell(_ content: String, name: String, class style: String = "") -> String {
    let style = style.isEmpty ? "" : " class=\"\(style)\""
    return "<td\(style) data-name=\"\(escaped(name))\">\(content)</td>"
  }

  static func header(_ names: [String]) -> String {
    "<thead><tr>" + names.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined() + "</tr></thead>\n"
  }

  /// A table that scrolls sideways where it does not fit.
  static func scrolling(_ table: String, label: String) -> String {
    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\(escaped(label))\">\n\(table)</div>\n"
  }

  /// Numbers with a true minus sign.
  static func minus(_ text: String) -> String { text.replacingOccurrences(of: "-", with: "\u{2212}") }

  /// Text of the terminal with its sign for plus or minus.
  static func plusMinus(_ text: String) -> String { text.replacingOccurrences(of: "+-", with: "\u{B1}") }

  static func section(_ title: String, id: String, _ content: String) -> String {
    "<section aria-labelledby=\"\(id)\">\n<h2 id=\"\(id)\">\(escaped(title))</h2>\n\(content)</section>\n"
  }
}

/// A number with a fixed count of decimals and a true minus sign.
func decimalText(_ value: Double, _ digits: Int) -> String {
  PageText.minus(String(format: "%.\(digits)f", value))
}
