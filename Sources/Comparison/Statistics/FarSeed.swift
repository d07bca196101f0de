// One seed far off the rest of its strategy: the run may have collapsed, and an interval by Student's t is then too
// narrow or too wide. Called by ComparisonAnalysis.

/// A seed whose score lies far off the other seeds'.
package struct FarSeed: Sendable, Equatable {
  /// Its place among the strategies.
  package var strategy: Int
  /// The seed.
  package var seed: UInt64
  /// Its score.
  package var score: Double
  /// Scores of the other seeds.
  package var others: ClosedRange<Double>

  /// Farther from all others than this, Spearman x 100, and than four times their range.
  package static let distance = 1.0

  /// The seeds of a metric that lie far off.
  static func all(in metric: MetricAnalysis) -> [FarSeed] {
    metric.summaries.enumerated().flatMap { strategy, summary -> [FarSeed] in
      guard summary.scores.count > 2 else { return [] }
      return summary.scores.indices.compactMap { index in
        var rest = summary.scores
        let score = rest.remove(at: index)
        guard let low = rest.min(), let high = rest.max() else { return nil }
        let gap = max(low - score, score - high)
        guard gap > distance, gap > 4 * (high - low) else { return nil }
        return FarSeed(strategy: strategy, seed: summary.seeds[index], score: score, others: low...high)
      }
    }
  }
}
