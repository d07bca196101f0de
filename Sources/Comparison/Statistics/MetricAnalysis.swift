// All strategies on one metric: means, differences to the first, their spread. Made by ComparisonAnalysis, whose
// ClaimCorrection adds what holds for all comparisons together.

import Evaluation

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

  /// `mean of 7 sets`, `STS12`, ..., or a pair file's name.
  package var metric: String
  /// What is scored.
  package var kind: ScoreTable.Kind
  /// Whether claims rest on this metric: the mean over the test sets, the only test set, or the dev pairs alone.
  package var decides = false
  /// Pairs of the metric.
  package var pairs: Int
  /// Groups of them that share no sentence with each other.
  package var components: Int
  /// By strategy, in the order of the comparison.
  package var summaries: [Summary]
  /// For each strategy but the first.
  package var comparisons: [StrategyComparison]
  /// Finished runs that are left out, and why.
  package var leftOut: [String]

  /// Everything that can be said of the metric alone, uncorrected.
  package init(_ table: ScoreTable, seeds: [UInt64]) {
    (metric, kind, leftOut) = (table.metric, table.kind, table.leftOut)
    (pairs, components) = (table.components.indices.count, table.components.count)
    summaries = table.rows.map { Summary($0, seeds: seeds) }
    comparisons = table.rows.indices.dropFirst().map { StrategyComparison($0, table, seeds: seeds) }
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
