// All strategies on one metric: means, differences, their spread. Made by ComparisonAnalysis, whose
// ClaimCorrection adds what holds for all comparisons together.

import Evaluation

/// One metric over strategies and seeds.
package struct MetricAnalysis: Sendable {
  /// What one strategy reached.
  package struct Summary: Sendable {
    /// Of the runs that have a score.
    package var seeds: [UInt64]
    /// A seed each.
    package var scores: [Double]
    /// Of the model that training began with; nil where it is not known.
    package var before: Double?
    /// Over seeds; nil without any.
    package var mean: Double?
    /// The standard deviation (n - 1) over seeds; nil with fewer than two.
    package var deviation: Double?
  }

  /// `STS mean`, `STS12`, ..., or a pair file's name.
  package var metric: String
  /// What its scores are.
  package var measure: Measure
  /// What is scored.
  package var kind: ScoreTable.Kind
  /// Whether claims rest on this metric: the one that was named, the mean over the test sets, the only test set, or the
  /// dev pairs alone.
  package var decides = false
  /// Pairs of the metric.
  package var pairs: Int
  /// Groups of them that share no sentence with each other.
  package var components: Int
  /// By strategy, in the order of the comparison.
  package var summaries: [Summary]
  /// In the order of `ComparisonResults.comparedPairs`.
  package var comparisons: [StrategyComparison]
  /// Finished runs that are left out, and why.
  package var leftOut: [String]

  /// Everything that can be said of the metric alone, uncorrected.
  package init(_ table: ScoreTable, _ results: ComparisonResults) {
    let seeds = results.seeds
    (metric, kind, measure, leftOut) = (table.metric, table.kind, table.measure, table.leftOut)
    (pairs, components) = (table.components.indices.count, table.components.count)
    summaries = table.rows.map { Summary($0, seeds: seeds) }
    for (index, before) in table.before.enumerated() { summaries[index].before = before }
    comparisons = results.comparedPairs.map {
      StrategyComparison($0.strategy, against: $0.against, table, seeds: seeds)
    }
  }

  /// A strategy against the first; nil for the first itself.
  package func comparison(of strategy: Int) -> StrategyComparison? {
    comparisons.first { $0.strategy == strategy && $0.against == 0 }
  }

  /// The score before training, where all strategies began with the same.
  package var before: Double? {
    guard let first = summaries.first?.before, summaries.allSatisfy({ $0.before == first }) else { return nil }
    return first
  }
}

extension MetricAnalysis.Summary {
  init(_ row: [RunScore?], seeds: [UInt64]) {
    let found = zip(seeds, row).compactMap { seed, score in score.map { (seed, $0.value) } }
    (self.seeds, scores) = (found.map(\.0), found.map(\.1))
    mean = found.isEmpty ? nil : scores.reduce(0, +) / Double(found.count)
    deviation = found.count > 1 ? variance(scores).squareRoot() : nil
  }
}
