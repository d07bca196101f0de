// Every score of every run: dots for the metric that decides, the rest folded away. Called by ReportPage and
// CurvesSection.

import Training

/// Scores by seed.
struct ScoresSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis
  let styles: [SeriesStyle]

  /// A figure of the metric that decides; nil without scores.
  var figure: String? { analysis.deciding.map { dots($0, id: "dots") } }

  /// The other metrics and the numbers of all runs, folded away.
  var folded: String {
    let others = analysis.metrics.enumerated().filter { !$0.element.decides }
    let charts = others.map { dots($0.element, id: "dots\($0.offset)") }.joined()
    let grid = charts.isEmpty ? "" : "<div class=\"grid\">\n\(charts)</div>\n"
    return PageText.folded("Every run", id: "runs", table + grid)
  }

  // MARK: - Dots

  private static let width = 460.0
  private static let labelWidth = 172.0

  private func dots(_ metric: MetricAnalysis, id: String) -> String {
    let step = 30.0
    let bottom = 8 + step * Double(results.strategies.count)
    let x = ChartScale(
      metric.summaries.flatMap(\.scores), margin: 0.06, start: Self.labelWidth, end: Self.width - 14)
    let ticks = x.ticks(5).map { tick in
      let place = decimal(x.place(tick.value))
      return """
        <path class="grid" d="M\(place) 4V\(decimal(bottom))"/>\
        <text x="\(place)" y="\(decimal(bottom + 15))" class="middle">\(tick.text)</text>
        """
    }
    let rows = results.strategies.indices.map { row($0, metric.summaries[$0], x, y: 8 + step * (Double($0) + 0.5)) }
    let unit = metric.measure.rawValue.replacing(" x ", with: " \u{D7} ")
    let title = "\(metric.metric): \(unit) of each seed"
    let role = metric.kind == .dev ? "; \(MatrixSection.devRole)" : ""
    return """
      <figure><figcaption>\(escaped(metric.metric)) by seed <span class="note">upright line: the mean\(role)</span>\
      </figcaption>
      <svg viewBox="0 0 \(decimal(Self.width)) \(decimal(bottom + 24))" role="img" aria-labelledby="\(id)">
      <title id="\(id)">\(escaped(title))</title>
      \((ticks + rows).joined(separator: "\n"))
      </svg></figure>

      """
  }

  private func row(_ strategy: Int, _ summary: MetricAnalysis.Summary, _ x: ChartScale, y: Double) -> String {
    let label = results.strategies[strategy].label
    let lines = label.brokenInTwo(at: 23)
    var parts = lines.enumerated().map { index, line in
      let place = y + 4 + 13 * (Double(index) - Double(lines.count - 1) / 2)
      return "<text x=\"\(decimal(Self.labelWidth - 10))\" y=\"\(decimal(place))\" class=\"end\">"
        + escaped(line) + "</text>"
    }
    if let mean = summary.mean {
      let place = decimal(x.place(mean))
      parts.append(
        "<path class=\"\(styles[strategy].colorClass) mean\" d=\"M\(place) \(decimal(y - 8))V\(decimal(y + 8))\"/>")
    } else {
      parts.append("<text x=\"\(decimal(x.start))\" y=\"\(decimal(y + 4))\">no score</text>")
    }
    for (seed, score) in zip(summary.seeds, summary.scores) {
      let hint = "\(label), seed \(seed): \(fixed(score, 2))"
      parts.append("<g class=\"dot\">\(styles[strategy].mark(x: x.place(score), y: y, title: hint))</g>")
    }
    return parts.joined()
  }

  // MARK: - Table

  private var table: String {
    let columns =
      [PageColumn.text("Strategy"), .number("Seed")] + analysis.metrics.map { .number($0.metric) }
      + [.text("Outcome"), .number("Seconds"), .text("Folder")]
    let rows = results.runs.map { run in
      let scores = analysis.metrics.map { metric -> String in
        let summary = metric.summaries[run.strategy]
        let place = run.outcome == .finished ? summary.seeds.firstIndex(of: run.seed) : nil
        return place.map { fixed(summary.scores[$0], 2) } ?? "\u{2013}"
      }
      let rest = [RunOutcomes.name(run.outcome), fixed(run.seconds, 0), RunsSection.link(run.folder)]
      return PageText.row(
        PageText.label(results.strategies[run.strategy].label), ["\(run.seed)"] + scores + rest, columns)
    }
    return PageText.scrolling(PageText.table(columns, rows, class: "runs"), label: "Scores by strategy and seed")
  }
}

extension String {
  /// With an ellipsis in its middle where it is longer than `count`: the labels of a grid begin alike and differ at
  /// their end.
  func shortened(to count: Int) -> String {
    self.count <= count ? self : prefix(count / 2) + "\u{2026}" + suffix(count - 1 - count / 2)
  }

  /// At most two lines of at most `count` characters, broken where a part of a label ends.
  func brokenInTwo(at count: Int) -> [String] {
    guard self.count > count else { return [self] }
    let head = prefix(count)
    let end = head.lastIndex { ":,+ ".contains($0) }.map { index(after: $0) } ?? head.endIndex
    return [String(self[..<end]), String(self[end...]).shortened(to: count)]
  }
}
