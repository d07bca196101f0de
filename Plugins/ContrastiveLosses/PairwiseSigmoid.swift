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
    let sums = try logits.sumsOverRows(call) { row, weight, _ in
      let (values, target) = (logits.values[row], logits.target(row))
      let similarity = logits.similarities[row]
      let gradient = logits.similarityGradient?[row]
      // The loss, and the gradients of scale and bias.
      var sums = SIMD4<Double>.zero
      for k in 0..<values.count where values[k] > -.infinity {
        let sign = k == target ? 1.0 : -1.0
        let value = sign * (scale * Double(similarity[k]) + bias)
        // log(1 + exp(-v)) without overflow, and its derivative -1 / (1 + exp(v)).
        let slope = -sign / (1 + exp(value)) * weight
        gradient?[k] += Float(slope * scale)
        sums += [max(-value, 0) + log1p(exp(-abs(value))), slope * scale * Double(similarity[k]), slope, 0]
      }
      return sums
    }
    call.weightGradient(0)?[0][0] += Float(sums[1])
    call.weightGradient(1)?[0][0] += Float(sums[2])
    return sums[0]
  }
}
