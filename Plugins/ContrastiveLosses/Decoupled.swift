// Decoupled contrastive learning: the positive is taken out of the denominator.

import Glibc
import PluginKit

/// `mean_i (-l_it + log sum_{j != t} exp l_ij)`; a row without negatives counts 0.
///
/// The softmax's gradient carries the factor `1 - p_t`, which is small wherever the positive is easy; without the
/// positive in the denominator it is gone.
///
/// Source: Yeh et al., "Decoupled Contrastive Learning", ECCV 2022, equation 6.
final class Decoupled: Loss {
  let name = "dcl"
  let summary = """
    softmax cross-entropy without the positive in the denominator (DCL, ECCV 2022)
    mean_i ( log sum_{j != positive} exp logits[i,j] - logits[i, positive] )
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    try logits.meanOverRows(call) { row, weight, gradient in
      let line = RowOfLogits(logits, row)
      guard !line.negatives.isEmpty else { return 0 }
      let sum = line.negatives.reduce(0) { $0 + line.power($1) }
      if let gradient {
        for k in line.negatives { gradient[k] += Float(weight * line.power(k) / sum) }
        gradient[line.target] -= Float(weight)
      }
      return log(sum) + line.peak - line.positive
    }
  }
}
