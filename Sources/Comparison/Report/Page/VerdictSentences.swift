// What can be concluded and what cannot, in sentences. Called by AnswerSection and VerdictSection.

import Training

/// Sentences about strategies, with true minus signs.
enum VerdictSentences {
  /// What can be said of `label` against `first`, both HTML, as HTML.
  static func sentence(
    _ item: StrategyComparison, label: String, first: String, on metric: MetricAnalysis, _ analysis: ComparisonAnalysis
  ) -> String {
    let name = escaped(metric.metric)
    guard let mean = item.mean else { return "\(label) and \(first) have no seed in common." }
    let difference = PageText.minus(VerdictWords.signed(mean))
    guard analysis.isComplete else { return "\(label): \(difference) against \(first) on \(name)." }
    guard let range = item.simultaneousInterval else {
      return "\(label) and \(first) differ by \(difference) on \(name): too few pairs for an interval."
    }
    let kind = VerdictWords.intervalName(analysis.family)
    let interval =
      "\(kind.hasSuffix("interval") ? kind : kind + " interval") \(PageText.minus(VerdictWords.interval(range)))"
    switch item.verdict {
    case .better, .worse:
      let odd = range.contains(0) ? "; shown by Holm\u{2019}s correction, which is sharper than such intervals" : ""
      return "\(label) is \(item.verdict.rawValue) than \(first) by \(fixed(abs(mean), 2)) on \(name) "
        + "(\(interval)\(odd))."
    case .noClaim, .notCompared:
      return "\(label): \(difference) against \(first) on \(name) (\(interval), over pairs only)."
    case .noDifferenceShown, .notTested:
      let equal = item.largestDifference.map { "; a difference larger than \(fixed($0, 2)) is ruled out" } ?? ""
      return "\(label): \(difference) against \(first) on \(name) (\(interval)\(equal))."
    }
  }

  /// What the numbers do not say.
  static func limits(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    var lines = [
      """
      \u{201C}No difference shown\u{201D} is not \u{201C}no difference\u{201D}: any difference inside the interval \
      may be there. What is ruled out is ruled out wrongly 5 % of the time at most.
      """
    ]
    if let metric = analysis.deciding, let reach = reach(metric) {
      lines.append(
        "With these seeds and pairs a difference on \(metric.metric) has to reach about \(fixed(reach, 2)) to be shown."
      )
    }
    let family = analysis.family
    if family.comparisons > 1 {
      lines.append(
        """
        Intervals hold for all \(family.comparisons) planned comparisons at once; p and verdicts are corrected for \
        them (Holm), also for strategies that failed or were dropped: the chance of one false alarm or more is about \
        5 %.
        """)
    }
    if let deciding = analysis.deciding, analysis.metrics.count > 1 {
      lines.append(
        """
        \(deciding.metric.prefix(1).uppercased() + deciding.metric.dropFirst()) decides. Other sets count only for \
        strategies that differ there, corrected for all sets; their intervals are each for one set.
        """)
    }
    if analysis.metrics.contains(where: { $0.comparisons.contains { $0.seedsToShow != nil } }) {
      lines.append(
        """
        How many seeds show a difference takes the spread found so far for the true one; with two or three seeds \
        that is a rough guess.
        """)
    }
    lines.append(
      """
      The intervals are for other seeds and other sentence pairs of the same kind, not for other models, training \
      data or settings: each strategy may have a better learning rate or batch size than the one used.
      """)
    if results.runs.contains(where: { $0.outcome != .finished }) {
      lines.append(
        """
        Runs that did not finish are left out with their seed. If they failed because of their strategy, what is left \
        flatters it.
        """)
    }
    return lines
  }

  /// The median half-width of a metric's intervals over seeds and pairs.
  private static func reach(_ metric: MetricAnalysis) -> Double? {
    let halves = metric.comparisons.compactMap { item in
      item.basis == .seedsAndPairs
        ? item.simultaneousInterval.map { ($0.upperBound - $0.lowerBound) / 2 } : nil
    }.sorted()
    return halves.isEmpty ? nil : halves[halves.count / 2]
  }
}
