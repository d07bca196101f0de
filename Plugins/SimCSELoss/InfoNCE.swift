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

  /// The loss of a row; adds `weight` times its gradient.
  ///
  /// `p_t - 1`, the positive's gradient, is formed as `-(sum of the others' exp) / total`, and the loss as `log1p` of
  /// that sum where the positive is the largest: neither is a small difference of numbers close to 1, so both keep
  /// their digits however small the loss gets.
  private func scoreRow(_ row: Vector, target: Int, _ gradient: Vector?, weight: Double) -> Double {
    let (before, after) = (0..<target, target + 1..<row.count)
    var peak = row[target]
    for k in 0..<row.count { peak = max(peak, row[k]) }
    func power(_ k: Int) -> Double { exp(Double(row[k]) - Double(peak)) }
    var rest = 0.0
    for k in before { rest += power(k) }
    for k in after { rest += power(k) }
    let total = rest + power(target)
    if let gradient {
      let factor = weight / total
      for k in before { gradient[k] += Float(factor * power(k)) }
      for k in after { gradient[k] += Float(factor * power(k)) }
      gradient[target] -= Float(factor * rest)
    }
    return row[target] == peak ? log1p(rest) : log(total) + Double(peak) - Double(row[target])
  }
}
