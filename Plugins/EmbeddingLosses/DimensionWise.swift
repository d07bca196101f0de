// SimCSE++'s dimension-wise contrast: each dimension of one view finds itself among those of the other.

import Glibc
import PluginKit

/// `mean_k -C_kk / T + log sum_l exp(C_kl / T)`, `C = y1^T y2 / N` the correlations of the views' dimensions over the
/// batch, `y` standardised as for `barlow`.
///
/// The gradient at `C_kl` is `(softmax_l - [k = l]) / (T width)`. Meant to be added to `infonce` with weight 0.1.
///
/// Source: Xu et al., "SimCSE++: Improving Contrastive Learning for Sentence Embeddings from Two Perspectives", EMNLP
/// 2023, section 4; temperature and weight as in the released code. Its other half, negatives without dropout, is not
/// part of this.
final class DimensionWise: EmbeddingLoss {
  let name = "dimension"
  let summary = """
    each dimension of a view correlates with itself in the other view more than with others (SimCSE++, EMNLP 2023)
    mean_k -C_kk / T + log sum_l exp(C_kl / T)
    """

  let sharpness = Real(10, in: "(0,)", live: true, log: true, "T, which divides the correlations")

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (rows, width) = (batch.rows, batch.width)
    // Both views standardised, and the gradients with respect to that.
    let memory = (0..<4).map { _ in DimensionMajor(rows: rows, width: width) }
    defer { for one in memory { one.free() } }
    let scales = try (0...1).map { memory[$0].setStandardised(try batch.view($0)) }
    let (first, second, temperature) = (memory[0], memory[1], Double(call[sharpness]))
    let wantsGradient = batch.viewGradient(0) != nil
    let losses = DimensionMajor(rows: 1, width: width)
    let slopes = DimensionMajor(rows: width, width: width)
    defer {
      losses.free()
      slopes.free()
    }
    try call.parallelFor(width, grain: 8) { range in
      for k in range {
        let logits = slopes[k]
        for l in 0..<width { logits[l] = first.dot(k, second, l) / Double(rows) / temperature }
        let (own, peak) = (logits[k], logits.reduce(-Double.infinity, max))
        for l in 0..<width { logits[l] = exp(logits[l] - peak) }
        let total = logits.reduce(0, +)
        losses[k][0] = log(total) + peak - own
        let scale = 1 / (temperature * Double(width) * Double(rows))
        for l in 0..<width { logits[l] = scale * (logits[l] / total - (l == k ? 1 : 0)) }
        if wantsGradient { for l in 0..<width { memory[2].add(to: k, second, l, times: logits[l]) } }
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
    return (0..<width).reduce(0) { $0 + losses[$1][0] } / Double(width)
  }
}
