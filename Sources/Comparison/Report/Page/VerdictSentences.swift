// What can be concluded and what cannot, in sentences. Called by VerdictSection.

import Training

/// Sentences about strategies; plain text, with true minus signs.
enum VerdictSentences {
  /// What can be said of `label` against `first`.
  static func sentence(
    _ item: StrategyComparison, label: String, first: String, _ analysis: ComparisonAnalysis
  ) -> String {
    guard let mean = item.mean else { return "\(label) and \(first) have no seed in common: not compared." }
    let difference = PageText.minus(VerdictWords.signed(mean))
    guard analysis.isComplete else {
      return "\(label) and \(first) differ by \(difference) so far; runs are still to come, so no claim is possible."
    }
    guard let range = item.simultaneousInterval else {
      return "No claim about \(label) and \(first) is possible: there are too few pairs for an interval."
    }
    let interval = "\(VerdictWords.intervalName(analysis.family)) \(PageText.minus(VerdictWords.interval(range)))"
    switch item.verdict {
    case .better, .worse:
      let odd = range.contains(0) ? "; shown by Holm's correction, which is sharper than simultaneous intervals" : ""
      return
        "\(label) is \(item.verdict.rawValue) than \(first) by \(fixed(abs(mean), 2)) (\(interval)\(odd))."
    case .noClaim, .notCompared:
      return """
        \(label) and \(first) have one seed in common. These two models differ by \(difference) (\(interval), over \
        pairs only); another seed may turn it round, so no claim about the methods is possible.
        """
    case .noDifferenceShown, .notTested:
      let equal = item.largestDifference.map { " No difference larger than \(fixed($0, 2))." } ?? ""
      return "No difference shown between \(label) and \(first): \(difference), \(interval).\(equal)"
        + (item.seedsToShow.map { " " + advice($0) } ?? "")
    }
  }

  /// What it takes to show a difference.
  static func advice(_ needed: SeedsToShow) -> String {
    let size = VerdictWords.size(needed.difference)
    switch (needed.half, needed.most) {
    case (.seeds(let half), .seeds(let most)):
      return
        "A true difference of \(size) is shown by \(half) seeds half of the time, by \(most) seeds 80 % of the time."
    case (.seeds(let half), .never):
      return
        "A true difference of \(size) is shown by \(half) seeds half of the time, by no number 80 % of it: "
        + open(needed)
    case (.seeds(let half), .tooMany):
      return "A true difference of \(size) is shown by \(half) seeds half of the time; 80 % takes more than "
        + "\(SeedsToShow.most)."
    case (.never, _): return "No number of seeds shows a difference of \(size): " + open(needed)
    case (.tooMany, _): return "To show a difference of \(size) takes more than \(SeedsToShow.most) seeds."
    }
  }

  private static func open(_ needed: SeedsToShow) -> String {
    "even with endless seeds \u{B1}\(fixed(needed.staysOpen, 2)) stays open, and only more pairs help."
  }

  /// What the numbers do not say.
  static func limits(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    var lines = [
      """
      \u{201C}No difference shown\u{201D} is not \u{201C}no difference\u{201D}: any difference inside the interval \
      may be there. \u{201C}No difference larger than\u{201D} is wrong 5 % of the time at most.
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
