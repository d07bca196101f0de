// results.csv: one score a line, for spreadsheets and data frames. Written by ComparisonReport.

/// A tidy table in the form of RFC 4180.
enum ResultsCSV {
  static let columns = [
    "strategy", "label", "seed", "outcome", "metric", "pairs", "value", "seconds", "folder", "reason",
  ]

  /// A line for each run and metric; a run without scores has one line with metric and value empty. Last, without a
  /// seed, the scores before training.
  static func text(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> String {
    var lines = [columns]
    for run in results.runs {
      let strategy = results.strategies[run.strategy]
      let start = [strategy.text, strategy.label, "\(run.seed)", RunOutcomes.name(run.outcome)]
      let end = ["\(run.seconds)", run.folder, RunOutcomes.reason(run.outcome) ?? ""]
      var hasScore = false
      for metric in analysis.metrics {
        let summary = metric.summaries[run.strategy]
        guard run.outcome == .finished, let place = summary.seeds.firstIndex(of: run.seed) else { continue }
        lines.append(start + [metric.metric, "\(metric.pairs)", "\(summary.scores[place])"] + end)
        hasScore = true
      }
      if !hasScore { lines.append(start + ["", "", ""] + end) }
    }
    for (place, strategy) in results.strategies.enumerated() {
      for metric in analysis.metrics {
        guard let before = metric.summaries[place].before else { continue }
        let start = [strategy.text, strategy.label, "", "before training"]
        lines.append(start + [metric.metric, "\(metric.pairs)", "\(before)", "", "", ""])
      }
    }
    return lines.map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
  }

  /// Quoted where a comma, a quote or a line break makes it necessary.
  static func field(_ text: String) -> String {
    let special: Set<Unicode.Scalar> = [",", "\"", "\n", "\r"]
    guard text.unicodeScalars.contains(where: special.contains) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}
