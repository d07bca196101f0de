// Debiased contrastive loss: negatives that are positives in truth are subtracted.

import Glibc
import PluginKit

/// With `n` negatives, `S` the sum of their `exp l`, and `p = exp l_t`:
/// `mean_i -log p / (p + G)`, `G = max((S - n tau p) / (1 - tau), n exp(-1 / T))`.
///
/// A share `tau` of all pairs is taken for positives; what they add to the sum is estimated by the positive and taken
/// out. The bound is the smallest sum that cosines can have.
///
/// Source: Chuang et al., "Debiased Contrastive Learning", NeurIPS 2020, equation 8, with one positive.
final class Debiased: Loss {
  let name = "debiased"
  let summary = """
    softmax cross-entropy corrected for false negatives (Debiased contrastive learning, NeurIPS 2020)
    mean_i -log p / (p + G), G = max((S - n tau p) / (1 - tau), n exp(-1/T)), S the sum over the n negatives
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")
  let tau = Real(0.1, in: "[0,1)", live: true, "share of the pairs that are positives in truth")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let tau = Double(call[self.tau])
    let sums = try logits.sumsOverRows(call) { row, weight, gradient in
      let line = RowOfLogits(logits, row)
      let sum = line.negatives.reduce(0) { $0 + line.power($1) }
      let corrected = CorrectedSum(line, sum: sum, tau: tau, logits.temperature)
      let loss = corrected.loss(weight, gradient) { line.power($0) }
      return [loss, weight * corrected.temperatureSlope, 0, 0]
    }
    if logits.gradient != nil { logits.addTemperatureGradient(sums[1]) }
    return sums[0]
  }
}

/// The sum over the negatives, corrected for those that are positives in truth. All sums are times `exp(-peak)`.
struct CorrectedSum {
  private let line: RowOfLogits
  private let corrected: Double
  private let least: Double
  private let share: Double
  private let isBound: Bool

  /// - Parameters:
  ///   - sum: over the negatives, weighted or not.
  ///   - tau: the share of positives in truth.
  ///   - temperature: of the logits.
  init(_ line: RowOfLogits, sum: Double, tau: Double, _ temperature: Double) {
    self.line = line
    let count = Double(line.negatives.count)
    share = count * tau / (1 - tau)
    let value = sum / (1 - tau) - share * line.power(line.target)
    least = count * exp(-1 / temperature - line.peak)
    isBound = value < least
    corrected = isBound ? least : value
    scale = 1 / (1 - tau)
    self.temperature = temperature
  }

  private let scale: Double
  private let temperature: Double

  /// The derivative of `-log p / (p + G)` with respect to T beyond what the logits say: of the bound.
  var temperatureSlope: Double {
    isBound ? least / (line.power(line.target) + corrected) / (temperature * temperature) : 0
  }

  /// `-log p / (p + G)`; adds `weight` times its gradient.
  /// - Parameter slope: the derivative of the weighted sum with respect to a negative's logit.
  func loss(_ weight: Double, _ gradient: Vector?, slope: (Int) -> Double) -> Double {
    let positive = line.power(line.target)
    let total = positive + corrected
    if let gradient {
      // -1 + p (1 - share) / total, or -1 + p / total where the bound holds, without a difference of near numbers.
      let inner = isBound ? corrected : corrected + share * positive
      gradient[line.target] -= Float(weight * inner / total)
      if !isBound {
        for k in line.negatives { gradient[k] += Float(weight * scale * slope(k) / total) }
      }
    }
    return log(total) + line.peak - line.positive
  }
}
