// What can be concluded and what cannot, in sentences. Called by VerdictSection.

import Training

/// Sentences about strategies; plain text, with true minus signs.
enum VerdictSentences {
  /// What can be said of `label` against `first`.
  static func sentence(_ item: StrategyComparison, label: String, first: String) -> String {
    guard let mean = item.mean else { return "\(label) and \(first) have no seed in common: not compared." }
    guard let range = item.correctedInterval else {
      return "No difference shown between \(label) and \(first): there are too few pairs for an interval."
    }
    let difference = PageText.minus(VerdictWords.signed(mean))
    let interval = PageText.minus(VerdictWords.interval(range))
    switch item.verdict {
    case .better, .worse:
      return "\(label) is \(item.verdict.rawValue) than \(first) by \(fixed(abs(mean), 2)) (95 % interval \(interval))."
    case .noClaim:
      return """
        \(label) and \(first) have one seed in common. These two models differ by \(difference) (95 % interval over pairs \
        only \(interval)); another seed may turn it round, so no claim about the methods is possible.
        """
    case .noDifferenceShown, .notCompared:
      let start = "No difference shown between \(label) and \(first): \(difference), interval \(interval)"
      if item.basis == .pairsOnly {
        return start + " over pairs only, from one common seed; no claim about the methods is possible."
      }
      return start + "." + (item.seedsNeeded.map { " " + advice($0) } ?? "")
    }
  }

  /// What more seeds could do.
  static func advice(_ needed: SeedsNeeded) -> String {
    switch needed {
    case .more(1): "If this difference is real, 1 more seed would probably show it."
    case .more(let count): "If this difference is real, about \(count) more seeds would probably show it."
    case .tooMany: "To show a difference of this size would take more than \(SeedsNeeded.most) more seeds."
    case .pairsTooFew: "More seeds cannot show a difference of this size: there are too few sentence pairs."
    }
  }

  /// What the numbers do not say.
  static func limits(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    var lines = [
      """
      \u{201C}No difference shown\u{201D} is not \u{201C}no difference\u{201D}: any difference inside the interval may be there.
      """
    ]
    if let metric = analysis.metrics.first, let reach = reach(metric) {
      lines.append(
        "With these seeds and pairs a difference on \(metric.metric) has to reach about \(fixed(reach, 2)) to be shown."
      )
    }
    if analysis.metrics.contains(where: { $0.comparisons.contains { $0.basis == .pairsOnly } }) {
      lines.append(
        """
        One common seed compares two trained models: no claim about the methods is possible. At least two seeds, better \
        five, are needed.
        """)
    }
    let needed = analysis.metrics.flatMap { $0.comparisons.compactMap(\.seedsNeeded) }
    if needed.contains(where: { if case .more = $0 { true } else { false } }) {
      lines.append(
        """
        How many more seeds would show a difference is a rough guess: it takes the difference and the spread found so far \
        for the true ones.
        """)
    }
    let compared = results.strategies.count - 1
    if compared > 1 {
      lines.append(
        """
        Intervals and p are corrected for the \(compared) comparisons of a metric (Holm): the chance of one false alarm or \
        more among them is about 5 %.
        """)
    }
    if analysis.metrics.count > 1 {
      lines.append(
        "They are not corrected for looking at \(analysis.metrics.count) metrics: decide beforehand which one counts.")
    }
    lines.append(
      """
      The intervals are for other seeds and other sentence pairs of the same kind, not for other models, training data or \
      settings: each strategy may have a better learning rate or batch size than the one used.
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
      item.basis == .seedsAndPairs ? item.correctedInterval.map { ($0.upperBound - $0.lowerBound) / 2 } : nil
    }.sorted()
    return halves.isEmpty ? nil : halves[halves.count / 2]
  }
}
