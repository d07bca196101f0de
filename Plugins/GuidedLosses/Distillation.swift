// Similarities as a frozen encoder has them: as a distribution, or by their margins.

import Glibc
import PluginKit

/// `mean_i KL(q_i || p_i)`, `p` the softmax of an anchor's list of similarities, `q` that of the guide's.
///
/// Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, on the similarities of a batch as in
/// Fang et al., "SEED: Self-supervised Distillation for Visual Representation", ICLR 2021, equation 5.
final class Distill: EmbeddingLoss {
  let name = "distill"
  let summary = """
    the guide's similarities as a distribution over the batch (SEED, ICLR 2021); needs --guide
    mean_i KL(softmax_j(guide similarities / guide_temperature) || softmax_j(similarities / temperature))
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "divides the similarities")
  let guideTemperature = Real(0.05, in: "(0,)", live: true, log: true, "divides the guide's similarities")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try GuideLists.declare(plan) }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let lists = try GuideLists(batch)
    let (temperature, sharp) = (Double(call[temperature]), Double(call[guideTemperature]))
    return try batch.meanOverLists(call) { row, list in
      let (p, q) = (Softmax(list, temperature: temperature), Softmax(lists.list(row), temperature: sharp))
      let loss = q.shares.indices.reduce(0) { $0 + q.shares[$1] * (q.logarithms[$1] - p.logarithms[$1]) }
      return (loss, zip(p.shares, q.shares).map { ($0 - $1) / temperature })
    }
  }
}

/// `mean_{i, j != i} ((s_ii - s_ij) - (g_ii - g_ij))^2`: how far behind the positive each other row is, as the guide
/// says.
///
/// A batch of one row has no margins, and the loss 0.
///
/// Source: Hofstaetter et al., "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
/// Distillation", 2020, equation 4, with the batch's other positives as negatives.
final class MarginMSE: EmbeddingLoss {
  let name = "margin-mse"
  let summary = """
    how far behind the positive each other row is, as the guide says (MarginMSE, 2020); needs --guide
    mean over i, j != i of ( (s_ii - s_ij) - (guide's s_ii - s_ij) )^2
    """

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try GuideLists.declare(plan) }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let lists = try GuideLists(batch)
    let weight = 1 / Double(max(1, batch.rows - 1))
    return try batch.meanOverLists(call) { row, list in
      let guide = lists.list(row)
      var (loss, gradient) = (0.0, [Double](repeating: 0, count: list.count))
      for column in list.indices where column != row {
        let difference = (list[row] - list[column]) - (guide[row] - guide[column])
        loss += weight * difference * difference
        gradient[row] += 2 * weight * difference
        gradient[column] -= 2 * weight * difference
      }
      return (loss, gradient)
    }
  }
}
