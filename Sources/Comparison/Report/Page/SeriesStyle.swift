// How strategies are told apart: by colour, by dash and by the shape of their marks, so that one of them suffices. Used
// by the charts and their legend.

import Files

/// The look of one line.
struct SeriesStyle: Equatable {
  /// Its place among the colours of the style sheet.
  let color: Int
  /// Chooses dash and mark: lines of one colour differ in both.
  private let number: Int

  static let colors = 10
  private static let dashes = ["", "8 3", "2 3", "10 3 2 3", "14 4", "5 5", "8 3 2 3 2 3"]
  private static let shapes = 6

  // MARK: - Who looks how

  /// By what a strategy is and not by its place or label, so that it keeps its colour from report to report.
  static func of(_ strategies: [ComparedStrategy]) -> [SeriesStyle] {
    assigned(
      strategies.map { strategy in
        // What `--vary` set is not part of the canonical text.
        let varied = strategy.values.filter { !$0.name.contains(".") }.map { "\($0.name)=\($0.text)" }
        return (([strategy.canonical] + varied).joined(separator: "\n"), strategy.label)
      })
  }

  /// Looks for names, in their order; the same wherever a name stands.
  static func of(_ names: [String]) -> [SeriesStyle] { assigned(names.map { ($0, $0) }) }

  /// Each gets the colour that its hash wants. Where several want one, the smallest hash has it, and the others take
  /// the next that fewest have: nobody loses a colour to one who was turned away elsewhere.
  private static func assigned(_ names: [(key: String, label: String)]) -> [SeriesStyle] {
    let hashes = names.map { SHA256.digits(of: Array($0.key.utf8)) }
    let wanted = hashes.map { Int($0.prefix(8), radix: 16).map { $0 % colors } ?? 0 }
    let order = names.indices.sorted { (hashes[$0], names[$0].label) < (hashes[$1], names[$1].label) }
    var uses = [Int](repeating: 0, count: colors)
    var styles = [SeriesStyle?](repeating: nil, count: names.count)
    func take(_ color: Int, _ index: Int) {
      styles[index] = SeriesStyle(color: color, number: color + (colors + 1) * uses[color])
      uses[color] += 1
    }
    for index in order where uses[wanted[index]] == 0 { take(wanted[index], index) }
    for index in order where styles[index] == nil {
      let round = (0..<colors).map { (wanted[index] + $0) % colors }
      take(round.min { uses[$0] < uses[$1] } ?? 0, index)
    }
    return styles.map { $0 ?? SeriesStyle(color: 0, number: 0) }
  }

  // MARK: - Drawing

  /// The class that sets the colour; the style sheet has one for each.
  var colorClass: String { "c\(color)" }

  var dash: String {
    let dash = Self.dashes[number % Self.dashes.count]
    return dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
  }

  /// A mark around a point, about 8 units across.
  /// - Parameter title: what is shown while the pointer is over it.
  func mark(x: Double, y: Double, title: String? = nil) -> String {
    let inner = title.map { "<title>\(escaped($0))</title>" } ?? ""
    func path(_ text: String) -> String {
      "<path class=\"\(colorClass) mark\" transform=\"translate(\(decimal(x)) \(decimal(y)))\" d=\"\(text)\">"
        + inner + "</path>"
    }
    switch number % Self.shapes {
    case 0:
      return "<circle class=\"\(colorClass) mark\" cx=\"\(decimal(x))\" cy=\"\(decimal(y))\" r=\"3.6\">"
        + inner + "</circle>"
    case 1: return path("M-3.4-3.4H3.4V3.4H-3.4Z")
    case 2: return path("M0-4.6L4.4 3.4H-4.4Z")
    case 3: return path("M0-5L5 0L0 5L-5 0Z")
    case 4: return path("M0 4.6L4.4-3.4H-4.4Z")
    default: return path("M-4.5-1.3H-1.3V-4.5H1.3V-1.3H4.5V1.3H1.3V4.5H-1.3V1.3H-4.5Z")
    }
  }

  /// Line and mark as in the charts.
  var key: String {
    """
    <svg class="key" viewBox="0 0 44 14" aria-hidden="true"><path class="\(colorClass) mean" d="M1 7H43"\
    \(dash)/>\(mark(x: 22, y: 7))</svg>
    """
  }

  /// A list of lines with their names.
  static func legend(_ labels: [String], _ styles: [SeriesStyle]) -> String {
    let items = zip(labels, styles).map { "<li>\($1.key) \(PageText.label($0))</li>" }
    return "<ul class=\"legend\">\n" + items.joined(separator: "\n") + "\n</ul>\n"
  }
}

/// A coordinate: one decimal is a tenth of a pixel.
func decimal(_ value: Double) -> String {
  let text = String(format: "%.1f", value)
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
