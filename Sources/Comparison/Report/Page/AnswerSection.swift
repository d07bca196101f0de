// The answer in sentences with numbers, before any statistics. Called by ReportPage.

import Training

/// Which strategy is better on the metric that decides.
struct AnswerSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis

  private var labels: [String] { results.strategies.map(\.label) }
  private var first: String { labels.first ?? "" }

  var html: String {
    PageText.section(labels.count == 1 ? "What was reached" : "Which strategy is better", id: "answer", content)
  }

  private var content: String {
    guard let deciding = analysis.deciding else {
      let why =
        results.runs.contains { $0.outcome == .finished }
        ? "No run was scored, so nothing can be said about which strategy is better."
        : "No run finished, so nothing can be said about which strategy is better."
      return "<p>\(why)</p>\n"
    }
    let begun = before(deciding).map { "<p class=\"begun\">\($0)</p>\n" } ?? ""
    guard labels.count > 1 else {
      return "<p>One strategy: there is nothing to compare it with.</p>\n" + begun
    }
    let lines = sentences(deciding).map { "<li>\($0)</li>" }.joined(separator: "\n")
    return "<div class=\"answer\">\n\(lead(deciding))<ul>\n\(lines)\n</ul>\n\(begun)</div>\n"
  }

  // MARK: - What holds for all

  /// What would otherwise be said of every strategy.
  private func lead(_ deciding: MetricAnalysis) -> String {
    if !analysis.isComplete { return "<p>Runs are still to come. So far, without any verdict:</p>\n" }
    if Self.isOneSeed(deciding) {
      return "<p>\(Self.badge("only 1 seed")) \(escaped(AnalysisNotes.oneSeed)) The two models differ by:</p>\n"
    }
    return ""
  }

  /// Whether no comparison has more than one seed, so that there is no verdict at all.
  static func isOneSeed(_ metric: MetricAnalysis) -> Bool {
    metric.comparisons.contains { $0.basis == .pairsOnly } && metric.comparisons.allSatisfy { $0.seeds.count < 2 }
  }

  /// What training began with, and where it led.
  private func before(_ deciding: MetricAnalysis) -> String? {
    let scored = deciding.summaries.enumerated().compactMap { index, summary in
      summary.mean.map { (label: labels[index], mean: $0) }
    }
    guard let before = deciding.before, let lowest = scored.min(by: { $0.mean < $1.mean }),
      let highest = scored.max(by: { $0.mean < $1.mean })
    else { return nil }
    func reached(_ item: (label: String, mean: Double)) -> String {
      let gain = PageText.minus(VerdictWords.signed(item.mean - before))
      return "\(fixed(item.mean, 2)) (\(PageText.label(item.label)), \(gain))"
    }
    let led = scored.count == 1 ? reached(highest) : "\(reached(lowest)) to \(reached(highest))"
    return "Before training the model scored \(fixed(before, 2)) on \(escaped(deciding.metric)), after it \(led)."
  }

  // MARK: - Strategy by strategy

  /// More equal strategies than that share a line.
  private static let mostEqual = 4

  private func sentences(_ deciding: MetricAnalysis) -> [String] {
    let items = deciding.comparisons.filter { $0.against == 0 }
    let equal = items.filter { $0.verdict == .noDifferenceShown && $0.mean != nil }
    guard equal.count > Self.mostEqual else { return items.map { line($0, deciding) } + sets }
    let differences = equal.compactMap(\.mean)
    let range = (differences.min() ?? 0)...(differences.max() ?? 0)
    let names = equal.map { "<strong>\(PageText.label(labels[$0.strategy]))</strong>" }.joined(separator: ", ")
    let shared =
      Self.badge(.noDifferenceShown) + " between \(PageText.label(first)) and \(equal.count) others: \(names) "
      + "(differences \(PageText.minus(VerdictWords.interval(range))) on \(escaped(deciding.metric)))."
    return items.filter { $0.verdict != .noDifferenceShown }.map { line($0, deciding) } + [shared] + sets
  }

  private func line(_ item: StrategyComparison, _ deciding: MetricAnalysis) -> String {
    let sentence = VerdictSentences.sentence(
      item, label: "<strong>\(PageText.label(labels[item.strategy]))</strong>",
      first: "<strong>\(PageText.label(labels[item.against]))</strong>", on: deciding, analysis)
    let isPlain = !analysis.isComplete || Self.isOneSeed(deciding)
    return isPlain ? sentence : Self.badge(item) + " " + sentence
  }

  /// The single sets, for the strategies that are tested there; those for which nothing is shown share a line.
  private var sets: [String] {
    let others = analysis.metrics.filter { !$0.decides && $0.kind != .dev }
    guard analysis.isComplete, others.count > 1 else { return [] }
    var (lines, none) = ([String](), [String]())
    for strategy in labels.indices.dropFirst() {
      let verdicts = others.compactMap { metric in metric.comparison(of: strategy).map { (metric.metric, $0.verdict) } }
      let shown = [Verdict.better, .worse].compactMap { verdict -> String? in
        let names = verdicts.filter { $0.1 == verdict }.map { escaped($0.0) }
        return names.isEmpty ? nil : "\(verdict.rawValue) on \(names.joined(separator: ", "))"
      }
      let open = verdicts.count { $0.1 == .noDifferenceShown }
      let label = PageText.label(labels[strategy])
      if !shown.isEmpty {
        let rest = open == 0 ? [] : ["no difference shown on \(open) more"]
        lines.append("Single sets, \(label): \((shown + rest).joined(separator: "; ")).")
      } else if open > 0 {
        none.append(label)
      }
    }
    return lines
      + (none.isEmpty ? [] : ["Single sets, \(none.joined(separator: ", ")): no difference shown on any by itself."])
  }

  // MARK: - Badges

  static func badge(_ item: StrategyComparison) -> String {
    item.verdict == .noClaim && item.basis == .pairsOnly ? badge("only 1 seed") : badge(item.verdict)
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

  private static func badge(_ text: String) -> String { "<span class=\"badge none\">\(text)</span>" }
}
