// All strategies on one metric: means, differences to the first, intervals, verdicts. Called by ComparisonAnalysis.

import Evaluation
import Kernels

/// One metric over strategies and seeds. All scores are Spearman x 100.
package struct MetricAnalysis: Sendable {
  /// What one strategy reached.
  package struct Summary: Sendable {
    /// Of the runs that have a score.
    package var seeds: [UInt64]
    /// Spearman x 100, a seed each.
    package var scores: [Double]
    /// Over seeds; nil without any.
    package var mean: Double?
    /// The standard deviation (n - 1) over seeds; nil with fewer than two.
    package var deviation: Double?
  }

  /// `STS-B dev`, `STS12`, ..., or a pair file's name.
  package var metric: String
  /// Pairs of the metric.
  package var pairs: Int
  /// By strategy, in the order of the comparison.
  package var summaries: [Summary]
  /// For each strategy but the first.
  package var comparisons: [StrategyComparison]
  /// Finished runs that are left out, and why.
  package var leftOut: [String]

  init(_ metric: String, _ results: ComparisonResults, seed: UInt64, resamples: Int, pool: ThreadPool) {
    self.metric = metric
    var table = MetricTable(metric, results)
    pairs = table.gold.count
    summaries = results.strategies.indices.map { table.summary($0, seeds: results.seeds) }
    leftOut = table.leftOut
    guard results.strategies.count > 1 else {
      comparisons = []
      return
    }
    table.resample(seed: seed, resamples: resamples, pool: pool)
    comparisons = results.strategies.indices.dropFirst().map { table.comparison($0, seeds: results.seeds) }
    correct()
  }

  /// Holm over the comparisons that have a p-value, then the verdicts.
  private mutating func correct() {
    let tested = comparisons.indices.filter { comparisons[$0].pValue != nil }
    let corrected = HolmCorrection.apply(tested.map { comparisons[$0].pValue ?? 1 })
    for (index, value) in zip(tested, corrected) {
      comparisons[index].correctedPValue = value.pValue
      comparisons[index].correctedLevel = value.level
      comparisons[index].correctedInterval = comparisons[index].spread?.interval(level: value.level)
    }
    for index in comparisons.indices { comparisons[index].decide() }
  }
}

/// The scores of one metric by strategy and seed, and the same on resampled pairs.
private struct MetricTable {
  private struct Key: Hashable {
    var strategy: Int
    var seed: UInt64
  }

  private let metric: String
  private(set) var gold: [Double] = []
  private(set) var leftOut: [String] = []
  private var rows: [Key: Int] = [:]
  private var scores: [Double] = []
  private var predicted: [[Double]] = []
  private var resampled: [[Double]] = []

  init(_ metric: String, _ results: ComparisonResults) {
    self.metric = metric
    for run in results.runs where run.outcome == .finished {
      guard let score = run.scores.first(where: { $0.metric == metric }) else { continue }
      if predicted.isEmpty { gold = score.gold }
      let name = "\(results.strategies[run.strategy].label) with seed \(run.seed)"
      guard score.gold == gold, score.predicted.count == gold.count else {
        leftOut.append("\(name): scored on other pairs than the runs before it")
        continue
      }
      let value = Correlation.spearman(score.predicted, gold) * 100
      guard value.isFinite else {
        leftOut.append("\(name): Spearman is undefined, all its similarities being equal or not numbers")
        continue
      }
      rows[Key(strategy: run.strategy, seed: run.seed)] = scores.count
      scores.append(value)
      predicted.append(score.predicted)
    }
  }

  func summary(_ strategy: Int, seeds: [UInt64]) -> MetricAnalysis.Summary {
    let found = seeds.compactMap { seed in row(strategy, seed).map { (seed, scores[$0]) } }
    let values = found.map(\.1)
    return MetricAnalysis.Summary(
      seeds: found.map(\.0), scores: values,
      mean: values.isEmpty ? nil : values.reduce(0, +) / Double(values.count),
      deviation: values.count > 1 ? variance(values).squareRoot() : nil)
  }

  mutating func resample(seed: UInt64, resamples: Int, pool: ThreadPool) {
    resampled =
      PairBootstrap(
        gold: gold, predicted: predicted, seed: seed, name: metric, resamples: resamples, pool: pool
      ).values
  }

  /// A strategy against the first, uncorrected.
  func comparison(_ strategy: Int, seeds: [UInt64]) -> StrategyComparison {
    let common = seeds.compactMap { seed -> (seed: UInt64, own: Int, first: Int)? in
      guard let own = row(strategy, seed), let first = row(0, seed) else { return nil }
      return (seed, own, first)
    }
    var result = StrategyComparison(
      strategy: strategy, seeds: common.map(\.seed), differences: common.map { scores[$0.own] - scores[$0.first] })
    let draws = resampled.map { draw in common.map { draw[$0.own] - draw[$0.first] } }
      .filter { $0.allSatisfy(\.isFinite) }
    // Where most draws are undefined, the others say little about the pairs.
    guard !common.isEmpty, draws.count > 1, draws.count > resampled.count / 2 else { return result }
    if common.count == 1 {
      let sorted = draws.map { $0[0] }.sorted()
      result.basis = .pairsOnly
      result.interval = BootstrapInterval.quantile(sorted, 0.025)...BootstrapInterval.quantile(sorted, 0.975)
      result.correctedInterval = result.interval
    } else {
      let spread = DifferenceSpread(differences: result.differences, resampled: draws, pairCount: gold.count)
      result.basis = .seedsAndPairs
      result.spread = spread
      result.interval = spread.interval(level: 0.05)
      result.pValue = spread.pValue
    }
    return result
  }

  private func row(_ strategy: Int, _ seed: UInt64) -> Int? { rows[Key(strategy: strategy, seed: seed)] }
}
