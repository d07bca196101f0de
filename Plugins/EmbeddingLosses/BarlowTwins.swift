// Barlow Twins: the dimensions of the two views correlate with themselves and with nothing else.

import PluginKit

/// `sum_k (1 - C_kk)^2 + lambda sum_{k != l} C_kl^2`, `C = y1^T y2 / N` with
/// `y = (z - mean) / sqrt(variance + 0.00001)`, mean and variance (n) of each dimension over the batch.
///
/// Source: Zbontar et al., "Barlow Twins: Self-Supervised Learning via Redundancy Reduction", ICML 2021, equations 1
/// and 2.
final class BarlowTwins: EmbeddingLoss {
  let name = "barlow"
  let summary = """
    the cross-correlation of the views' dimensions is the identity (Barlow Twins, ICML 2021)
    sum_k (1 - C_kk)^2 + lambda sum_{k != l} C_kl^2
    """

  let lambda = Real(0.005, in: "[0,)", live: true, log: true, "weight of the redundancy term")

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (rows, width) = (batch.rows, batch.width)
    // Both views standardised, and the gradients with respect to that.
    let memory = (0..<4).map { _ in DimensionMajor(rows: rows, width: width) }
    defer { for one in memory { one.free() } }
    let scales = try (0...1).map { memory[$0].setStandardised(try batch.view($0)) }
    let (first, second, lambda) = (memory[0], memory[1], Double(call[self.lambda]))
    let wantsGradient = batch.viewGradient(0) != nil
    let losses = DimensionMajor(rows: 1, width: width)
    let slopes = DimensionMajor(rows: width, width: width)
    defer {
      losses.free()
      slopes.free()
    }
    try call.parallelFor(width, grain: 8) { range in
      for k in range {
        for l in 0..<width {
          let correlation = first.dot(k, second, l) / Double(rows)
          let (error, weight) = k == l ? (correlation - 1, 1) : (correlation, lambda)
          losses[k][0] += weight * error * error
          slopes[k][l] = 2 * weight * error / Double(rows)
          if wantsGradient { memory[2].add(to: k, second, l, times: slopes[k][l]) }
        }
      }
    }
    if wantsGradient {
      try call.parallelFor(width, grain: 8) { range in
        for l in range { for k in 0..<width { memory[3].add(to: l, first, k, times: slopes[k][l]) } }
      }
      for view in 0...1 {
        guard let gradient = batch.viewGradient(view) else { continue }
        memory[view].addGradient(memory[2 + view], scales: scales[view], to: gradient)
      }
    }
    return (0..<width).reduce(0) { $0 + losses[$1][0] }
  }
}
