// The verdicts on a terminal: plain text, a block for each metric. Called by the compare command.

import Files
import Training

/// Means, differences and verdicts as lines of at most 100 columns.
package enum VerdictTable {
  static let width = 100

  /// Ends with a line break; says so where there is nothing to compare.
  package static func text(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    let labels = results.strategies.map(\.label)
    var blocks = analysis.metrics.map { block($0, labels) }
    if blocks.isEmpty { blocks = ["No scores: no run finished with an evaluation, so nothing is compared.\n"] }
    let missing = results.runs.filter { $0.outcome != .finished }
    if !missing.isEmpty {
      let lines = missing.map { "\(labels[$0.strategy]), seed \($0.seed): \(RunOutcomes.sentence($0.outcome))" }
      blocks.append(lines.map { clip($0, width) + "\n" }.joined())
    }
    if let first = labels.first, labels.count > 1, !analysis.metrics.isEmpty {
      let bases = analysis.metrics.flatMap { $0.comparisons.map(\.basis) }
      blocks.append(
        bases.contains(.seedsAndPairs) ? footnote(first: first, others: labels.count - 1) : oneSeedNote(first: first))
    }
    return blocks.joined(separator: "\n")
  }

  private static func block(_ metric: MetricAnalysis, _ labels: [String]) -> String {
    var rows = [["strategy", "mean +- sd", "diff", "95 % interval", "p", "verdict", "seeds more"]]
    for (index, summary) in metric.summaries.enumerated() {
      let score = summary.mean.map { fixed($0, 2) + (summary.deviation.map { " +- " + fixed($0, 2) } ?? "") } ?? "-"
      let rest = index == 0 ? [] : cells(metric.comparisons[index - 1])
      rows.append([labels[index], score] + rest)
    }
    if labels.count == 1 { rows[0].removeLast(5) }
    let title = "\(metric.metric), \(metric.pairs) pairs (Spearman x 100)"
    let notes = metric.leftOut.map { clip("  left out: " + $0, width) + "\n" }.joined()
    return clip(title, width) + "\n" + aligned(rows) + notes
  }

  private static func cells(_ item: StrategyComparison) -> [String] {
    [
      item.mean.map { VerdictWords.signed($0) } ?? "-",
      item.correctedInterval.map(VerdictWords.interval) ?? "-",
      item.correctedPValue.map(VerdictWords.probability) ?? "-",
      item.verdict.rawValue + (item.basis == .pairsOnly ? " (1 seed)" : ""),
      item.seedsNeeded.map { needed in
        switch needed {
        case .more(let count): "\(count)"
        case .tooMany: "> \(SeedsNeeded.most)"
        case .pairsTooFew: "too few pairs"
        }
      } ?? "",
    ]
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

  private static func footnote(first: String, others: Int) -> String {
    let correction = others > 1 ? ", corrected for \(others) comparisons (Holm)" : ""
    return """
      \(clip("diff: against \(first), over common seeds", width))
      interval and p: for other seeds and other sentence pairs\(correction)
      seeds more: how many would probably show a difference as large as the one found

      """
  }

  private static func oneSeedNote(first: String) -> String {
    """
    \(clip("diff: against \(first), with one common seed", width))
    interval: for other sentence pairs only; no claim about the methods is possible from one seed

    """
  }

  /// At most `count` characters on one line.
  private static func clip(_ text: String, _ count: Int) -> String {
    let line = text.visibleOnOneLine
    return line.count <= count ? line : String(line.prefix(max(0, count - 3))) + "..."
  }
}
