// SNCSE's loss on soft negatives: a negated sentence is less near than the positive, but not far away.

import PluginKit

/// `mean_i max(0, d_i + alpha) + max(0, -d_i - beta)`, `d_i = cos(z1_i, z3_i) - cos(z1_i, z2_i)`; z3 are the soft
/// negatives, the third column of the training data.
///
/// Meant to be added to `infonce` with weight 0.001, the soft negatives kept out of its softmax (sampler
/// `soft-negatives`).
///
/// Source: Wang and Dou, "SNCSE: Contrastive Learning for Unsupervised Sentence Embedding with Soft Negative Samples",
/// ICIC 2023, equation 6.
final class TwoSidedMargin: EmbeddingLoss {
  let name = "sncse"
  let summary = """
    soft negatives lie between alpha and beta behind the positive (SNCSE, ICIC 2023); needs a third column
    mean_i max(0, d + alpha) + max(0, -d - beta), d = cos(z1, z3) - cos(z1, z2)
    """

  let alpha = Real(0.1, in: "[0,2]", live: true, "the least distance behind the positive")
  let beta = Real(0.3, in: "[0,2]", live: true, "the largest distance behind the positive")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    if limits.views < 3 { throw PluginError.unsupported("sncse needs soft negatives: a third column of the data") }
  }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (anchor, positive, soft) = try (batch.unit(0), batch.unit(1), batch.unit(2))
    let (alpha, beta) = (Double(call[self.alpha]), Double(call[self.beta]))
    let weight = 1 / Double(batch.rows)
    var loss = 0.0
    for row in 0..<batch.rows {
      var distance = 0.0
      for k in 0..<batch.width {
        distance += Double(anchor[row, k]) * (Double(soft[row, k]) - Double(positive[row, k]))
      }
      loss += weight * (max(0, distance + alpha) + max(0, -distance - beta))
      let slope = Float(weight * ((distance + alpha > 0 ? 1 : 0) - (-distance - beta > 0 ? 1 : 0)))
      guard slope != 0 else { continue }
      for k in 0..<batch.width {
        batch.unitGradient(0)?[row, k] += slope * (soft[row, k] - positive[row, k])
        batch.unitGradient(1)?[row, k] -= slope * anchor[row, k]
        batch.unitGradient(2)?[row, k] += slope * anchor[row, k]
      }
    }
    return loss
  }
}
