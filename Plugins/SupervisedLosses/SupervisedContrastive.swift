// Supervised contrastive loss: all rows of a class are each other's positives.

import Glibc
import PluginKit

/// `mean_i -1/|P_i| sum_{p in P_i} log softmax_p(l_i)`, `P_i` the candidates whose row has the class of row i, its own
/// positive among them.
///
/// The gradient is `softmax_j - [j in P_i] / |P_i|`. Candidates that samplers made belong to no class and are
/// negatives, as hard negatives are. With the sampler `two-sided` the rows are all 2N vectors, as in the paper.
///
/// Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2 (`L_out`).
final class SupervisedContrastive: Loss {
  let name = "supcon"
  let summary = """
    softmax cross-entropy with all rows of a class as positives (SupCon, NeurIPS 2020); needs labels
    mean_i -1/|P| sum_{p in P} log softmax_p, P the candidates of row i's class
    """

  let temperature = Real(0.1, in: "(0,)", live: true, log: true, "softmax temperature")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.needClasses() }

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let (classes, rowOf) = (try logits.batch().classes(), logits.rowsOfColumns)
    return try logits.meanOverRows(call) { row, weight, gradient in
      let values = logits.values[row]
      let compared = (0..<values.count).filter { values[$0] > -.infinity }
      let positives = compared.filter { column in
        column == logits.target(row) || rowOf[column].map { classes[$0] == classes[row] } ?? false
      }
      let peak = Double(values.largest)
      let powers = compared.map { exp(Double(values[$0]) - peak) }
      let total = powers.reduce(0, +)
      let share = 1 / Double(positives.count)
      if let gradient {
        for (column, power) in zip(compared, powers) { gradient[column] += Float(weight * power / total) }
        for column in positives { gradient[column] -= Float(weight * share) }
      }
      return log(total) + peak - positives.reduce(0) { $0 + share * Double(values[$1]) }
    }
  }
}
