// InfoNCE in which each row counts as much as its score says.

import Glibc
import PluginKit

/// `sum_i w_i (logsumexp_j l_ij - l_it) / sum_i w_i`, `w_i >= 0` the row's score in the data.
///
/// A batch of zeros has the loss 0. With equal scores it is `infonce`.
final class WeightedInfoNCE: Loss {
  let name = "weighted"
  let summary = """
    softmax cross-entropy, each row counted by its score; needs scores of 0 and more
    sum_i w_i ( logsumexp_j logits[i,j] - logits[i, positive of i] ) / sum_i w_i
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.needScores() }

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let scores = try logits.batch().scores()
    if let row = scores.firstIndex(where: { $0 < 0 }) {
      throw PluginError.invalid("weighted needs scores of 0 and more; row \(row) of the batch has \(scores[row])")
    }
    let total = scores.reduce(0.0) { $0 + Double($1) }
    guard total > 0 else { return 0 }
    var sum = 0.0
    for row in 0..<logits.rows {
      let (values, target, weight) = (logits.values[row], logits.target(row), Double(scores[row]) / total)
      var peak = values[target]
      for k in 0..<values.count { peak = max(peak, values[k]) }
      // The positive's own power is left out of `rest`: no small difference of numbers close to 1.
      let powers = (0..<values.count).map { exp(Double(values[$0]) - Double(peak)) }
      let rest = powers.indices.reduce(0) { $1 == target ? $0 : $0 + powers[$1] }
      let loss =
        values[target] == peak ? log1p(rest) : log(rest + powers[target]) + Double(peak) - Double(values[target])
      logits.report(row: row, loss: weight * Double(logits.rows) * loss)
      sum += weight * loss
      guard let gradient = logits.gradient?[row] else { continue }
      let factor = weight / (rest + powers[target])
      for k in powers.indices where k != target { gradient[k] += Float(factor * powers[k]) }
      gradient[target] -= Float(factor * rest)
    }
    return sum
  }
}
