// One strategy against the first, on one metric. Made by MetricAnalysis, read by every kind of report.

/// What can be said of a strategy against the first one.
package enum Verdict: String, Sendable {
  case better
  case worse
  case noDifferenceShown = "no difference shown"
  /// Fewer than two common seeds and an interval over pairs that leaves out 0: true of two models, not of two methods.
  case noClaim = "no claim possible"
  /// No common seed at all.
  case notCompared = "not compared"
}

/// One strategy against the first, on one metric. Differences are this strategy's Spearman x 100 minus the first's.
package struct StrategyComparison: Sendable {
  /// What the interval allows for.
  package enum Basis: String, Sendable {
    case seedsAndPairs = "seeds and pairs"
    /// One common seed: other pairs, but no other seed.
    case pairsOnly = "pairs only"
    case nothing
  }

  /// Its place in `ComparisonResults.strategies`.
  package var strategy: Int
  /// Seeds for which both have a score, and the difference with each.
  package var seeds: [UInt64]
  /// By seed, the strategy's score minus the first one's.
  package var differences: [Double]
  /// What the interval rests on.
  package var basis: Basis = .nothing
  /// The mean over the common seeds; nil without any.
  package var mean: Double?
  /// 95 % for this comparison alone.
  package var interval: ClosedRange<Double>?
  /// 95 % for all comparisons of the metric together (Holm); the verdict is read from it. As `interval` on pairs only.
  package var correctedInterval: ClosedRange<Double>?
  /// For this comparison alone, and corrected (Holm); nil with fewer than two common seeds.
  package var pValue: Double?
  /// After Holm's correction over the strategies.
  package var correctedPValue: Double?
  /// The level of `correctedInterval`: 0.05, or less where several strategies are compared.
  package var correctedLevel = 0.05
  /// Where the uncertainty comes from; nil with fewer than two seeds.
  package var spread: DifferenceSpread?
  /// Seeds with a positive and with a negative difference.
  package var positive = 0
  /// Seeds with a difference below 0.
  package var negative = 0
  /// Its two-sided p-value; nil without a difference.
  package var signTest: Double?
  /// What can be said.
  package var verdict: Verdict = .notCompared
  /// Set where at least two common seeds show no difference.
  package var seedsNeeded: SeedsNeeded?

  init(strategy: Int, seeds: [UInt64], differences: [Double]) {
    self.strategy = strategy
    self.seeds = seeds
    self.differences = differences
    guard !differences.isEmpty else { return }
    mean = differences.reduce(0, +) / Double(differences.count)
    positive = differences.count { $0 > 0 }
    negative = differences.count { $0 < 0 }
    if differences.count > 1 { signTest = Distributions.signTest(positive: positive, negative: negative) }
  }

  /// Sets the verdict as the corrected interval has it.
  mutating func decide() {
    guard let interval = correctedInterval else {
      verdict = differences.isEmpty ? .notCompared : .noDifferenceShown
      return
    }
    if interval.contains(0) {
      verdict = .noDifferenceShown
    } else if basis == .pairsOnly {
      verdict = .noClaim
    } else {
      verdict = interval.lowerBound > 0 ? .better : .worse
    }
    guard verdict == .noDifferenceShown, let spread else { return }
    seedsNeeded = SeedsNeeded(spread, level: correctedLevel)
  }
}
