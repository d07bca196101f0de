// One strategy against another, mostly the first, on one metric. Made by MetricAnalysis, corrected by ClaimCorrection,
// read by every kind of report.

import Evaluation

/// What can be said of a strategy against another.
package enum Verdict: String, Sendable {
  case better
  case worse
  case noDifferenceShown = "no difference shown"
  /// One common seed, or runs still to come: whatever the numbers, nothing about the methods.
  case noClaim = "no claim possible"
  /// A single set, where the metric that decides shows no difference.
  case notTested = "not tested"
  /// No common seed at all.
  case notCompared = "not compared"
}

/// One strategy against another on one metric. Differences are this strategy's score minus the other's.
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
  /// The place of the other one.
  package var against: Int
  /// Seeds for which both have a score, and the difference with each.
  package var seeds: [UInt64]
  /// By seed, the strategy's score minus the other one's.
  package var differences: [Double]
  /// What the interval rests on.
  package var basis: Basis = .nothing
  /// The mean over the common seeds; nil without any.
  package var mean: Double?
  /// Where the uncertainty comes from; nil without a common seed or with pairs that all hang together.
  package var spread: DifferenceSpread?
  /// 95 % for this comparison alone.
  package var interval: ClosedRange<Double>?
  /// 90 % for this comparison alone.
  package var interval90: ClosedRange<Double>?
  /// 95 % for all comparisons of the metric and all looks together.
  package var simultaneousInterval: ClosedRange<Double>?
  /// The level of `simultaneousInterval`: 0.05, or less with several comparisons or looks.
  package var simultaneousLevel = 0.05
  /// By two one-sided tests at `simultaneousLevel`, the true difference is not larger than this either way; nil with
  /// fewer than two seeds.
  package var largestDifference: Double?
  /// For this comparison alone; nil with fewer than two common seeds.
  package var pValue: Double?
  /// After Holm's correction over all planned comparisons, and for the looks; the verdict is read from it. Nil where
  /// nothing is tested.
  package var correctedPValue: Double?
  /// What can be said.
  package var verdict: Verdict = .notCompared
  /// The size of a difference, Spearman x 100, that seeds are counted for.
  package var detect = 0.5
  /// What it takes to show a difference of that size; nil with fewer than two common seeds.
  package var seedsToShow: SeedsToShow? {
    guard basis == .seedsAndPairs, let spread else { return nil }
    return SeedsToShow(spread, difference: detect, level: simultaneousLevel)
  }

  /// By places, each strategy with the first, or with all before it.
  static func pairs(of count: Int, isAgainstAll: Bool) -> [(strategy: Int, against: Int)] {
    (0..<count).dropFirst().flatMap { strategy in
      (isAgainstAll ? 0..<strategy : 0..<1).map { (strategy, $0) }
    }
  }

  /// A row of the table against another.
  init(_ strategy: Int, against other: Int, _ table: ScoreTable, seeds: [UInt64]) {
    let common = seeds.indices.compactMap { seed -> (seed: UInt64, own: RunScore, other: RunScore)? in
      guard let own = table.rows[strategy][seed], let other = table.rows[other][seed] else { return nil }
      return (seeds[seed], own, other)
    }
    (self.strategy, against) = (strategy, other)
    self.seeds = common.map(\.seed)
    differences = common.map { $0.own.value - $0.other.value }
    guard !common.isEmpty else { return }
    mean = differences.reduce(0, +) / Double(differences.count)
    guard table.components.count > 1 else { return }
    basis = common.count > 1 ? .seedsAndPairs : .pairsOnly
    spread = DifferenceSpread(
      differences: differences,
      contributions: common.map { item in
        table.components.sums(zip(item.own.contributions, item.other.contributions).map { $0 - $1 })
      }, correction: table.components.correction)
  }
}
