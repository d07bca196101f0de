// The table of a paper above all else: strategies by sets, the metric that decides first. Called by ReportPage.

import Training

/// Scores and differences, with the scores before training.
struct MatrixSection {
  let results: ComparisonResults
  let matrix: ScoreMatrix
  let styles: [SeriesStyle]

  /// Empty without scores.
  var html: String {
    guard !matrix.metrics.isEmpty else { return "" }
    let heads = matrix.metrics.map { metric in
      let role = metric.decides && matrix.metrics.count > 1 ? "decides" : metric.kind == .dev ? Self.devRole : ""
      let note = role.isEmpty ? "" : " <span class=\"note\">\(role)</span>"
      return "<th scope=\"col\" class=\"number\(metric.decides ? " decides" : "")\">\(PageText.label(metric.metric))"
        + note + "</th>"
    }
    let table = """
      <table class="matrix\(matrix.metrics.count > 4 ? " full" : "")">
      <thead><tr><th scope="col">Strategy</th>\(heads.joined())</tr></thead>
      <tbody>
      \(matrix.rows.map(row).joined(separator: "\n"))
      </tbody></table>

      """
    let note = "<p class=\"note\">\(escaped(caption))</p>\n"
    return PageText.section("Scores", id: "matrix", PageText.scrolling(table, label: "Strategies by sets") + note)
  }

  static let devRole = "chose the checkpoint"

  private var caption: String {
    let text = matrix.caption.replacing(" x ", with: " \u{D7} ").replacing("in parentheses", with: "below each score")
    let isShown = matrix.rows.contains { $0.cells.contains(where: \.isShown) }
    return text + (isShown ? "; bold: shown, corrected for all comparisons" : "") + "."
  }

  private func row(_ row: ScoreMatrix.Row) -> String {
    let key = row.strategy.map { styles[$0].key + " " } ?? ""
    let cells = zip(row.cells, matrix.metrics).map { cell, metric -> String in
      let style = "number\(metric.decides ? " decides" : "")"
      guard let score = cell.score else { return "<td class=\"\(style)\">\u{2013}</td>" }
      let deviation = cell.deviation.map { " \u{B1} " + fixed($0, 2) } ?? ""
      let shown = metric.decides ? deviation : ""
      let hint = "\(row.label), \(metric.metric): \(fixed(score, 2))\(deviation)"
      return "<td class=\"\(style)\" title=\"\(escaped(hint))\">\(fixed(score, 2))"
        + (shown.isEmpty ? "" : "<span class=\"note\">\(shown)</span>") + difference(cell) + "</td>"
    }
    let style = PageText.attribute(row.strategy == nil ? "before" : "")
    return "<tr\(style)><th scope=\"row\">\(key)\(PageText.label(row.label))</th>\(cells.joined())</tr>"
  }

  private func difference(_ cell: ScoreMatrix.Cell) -> String {
    guard let difference = cell.difference else { return "" }
    let text = PageText.minus(VerdictWords.signed(difference))
    guard cell.isShown else { return "<span class=\"difference\">\(text)</span>" }
    return "<b class=\"difference \(difference > 0 ? "better" : "worse")\">\(text)</b>"
  }
}
