// InfoNCE in which each row counts as much as its score says.

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
    let rows = Double(logits.rows)
    return try logits.meanOverRows(call) { row, weight, gradient in
      let share = Double(scores[row]) / total * rows
      return share * logits.crossEntropy(row: row, gradient, weight: share * weight)
    }
  }
}
