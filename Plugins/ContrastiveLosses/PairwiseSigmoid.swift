// Sigmoid loss: each pair is judged for itself, with a scale and a bias that are learned.

import Glibc
import PluginKit

/// `1/N sum_i sum_j log(1 + exp(-y_ij (exp(a) s_ij + b)))`, `y` 1 for the positive and -1 for all others.
///
/// `a` starts at log 10 and `b` at -10, so that the many negatives do not weigh down the first steps. Excluded cells
/// are left out; the temperature has no part in it.
///
/// Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (SigLIP), ICCV 2023, equation 2 and algorithm 1.
final class PairwiseSigmoid: Loss {
  let name = "sigmoid"
  let summary = """
    binary cross-entropy of each pair with learned scale and bias (SigLIP, ICCV 2023)
    1/N sum_ij log(1 + exp(-y_ij (exp(a) s_ij + b))), y = 1 for the positive, -1 for the others
    """

  let scale = Real(10, in: "(0,)", log: true, "what exp(a) starts from")
  let bias = Real(-10, "what b starts from")
  let learningRateMultiplier = Real(100, in: "(0,)", log: true, "learning rate of a and b over the model's")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let rate = call[learningRateMultiplier]
    try plan.weight(
      "log_scale", shape: [1], initial: .constant(logf(call[scale])), decays: false, rateMultiplier: rate)
    try plan.weight("bias", shape: [1], initial: .constant(call[bias]), decays: false, rateMultiplier: rate)
  }

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let scale = exp(Double(try call.weight(0)[0][0]))
    let bias = Double(try call.weight(1)[0][0])
    let (dScale, dBias) = (call.weightGradient(0)?[0], call.weightGradient(1)?[0])
    var (sumOfScale, sumOfBias) = (0.0, 0.0)
    let loss = logits.meanOverRows { row, weight, _ in
      let line = RowOfLogits(logits, row)
      let similarity = logits.similarities[row]
      var sum = 0.0
      for k in line.negatives + [line.target] {
        let sign = k == line.target ? 1.0 : -1.0
        let value = sign * (scale * Double(similarity[k]) + bias)
        // log(1 + exp(-v)) without overflow, and its derivative -1 / (1 + exp(v)).
        sum += max(-value, 0) + log1p(exp(-abs(value)))
        let slope = -sign / (1 + exp(value)) * weight
        if let gradient = logits.similarityGradient { gradient[row, k] += Float(slope * scale) }
        sumOfScale += slope * scale * Double(similarity[k])
        sumOfBias += slope
      }
      return sum
    }
    dScale?[0] += Float(sumOfScale)
    dBias?[0] += Float(sumOfBias)
    return loss
  }
}
