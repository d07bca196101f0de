// The loss of SimCSE: softmax cross-entropy of each anchor against everything it is compared with.

import Glibc
import PluginKit

/// `mean_i (logsumexp_j logits[i, :] - logits[i, target_i])`, the gradient being `(softmax - onehot) / rows`.
///
/// The temperature divides the similarities in the host, which can also learn it.
///
/// Source: van den Oord et al., 2018, equation 4; Gao et al., "SimCSE", EMNLP 2021, equation 1.
final class InfoNCE: Loss {
  let name = "infonce"
  let summary = """
    softmax cross-entropy over the candidates of each row (SimCSE, EMNLP 2021)
    mean_i ( logsumexp_j logits[i,j] - logits[i, positive of i] )
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let (values, gradient) = (logits.values, logits.gradient)
    var sum = 0.0
    for row in 0..<logits.rows {
      let loss = scoreRow(values[row], target: logits.target(row), gradient?[row], weight: 1 / Double(logits.rows))
      logits.report(row: row, loss: loss)
      sum += loss
    }
    return sum / Double(logits.rows)
  }

  private func scoreRow(_ row: Vector, target: Int, _ gradient: Vector?, weight: Double) -> Double {
    var peak = row[target]
    for k in 0..<row.count { peak = max(peak, row[k]) }
    var total = 0.0
    for k in 0..<row.count { total += Double(expf(row[k] - peak)) }
    if let gradient {
      let factor = Float(weight / total)
      for k in 0..<row.count { gradient[k] += expf(row[k] - peak) * factor }
      gradient[target] -= Float(weight)
    }
    return log(total) + Double(peak) - Double(row[target])
  }
}
