// Spearman of every run on the same draws of sentence pairs, so that differences between runs can be taken draw by
// draw. Called by MetricAnalysis.

import Evaluation
package import Kernels

/// Spearman x 100 of several runs, each on the same resamples of the pairs.
package struct PairBootstrap: Sendable {
  /// `values[draw][run]`; NaN where a draw leaves Spearman undefined (all drawn pairs alike).
  package let values: [[Double]]

  /// `predicted`: one list for each run, all over the pairs of `gold`. The same seed and name give the same draws.
  package init(
    gold: [Double], predicted: [[Double]], seed: UInt64, name: String, resamples: Int, pool: ThreadPool
  ) {
    let stream = RandomStream(seed: seed, name: "comparison." + name)
    let goldSample = SortedSample(gold)
    let samples = predicted.map(SortedSample.init)
    var values = [[Double]](repeating: [], count: resamples)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      pool.parallelFor(resamples, grain: 16) { range, _ in
        for draw in range {
          let counts = BootstrapInterval.draw([gold.count], stream, step: UInt64(draw))
          let ranks = goldSample.ranks(counts)
          values[draw] = samples.map { BootstrapInterval.weightedPearson($0.ranks(counts), ranks, counts) * 100 }
        }
      }
    }
    self.values = values
  }
}
