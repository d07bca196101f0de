// The verdicts on a terminal: plain text, a block for each metric that was tested and a table of all. Called by the
// compare command.

import Files
import Training

/// Means, differences and verdicts as lines of at most so many columns.
package struct VerdictTable {
  /// Columns where there is no terminal that says how many it has.
  package static let width = 120

  private let results: ComparisonResults
  private let analysis: ComparisonAnalysis
  private let width: Int
  private var labels: [String] { results.strategies.map(\.label) }

  /// Ends with a line break; says so where there is nothing to compare.
  package static func text(
    _ results: ComparisonResults, _ analysis: ComparisonAnalysis, width: Int = Self.width
  ) -> String {
    VerdictTable(results: results, analysis: analysis, width: width).text
  }

  private var text: String {
    // What is not tested stands in the table of all sets; a page for each set would hide the answer.
    let told = analysis.metrics.filter { metric in
      metric.decides || labels.count == 1 || metric.comparisons.contains { $0.verdict != .notTested }
    }
    var blocks = told.map(block)
    if analysis.metrics.count > 1 {
      blocks.insert(ScoreMatrix(results, analysis).text(.text, width: width) + "\n", at: 0)
    }
    let leftOut = analysis.metrics.filter { metric in !told.contains { $0.metric == metric.metric } }.flatMap(\.leftOut)
    if !leftOut.isEmpty { blocks.append(leftOut.map { wrapped("left out: " + $0) }.joined()) }
    if blocks.isEmpty { blocks = ["No scores: no run finished with an evaluation, so nothing is compared.\n"] }
    let missing = results.runs.filter { $0.outcome != .finished }
    if !missing.isEmpty {
      let lines = missing.map { "\(labels[$0.strategy]), seed \($0.seed): \(RunOutcomes.sentence($0.outcome))" }
      blocks.append(lines.map { wrapped($0) }.joined())
    }
    if labels.count > 1, !analysis.metrics.isEmpty {
      blocks.append(legend.map { wrapped($0) }.joined())
    }
    let notes = AnalysisNotes.lines(results, analysis)
    if !notes.isEmpty { blocks.append(notes.map { wrapped("note: " + $0) }.joined()) }
    return blocks.joined(separator: "\n")
  }

  private func block(_ metric: MetricAnalysis) -> String {
    let seeds = "seeds for \(VerdictWords.size(results.detect))"
    let name = VerdictWords.intervalName(analysis.family)
    var rows = [["strategy", "mean +- sd", "diff", name, "p", "verdict", "none above", seeds]]
    for (index, summary) in metric.summaries.enumerated() {
      let score = summary.mean.map { fixed($0, 2) + (summary.deviation.map { " +- " + fixed($0, 2) } ?? "") } ?? "-"
      rows.append([labels[index], score] + (metric.comparison(of: index).map(cells) ?? []))
    }
    if labels.count == 1 { rows[0].removeLast(6) }
    let decides = metric.decides && analysis.metrics.count > 1 ? ": decides" : ""
    let items = metric.measure == .spearman ? "pairs" : "samples"
    let title = "\(metric.metric), \(metric.pairs) \(items) (\(metric.measure.rawValue))\(decides)"
    let before = metric.before.map { "  before training: \(fixed($0, 2))\n" } ?? ""
    let notes = metric.leftOut.map { wrapped("  left out: " + $0) }.joined()
    return wrapped(title) + aligned(rows) + before + pairs(metric) + notes
  }

  /// The comparisons that are not with the first strategy.
  private func pairs(_ metric: MetricAnalysis) -> String {
    let others = metric.comparisons.filter { $0.against != 0 }
    guard !others.isEmpty, metric.decides else { return "" }
    let head = ["against another", "diff", VerdictWords.intervalName(analysis.family), "p", "verdict", "none above"]
    return "\n"
      + aligned(
        [head] + others.map { ["\(labels[$0.strategy]) - \(labels[$0.against])"] + cells($0).dropLast() })
  }

  private func cells(_ item: StrategyComparison) -> [String] {
    [
      item.mean.map { VerdictWords.signed($0) } ?? "-",
      item.simultaneousInterval.map(VerdictWords.interval) ?? "-",
      item.correctedPValue.map(VerdictWords.probability) ?? "-",
      item.verdict.rawValue + (item.basis == .pairsOnly ? " (1 seed)" : ""),
      item.verdict == .noDifferenceShown ? item.largestDifference.map { fixed($0, 2) } ?? "" : "",
      item.seedsToShow.map(VerdictWords.seeds) ?? "",
    ]
  }

  /// Columns side by side. A label is never cut, since rows of a grid differ at its end: where a line would be too
  /// long, labels stand above their numbers, and after that the last columns are left out.
  private func aligned(_ cells: [[String]]) -> String {
    var rows = cells.map { $0.map(\.visibleOnOneLine) }
    func widths() -> [Int] {
      (0..<(rows.map(\.count).max() ?? 0)).map { column in
        rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
      }
    }
    func excess(_ widths: ArraySlice<Int>) -> Int { 2 + widths.reduce(0) { $0 + $1 + 2 } - 2 - width }
    let isStacked = excess(widths()[...]) > 0
    while isStacked, widths().count > 2, excess(widths().dropFirst() + [2]) > 0 {
      let last = widths().count
      rows = rows.map { $0.count == last ? Array($0.dropLast()) : $0 }
    }
    let found = widths()
    return rows.map { row in
      let padded = zip(row, found).map { $0.padded(to: $1) }
      guard isStacked else { return ("  " + padded.joined(separator: "  ")).withoutTrailingSpaces + "\n" }
      let numbers = ("    " + padded.dropFirst().joined(separator: "  ")).withoutTrailingSpaces + "\n"
      return wrapped("  " + row[0]) + (row.count > 1 ? numbers : "")
    }.joined()
  }

  /// What the columns are.
  private var legend: [String] {
    let comparisons = analysis.metrics.flatMap(\.comparisons)
    var lines = ["diff: against \(labels[0]), over common seeds"]
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
    if comparisons.contains(where: { $0.verdict == .noDifferenceShown && $0.largestDifference != nil }) {
      lines.append("none above: a true difference larger than that is ruled out (two one-sided tests)")
    }
    lines.append(
      "seeds for \(VerdictWords.size(results.detect)): how many show a true difference of that size with 50 / 80 %"
    )
    return lines
  }

  private func wrapped(_ text: String) -> String { text.wrapped(to: width) }
}
