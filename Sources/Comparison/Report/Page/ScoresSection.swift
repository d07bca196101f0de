// Every score of every run, as dots and as a table. Called by ReportPage.

import Training

/// Scores by seed.
struct ScoresSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis

  var html: String {
    guard !analysis.metrics.isEmpty else { return "" }
    let charts = analysis.metrics.enumerated().map { index, metric in dots(metric, id: "dots\(index)") }.joined()
    return PageText.section(
      "Scores by seed", id: "scores",
      "<p class=\"note\">A mark is a seed, the upright line their mean.</p>\n<div class=\"grid\">\n\(charts)</div>\n"
        + table)
  }

  // MARK: - Dots

  private static let width = 460.0
  private static let labelWidth = 150.0

  private func dots(_ metric: MetricAnalysis, id: String) -> String {
    let step = results.strategies.count > 6 ? 20.0 : 26.0
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
    let title = "\(metric.metric): Spearman \u{D7} 100 of each seed"
    return """
      <figure><figcaption>\(escaped(metric.metric))</figcaption>
      <svg viewBox="0 0 \(decimal(Self.width)) \(decimal(bottom + 24))" role="img" aria-labelledby="\(id)">
      <title id="\(id)">\(escaped(title))</title>
      \((ticks + rows).joined(separator: "\n"))
      </svg></figure>

      """
  }

  private func row(_ strategy: Int, _ summary: MetricAnalysis.Summary, _ x: ChartScale, y: Double) -> String {
    let label = results.strategies[strategy].label
    let short = label.count > 19 ? label.prefix(18) + "\u{2026}" : label[...]
    let style = SeriesStyle.colorClass(strategy)
    var parts = [
      "<text x=\"\(decimal(Self.labelWidth - 10))\" y=\"\(decimal(y + 4))\" class=\"end\">"
        + "\(escaped(String(short)))</text>"
    ]
    if let mean = summary.mean {
      let place = decimal(x.place(mean))
      parts.append("<path class=\"\(style) mean\" d=\"M\(place) \(decimal(y - 8))V\(decimal(y + 8))\"/>")
    } else {
      parts.append("<text x=\"\(decimal(x.start))\" y=\"\(decimal(y + 4))\">no score</text>")
    }
    for score in summary.scores {
      parts.append("<g class=\"dot\">\(SeriesStyle.mark(strategy, x: x.place(score), y: y))</g>")
    }
    return parts.joined()
  }

  // MARK: - Table

  private var table: String {
    let names = ["Strategy", "Seed"] + analysis.metrics.map(\.metric) + ["Outcome", "Seconds"]
    let rows = results.runs.map { run in
      let scores = analysis.metrics.map { metric -> String in
        let summary = metric.summaries[run.strategy]
        let place = run.outcome == .finished ? summary.seeds.firstIndex(of: run.seed) : nil
        return "<td class=\"number\">\(place.map { fixed(summary.scores[$0], 2) } ?? "\u{2013}")</td>"
      }
      return """
        <tr><th scope="row">\(escaped(results.strategies[run.strategy].label))</th><td class="number">\(run.seed)</td>\
        \(scores.joined())<td>\(RunOutcomes.name(run.outcome))</td><td class="number">\(fixed(run.seconds, 0))</td></tr>
        """
    }
    return PageText.scrolling(
      "<table>\n\(PageText.header(names))<tbody>\n\(rows.joined(separator: "\n"))\n</tbody></table>\n",
      label: "Scores by strategy and seed")
  }
}
