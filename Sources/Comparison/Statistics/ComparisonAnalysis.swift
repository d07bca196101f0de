// What a comparison shows and what it does not. Called by the compare command once the runs are done; read by the
// reports.

package import Kernels

/// The statistics of a comparison, metric by metric.
package struct ComparisonAnalysis: Sendable {
  /// In the order of the report.
  package var metrics: [MetricAnalysis]
  /// Of all draws.
  package var seed: UInt64
  /// Draws of pairs.
  package var resamples: Int

  /// Metrics stand in the order of their first appearance. The same results, seed and resamples give the same numbers,
  /// whatever the number of threads.
  package init(_ results: ComparisonResults, seed: UInt64, resamples: Int = 2000, pool: ThreadPool) {
    self.seed = seed
    self.resamples = resamples
    var names: [String] = []
    for score in results.runs.lazy.filter({ $0.outcome == .finished }).flatMap(\.scores)
    where !names.contains(score.metric) { names.append(score.metric) }
    metrics = names.map { MetricAnalysis($0, results, seed: seed, resamples: resamples, pool: pool) }
  }
}
