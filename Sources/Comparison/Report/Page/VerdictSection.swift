// The head of the report: what can be concluded, and the verdict table. Called by ReportPage.

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
    let items = analysis.metrics.compactMap { metric in metric.comparison(of: strategy).map { (metric.metric, $0) } }
    let order: [Verdict] = [.better, .worse, .noDifferenceShown, .noClaim, .notTested, .notCompared]
    let isOneSeed = items.contains { $0.1.basis == .pairsOnly }
    let limit =
      !analysis.isComplete
      ? " (runs are still to come)"
      : isOneSeed ? " (one common seed: no claim about the methods is possible)" : ""
    return order.compactMap { verdict in
      let names = items.filter { $0.1.verdict == verdict }.map { escaped($0.0) }
      guard !names.isEmpty else { return nil }
      let badge = Self.badge(verdict)
      let isAll = names.count == items.count && items.count > 1
      return "\(badge) on " + (isAll ? "all \(items.count) metrics" : names.joined(separator: ", "))
    }.joined(separator: "; ") + limit
  }

  static func badge(_ verdict: Verdict) -> String {
    let (style, mark) =
      switch verdict {
      case .better: ("better", "\u{25B2}")
      case .worse: ("worse", "\u{25BC}")
      case .noDifferenceShown: ("none", "\u{25CB}")
      case .noClaim, .notTested, .notCompared: ("none", "\u{2013}")
      }
    return "<span class=\"badge \(style)\"><span aria-hidden=\"true\">\(mark)</span> \(verdict.rawValue)</span>"
  }

  // MARK: - The table

  private var columns: [String] {
    let isCorrected = analysis.family.comparisons > 1
    return [
      "Strategy", "Mean \u{B1} sd", "Difference", isCorrected ? "Simultaneous 95 % interval" : "95 % interval",
      isCorrected ? "p (Holm)" : "p", "Verdict", "Seeds to show \(VerdictWords.size(results.detect))",
    ]
  }

  private func table(_ metric: MetricAnalysis) -> String {
    let bar = IntervalBar(metric.comparisons)
    let columns = labels.count > 1 ? self.columns : Array(self.columns.prefix(2))
    let rows = metric.summaries.enumerated().map { index, summary in
      let name = "<th scope=\"row\">\(escaped(labels[index]))</th>"
      let score = PageText.cell(Self.score(summary), name: columns[1], class: "number")
      guard let item = metric.comparison(of: index) else {
        let rest = labels.count > 1 ? "<td colspan=\"5\" class=\"note\">the others are compared with it</td>" : ""
        return "<tr>\(name)\(score)\(rest)</tr>"
      }
      return "<tr>\(name)\(score)\(cells(item, bar))</tr>"
    }
    let unit = metric.measure.rawValue.replacing(" x ", with: " \u{D7} ")
    let decides = metric.decides && analysis.metrics.count > 1 ? ": the metric that decides" : ""
    let notes = metric.leftOut.map { "<p class=\"note\">Left out: \(escaped($0)).</p>\n" }.joined()
    return """
      <table class="verdict stack">
      <caption>\(escaped(metric.metric)) <span class="note">\(metric.pairs) pairs, \(unit)\(decides)</span>\
      </caption>
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
    let interval = item.simultaneousInterval.map { PageText.minus(VerdictWords.interval($0)) } ?? "\u{2013}"
    let only = item.basis == .pairsOnly ? " <span class=\"note\">over pairs only</span>" : ""
    let p = item.correctedPValue.map { escaped(VerdictWords.probability($0)) } ?? "\u{2013}"
    let contents = [
      item.mean.map { PageText.minus(VerdictWords.signed($0)) } ?? "\u{2013}",
      "<span class=\"range\">\(interval)\(only)</span>\(bar.html(item))", p,
      Self.badge(item.verdict), item.seedsToShow.map { escaped(PageText.plusMinus(VerdictWords.seeds($0))) } ?? "",
    ]
    let styles = ["number", "", "number", "", ""]
    return zip(zip(contents, styles), columns.dropFirst(2)).map { content, name in
      PageText.cell(content.0, name: name, class: content.0.isEmpty ? "empty" : content.1)
    }.joined()
  }

  // MARK: - What can be concluded

  /// More sentences than that fill pages; the metric that decides has them before the others.
  private static let mostSentences = 12

  private var conclusions: String {
    guard labels.count > 1 else { return "" }
    let notes = AnalysisNotes.lines(results, analysis).map { "<li>\(escaped($0))</li>" }
    let known = notes.isEmpty ? "" : "<h3>To be known first</h3>\n<ul>\n\(notes.joined(separator: "\n"))\n</ul>\n"
    let limits = VerdictSentences.limits(results, analysis).map { "<li>\(escaped($0))</li>" }
    return known + sentences + "<h3>What cannot be concluded</h3>\n<ul>\n" + limits.joined(separator: "\n")
      + "\n</ul>\n"
  }

  private var sentences: String {
    let others = labels.count - 1
    var metrics = analysis.metrics.filter { $0.comparisons.contains { $0.verdict != .notTested } }
    if metrics.count * others > Self.mostSentences { metrics = metrics.filter(\.decides) }
    guard metrics.count * others <= Self.mostSentences else { return "" }
    let blocks = metrics.map { metric in
      let lines = metric.comparisons.map { item in
        let sentence = VerdictSentences.sentence(
          item, label: labels[item.strategy], first: labels[item.against], analysis)
        return "<li>\(escaped(sentence))</li>"
      }
      return "<h4>\(escaped(metric.metric))</h4>\n<ul>\n\(lines.joined(separator: "\n"))\n</ul>\n"
    }
    let style = blocks.count > 1 ? "columns" : "whole"
    return "<h3>What can be concluded</h3>\n<div class=\"\(style)\">\n\(blocks.joined())</div>\n"
  }
}
