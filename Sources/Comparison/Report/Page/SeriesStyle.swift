// How strategies are told apart: by colour, by dash and by the shape of their marks, so that one of them suffices. Used
// by the charts and their legend.

import Foundation

/// The looks of the strategy with a given index.
enum SeriesStyle {
  static let colors = 8
  private static let dashes = ["", "8 3", "2 3", "10 3 2 3", "14 4", "5 5", "8 3 2 3 2 3"]
  private static let shapes = 6

  /// The class that sets the colour; the style sheet has one for each.
  static func colorClass(_ index: Int) -> String { "c\(index % colors)" }

  static func dash(_ index: Int) -> String {
    let dash = dashes[index % dashes.count]
    return dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
  }

  /// A mark around a point, about 8 units across.
  static func mark(_ index: Int, x: Double, y: Double) -> String {
    let style = colorClass(index)
    func path(_ text: String) -> String {
      "<path class=\"\(style) mark\" transform=\"translate(\(decimal(x)) \(decimal(y)))\" d=\"\(text)\"/>"
    }
    switch index % shapes {
    case 0: return "<circle class=\"\(style) mark\" cx=\"\(decimal(x))\" cy=\"\(decimal(y))\" r=\"3.6\"/>"
    case 1: return path("M-3.4-3.4H3.4V3.4H-3.4Z")
    case 2: return path("M0-4.6L4.4 3.4H-4.4Z")
    case 3: return path("M0-5L5 0L0 5L-5 0Z")
    case 4: return path("M0 4.6L4.4-3.4H-4.4Z")
    default: return path("M-4.5-1.3H-1.3V-4.5H1.3V-1.3H4.5V1.3H1.3V4.5H-1.3V1.3H-4.5Z")
    }
  }

  /// A list of strategies with line and mark as in the charts.
  static func legend(_ labels: [String]) -> String {
    let items = labels.enumerated().map { index, label in
      """
      <li><svg class="key" viewBox="0 0 44 14" aria-hidden="true"><path class="\(colorClass(index)) mean" d="M1 7H43"\
      \(dash(index))/>\(mark(index, x: 22, y: 7))</svg> \(escaped(label))</li>
      """
    }
    return "<ul class=\"legend\">\n" + items.joined(separator: "\n") + "\n</ul>\n"
  }
}

/// A coordinate: one decimal is a tenth of a pixel.
func decimal(_ value: Double) -> String {
  let text = String(format: "%.1f", value)
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
