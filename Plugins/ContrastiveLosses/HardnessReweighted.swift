// Contrastive learning with hard negatives: each negative counts by how near it is.

import Glibc
import PluginKit

/// As the debiased loss, with `S` replaced by `R = n sum_j exp((1 + beta) l_j) / sum_j exp(beta l_j)`.
///
/// `beta` 0 is the debiased loss. The weights are part of what is differentiated, as in the released code.
///
/// Source: Robinson et al., "Contrastive Learning with Hard Negative Samples", ICLR 2021, equation 4 and the released
/// code.
final class HardnessReweighted: Loss {
  let name = "hcl"
  let summary = """
    softmax cross-entropy whose negatives count by their nearness (HCL, ICLR 2021)
    as debiased, with S = n sum exp((1 + beta) l) / sum exp(beta l) over the n negatives
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")
  let tau = Real(0.1, in: "[0,1)", live: true, "share of the pairs that are positives in truth")
  let beta = Real(1, in: "[0,)", live: true, "how much nearer negatives count more")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let (tau, beta) = (Double(call[self.tau]), Double(call[self.beta]))
    let sums = try logits.sumsOverRows(call) { row, weight, gradient in
      let line = RowOfLogits(logits, row)
      // Powers are of the largest negative, so that none of the sums can vanish.
      let top = Double(line.negatives.reduce(-Float.infinity) { max($0, line.values[$1]) })
      func power(_ factor: Double, _ k: Int) -> Double { exp(factor * (Double(line.values[k]) - top)) }
      let (hard, plain) = line.negatives.reduce((0.0, 0.0)) {
        ($0.0 + power(1 + beta, $1), $0.1 + power(beta, $1))
      }
      let sum = line.negatives.isEmpty ? 0 : Double(line.negatives.count) * hard / plain * exp(top - line.peak)
      let corrected = CorrectedSum(line, sum: sum, tau: tau, logits.temperature)
      let loss = corrected.loss(weight, gradient) { k in
        sum * ((1 + beta) * power(1 + beta, k) / hard - beta * power(beta, k) / plain)
      }
      return [loss, weight * corrected.temperatureSlope, 0, 0]
    }
    if logits.gradient != nil { logits.addTemperatureGradient(sums[1]) }
    return sums[0]
  }
}
