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
    let lambda = Double(call[self.lambda])
    return try batch.sumOverCorrelations(call) { k, row in
      var loss = 0.0
      for l in row.indices {
        let (error, weight) = k == l ? (row[l] - 1, 1) : (row[l], lambda)
        loss += weight * error * error
        row[l] = 2 * weight * error
      }
      return loss
    }
  }
}
