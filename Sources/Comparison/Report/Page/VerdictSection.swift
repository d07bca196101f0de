// The head of the report: what can be concluded, and the verdict table. Called by ReportPage.

import Foundation
import Training

/// Verdicts in words and numbers.
struct VerdictSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis

  private var labels: [String] { results.strategies.map(\.label) }
  private var first: String { labels.first ?? "" }

  var html: String {
    guard !analysis.metrics.isEmpty else {
      let why =
        results.runs.contains { $0.outcome == .finished }
        ? "No run was scored, so nothing can be said about which strategy is better."
        : "No run finished, so nothing can be said about which strategy is better."
      return PageText.section("Verdict", id: "verdict", "<p>\(why)</p>\n")
    }
    let legend = labels.count > 1 ? SeriesStyle.legend(labels) : ""
    return PageText.section(
      "Verdict", id: "verdict", short + legend + analysis.metrics.map(table).joined() + conclusions)
  }

  // MARK: - In short

  /// A line for each strategy but the first.
  private var short: String {
    guard labels.count > 1 else { return "<p>One strategy: there is nothing to compare it with.</p>\n" }
    let lines = labels.indices.dropFirst().map { strategy in
      "<li><strong>\(escaped(labels[strategy]))</strong> against \(escaped(first)): \(summary(strategy)).</li>"
    }
    return "<ul class=\"short\">\n" + lines.joined(separator: "\n") + "\n</ul>\n"
  }

  private func summary(_ strategy: Int) -> String {
    let items = analysis.metrics.map { ($0.metric, $0.comparisons[strategy - 1]) }
    let order: [Verdict] = [.better, .worse, .noDifferenceShown, .noClaim, .notCompared]
    return order.compactMap { verdict in
      let names = items.filter { $0.1.verdict == verdict }.map { escaped($0.0) }
      guard !names.isEmpty else { return nil }
      let badge = Self.badge(verdict)
      if names.count == items.count { return "\(badge) on \(items.count == 1 ? names[0] : "all \(items.count) metrics")" }
      return "\(badge) on \(names.joined(separator: ", "))"
    }.joined(separator: "; ")
  }

  static func badge(_ verdict: Verdict) -> String {
    let (style, mark) =
      switch verdict {
      case .better: ("better", "\u{25B2}")
      case .worse: ("worse", "\u{25BC}")
      case .noDifferenceShown: ("none", "\u{25CB}")
      case .noClaim, .notCompared: ("none", "\u{2013}")
      }
    return "<span class=\"badge \(style)\"><span aria-hidden=\"true\">\(mark)</span> \(verdict.rawValue)</span>"
  }

  // MARK: - The table

  private static let columns = [
    "Strategy", "Mean \u{B1} sd", "Difference", "95 % interval", "p", "Seeds", "Verdict", "More seeds",
  ]

  private func table(_ metric: MetricAnalysis) -> String {
    let bar = IntervalBar(metric.comparisons)
    let columns = labels.count > 1 ? Self.columns : Array(Self.columns.prefix(2))
    let rows = metric.summaries.enumerated().map { index, summary in
      let name = "<th scope=\"row\">\(escaped(labels[index]))</th>"
      let score = PageText.cell(Self.score(summary), name: columns[1], class: "number")
      guard index > 0 else {
        let rest = labels.count > 1 ? "<td colspan=\"6\" class=\"note\">the others are compared with it</td>" : ""
        return "<tr>\(name)\(score)\(rest)</tr>"
      }
      return "<tr>\(name)\(score)\(cells(metric.comparisons[index - 1], bar))</tr>"
    }
    let notes = metric.leftOut.map { "<p class=\"note\">Left out: \(escaped($0)).</p>\n" }.joined()
    return """
      <table class="verdict stack">
      <caption>\(escaped(metric.metric)) <span class="note">\(metric.pairs) pairs, Spearman \u{D7} 100</span></caption>
      \(PageText.header(columns))<tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>
      \(notes)
      """
  }

  static func score(_ summary: MetricAnalysis.Summary) -> String {
    guard let mean = summary.mean else { return "\u{2013}" }
    return fixed(mean, 2) + (summary.deviation.map { " \u{B1} " + fixed($0, 2) } ?? "")
  }

  private func cells(_ item: StrategyComparison, _ bar: IntervalBar) -> String {
    let interval = item.correctedInterval.map { PageText.minus(VerdictWords.interval($0)) } ?? "\u{2013}"
    let only = item.basis == .pairsOnly ? " <span class=\"note\">over pairs only</span>" : ""
    let sign = item.signTest.map { " <span class=\"note\">p \(VerdictWords.probability($0))</span>" } ?? ""
    let p = item.correctedPValue.map { escaped(VerdictWords.probability($0)) } ?? "\u{2013}"
    let contents = [
      item.mean.map { PageText.minus(VerdictWords.signed($0)) } ?? "\u{2013}",
      "<span class=\"range\">\(interval)\(only)</span>\(bar.html(item))", p,
      VerdictWords.signs(item) + sign, Self.badge(item.verdict), item.seedsNeeded.map(VerdictWords.seeds) ?? "",
    ]
    let styles = ["number", "", "number", "", "", ""]
    return zip(zip(contents, styles), Self.columns.dropFirst(2)).map { content, name in
      PageText.cell(content.0, name: name, class: content.0.isEmpty ? "empty" : content.1)
    }.joined()
  }

  // MARK: - What can be concluded

  private var conclusions: String {
    guard labels.count > 1 else { return "" }
    let sentences = analysis.metrics.map { metric in
      let lines = metric.comparisons.map { item in
        "<li>\(PageText.minus(escaped(VerdictWords.sentence(item, label: labels[item.strategy], first: first))))</li>"
      }
      return "<h4>\(escaped(metric.metric))</h4>\n<ul>\n\(lines.joined(separator: "\n"))\n</ul>\n"
    }
    let limits = Self.limits(results, analysis).map { "<li>\(PageText.minus(escaped($0)))</li>" }
    return """
      <h3>What can be concluded</h3>
      <div class="columns">
      \(sentences.joined())</div>
      <h3>What cannot</h3>
      <ul>
      \(limits.joined(separator: "\n"))
      </ul>

      """
  }

  /// What the numbers do not say, one sentence or two each.
  static func limits(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    var lines = [
      "\u{201C}No difference shown\u{201D} is not \u{201C}no difference\u{201D}: a difference inside the interval may well be there."
    ]
    for metric in analysis.metrics.prefix(1) {
      let halves = metric.comparisons.compactMap { item in
        item.basis == .seedsAndPairs ? item.correctedInterval.map { ($0.upperBound - $0.lowerBound) / 2 } : nil
      }.sorted()
      guard !halves.isEmpty else { continue }
      lines.append(
        "With these seeds and pairs a difference on \(metric.metric) has to reach about \(fixed(halves[halves.count / 2], 2)) to be shown."
      )
    }
    if analysis.metrics.contains(where: { $0.comparisons.contains { $0.basis == .pairsOnly } }) {
      lines.append("One common seed compares two trained models, not two methods: at least two seeds, better five, are needed.")
    }
    let compared = results.strategies.count - 1
    if compared > 1 {
      lines.append("Intervals and p are corrected for the \(compared) comparisons of a metric (Holm), so that one false alarm among them has a chance of at most 5 %.")
    }
    if analysis.metrics.count > 1 {
      lines.append("They are not corrected for looking at \(analysis.metrics.count) metrics: decide beforehand which one counts.")
    }
    lines.append("The intervals are for other seeds and other sentence pairs of the same kind, not for other models, training data or settings: each strategy may have a better learning rate or batch size than the one used.")
    if results.runs.contains(where: { $0.outcome != .finished }) {
      lines.append("Runs that did not finish are left out with their seed. If they failed because of their strategy, the rest flatters it.")
    }
    return lines
  }
}
