// SimCSE++'s dimension-wise contrast: each dimension of one view finds itself among those of the other.

import Glibc
import PluginKit

/// `mean_k -C_kk / T + log sum_l exp(C_kl / T)`, `C = y1^T y2 / N` the correlations of the views' dimensions over the
/// batch, `y` standardised as for `barlow`.
///
/// The gradient at `C_kl` is `(softmax_l - [k = l]) / (T width)`. Meant to be added to `infonce` with weight 0.1.
///
/// Source: Xu et al., "SimCSE++: Improving Contrastive Learning for Sentence Embeddings from Two Perspectives", EMNLP
/// 2023, section 4; temperature and weight as in the released code. Its other half, negatives without dropout, is
/// the sampler `off-dropout`.
final class DimensionWise: EmbeddingLoss {
  let name = "dimension"
  let summary = """
    each dimension of a view correlates with itself in the other view more than with others (SimCSE++, EMNLP 2023)
    mean_k -C_kk / T + log sum_l exp(C_kl / T)
    """

  let sharpness = Real(10, in: "(0,)", live: true, log: true, "T, which divides the correlations")

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (temperature, width) = (Double(call[sharpness]), Double(batch.width))
    return try batch.sumOverCorrelations(call) { k, row in
      let logits = row.map { $0 / temperature }
      let peak = logits.reduce(-Double.infinity, max)
      for l in row.indices { row[l] = exp(logits[l] - peak) }
      let total = row.reduce(0, +)
      for l in row.indices { row[l] = (row[l] / total - (l == k ? 1 : 0)) / (temperature * width) }
      return (log(total) + peak - logits[k]) / width
    }
  }
}
