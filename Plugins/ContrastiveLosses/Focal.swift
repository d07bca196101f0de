// Focal loss: rows that are right already count less.

import Glibc
import PluginKit

/// `mean_i -(1 - p_t)^gamma log p_t`, `p` the softmax over the row.
///
/// With `q = 1 - p_t` and `r_j` a negative's share among the negatives, the gradient is
/// `g_t = gamma q^gamma p_t log p_t - q^(gamma + 1)` on the positive and `-r_j g_t` on the others.
///
/// Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 4.
final class Focal: Loss {
  let name = "focal"
  let summary = """
    softmax cross-entropy in which easy rows count less (focal loss, ICCV 2017)
    mean_i -(1 - p)^gamma log p, p the softmax share of the positive
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")
  let gamma = Real(2, in: "[0,)", live: true, "how much less easy rows count; 0 is infonce")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let gamma = Double(call[self.gamma])
    return try logits.meanOverRows(call) { row, weight, gradient in
      let line = RowOfLogits(logits, row)
      let rest = line.negatives.reduce(0) { $0 + line.power($1) }
      guard rest > 0 else { return 0 }
      let total = rest + line.power(line.target)
      let (share, other) = (line.power(line.target) / total, rest / total)
      let crossEntropy = line.positive == line.peak ? log1p(rest) : log(total) + line.peak - line.positive
      let factor = pow(other, gamma)
      if let gradient {
        let slope = -gamma * factor * share * crossEntropy - factor * other
        gradient[line.target] += Float(weight * slope)
        for k in line.negatives { gradient[k] -= Float(weight * slope * line.power(k) / rest) }
      }
      return factor * crossEntropy
    }
  }
}
