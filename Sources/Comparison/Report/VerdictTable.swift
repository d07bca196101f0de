// The verdicts on a terminal: plain text, a block for each metric. Called by the compare command.

import Files
import Training

/// Means, differences and verdicts as lines of at most 100 columns.
package enum VerdictTable {
  static let width = 100

  /// Ends with a line break; says so where there is nothing to compare.
  package static func text(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let labels = results.strategies.map(\.label)
    var blocks = analysis.metrics.map { block($0, results, analysis) }
    if blocks.isEmpty { blocks = ["No scores: no run finished with an evaluation, so nothing is compared.\n"] }
    let missing = results.runs.filter { $0.outcome != .finished }
    if !missing.isEmpty {
      let lines = missing.map { "\(labels[$0.strategy]), seed \($0.seed): \(RunOutcomes.sentence($0.outcome))" }
      blocks.append(lines.map { clip($0, width) + "\n" }.joined())
    }
    if labels.count > 1, !analysis.metrics.isEmpty {
      blocks.append(legend(results, analysis).map { wrapped($0) }.joined())
    }
    let notes = AnalysisNotes.lines(results, analysis)
    if !notes.isEmpty { blocks.append(notes.map { wrapped("note: " + $0) }.joined()) }
    return blocks.joined(separator: "\n")
  }

  private static func block(
    _ metric: MetricAnalysis, _ results: ComparisonResults, _ analysis: ComparisonAnalysis
  ) -> String {
    let labels = results.strategies.map(\.label)
    let seeds = "seeds for \(VerdictWords.size(results.detect))"
    var rows = [["strategy", "mean +- sd", "diff", VerdictWords.intervalName(analysis.family), "p", "verdict", seeds]]
    for (index, summary) in metric.summaries.enumerated() {
      let score = summary.mean.map { fixed($0, 2) + (summary.deviation.map { " +- " + fixed($0, 2) } ?? "") } ?? "-"
      let rest = index == 0 ? [] : cells(metric.comparisons[index - 1])
      rows.append([labels[index], score] + rest)
    }
    if labels.count == 1 { rows[0].removeLast(5) }
    let decides = metric.decides && analysis.metrics.count > 1 ? ": decides" : ""
    let title = "\(metric.metric), \(metric.pairs) pairs (Spearman x 100)\(decides)"
    let notes = metric.leftOut.map { clip("  left out: " + $0, width) + "\n" }.joined()
    return clip(title, width) + "\n" + aligned(rows) + equal(metric, labels) + notes
  }

  private static func cells(_ item: StrategyComparison) -> [String] {
    [
      item.mean.map { VerdictWords.signed($0) } ?? "-",
      item.simultaneousInterval.map(VerdictWords.interval) ?? "-",
      item.correctedPValue.map(VerdictWords.probability) ?? "-",
      item.verdict.rawValue + (item.basis == .pairsOnly ? " (1 seed)" : ""),
      item.seedsToShow.map(VerdictWords.seeds) ?? "",
    ]
  }

  /// How equal strategies are of which no difference is shown, on the metric that decides.
  private static func equal(_ metric: MetricAnalysis, _ labels: [String]) -> String {
    guard metric.decides else { return "" }
    return metric.comparisons.map { item in
      guard item.verdict == .noDifferenceShown, let largest = item.largestDifference else { return "" }
      return clip("  \(labels[item.strategy]): no difference larger than \(fixed(largest, 2))", width) + "\n"
    }.joined()
  }

  /// Columns side by side; the first gives way where the line would be too long.
  private static func aligned(_ cells: [[String]]) -> String {
    let rows = cells.map { $0.map(\.visibleOnOneLine) }
    let columns = rows.map(\.count).max() ?? 0
    var widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    let excess = 2 + widths.reduce(0, +) + 2 * (columns - 1) - width
    if excess > 0, columns > 0 { widths[0] = max(8, widths[0] - excess) }
    return rows.map { row in
      let cells = row.enumerated().map { index, cell in
        let text = clip(cell, widths[index])
        return text + String(repeating: " ", count: widths[index] - text.count)
      }
      let line = "  " + cells.joined(separator: "  ")
      return clip(String(line.reversed().drop { $0 == " " }.reversed()), width) + "\n"
    }.joined()
  }

  /// What the columns are.
  private static func legend(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    let comparisons = analysis.metrics.flatMap(\.comparisons)
    var lines = ["diff: against \(results.strategies[0].label), over common seeds"]
    guard comparisons.contains(where: { $0.basis == .seedsAndPairs }) else {
      if analysis.isComplete { lines.append("interval: for other sentence pairs only") }
      return lines
    }
    let count = analysis.family.comparisons
    let all = count > 1 ? "; the interval holds for all \(count) comparisons at once, p and verdict by Holm" : ""
    if analysis.isComplete { lines.append("interval and p: for other seeds and other sentence pairs\(all)") }
    if let deciding = analysis.deciding, analysis.metrics.count > 1, analysis.isComplete {
      lines.append(
        "not tested: single sets count only where \(deciding.metric) shows a difference, then by Holm over all sets")
    }
    lines.append(
      "seeds for \(VerdictWords.size(results.detect)): how many show a true difference of that size with 50 / 80 %"
    )
    return lines
  }

  /// Lines of at most `width` columns, further ones indented.
  private static func wrapped(_ text: String) -> String {
    var lines = [""]
    for word in text.split(separator: " ") {
      let word = clip(String(word), width - 2)
      if lines[lines.count - 1].isEmpty {
        lines[lines.count - 1] = word
      } else if lines[lines.count - 1].count + 1 + word.count <= width {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append("  " + word)
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// At most `count` characters on one line.
  private static func clip(_ text: String, _ count: Int) -> String {
    let line = text.visibleOnOneLine
    return line.count <= count ? line : String(line.prefix(max(0, count - 3))) + "..."
  }
}
