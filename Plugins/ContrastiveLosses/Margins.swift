// Margins: the positive has to be nearer than the others by an angle, or by a difference of cosines.

import Glibc
import PluginKit

/// Softmax cross-entropy after the positive's logit was lowered.
/// - Parameters:
///   - lowered: by how much.
///   - line: the row.
/// - Returns: the loss, and `p_t - 1`; adds `weight` times the gradient with respect to the logits. Where `lowered` is
///   a number divided by T, T's gradient is `(p_t - 1) lowered / T` beyond what the logits say.
private func marginLoss(
  _ line: RowOfLogits, lowered: Double, _ weight: Double, _ gradient: Vector?
) -> (loss: Double, slope: Double) {
  let positive = line.positive - lowered
  let peak = line.negatives.reduce(positive) { max($0, Double(line.values[$1])) }
  func power(_ logit: Double) -> Double { exp(logit - peak) }
  let rest = line.negatives.reduce(0) { $0 + power(Double(line.values[$1])) }
  let total = rest + power(positive)
  if let gradient {
    for k in line.negatives { gradient[k] += Float(weight * power(Double(line.values[k])) / total) }
    gradient[line.target] -= Float(weight * rest / total)
  }
  return (positive == peak ? log1p(rest) : log(total) + peak - positive, -rest / total)
}

/// `mean_i -log exp(cos(theta_i + m) / T) / (exp(cos(theta_i + m) / T) + sum_{j != t} exp l_ij)`, `theta_i` the angle
/// between the row and its positive.
///
/// `cos(theta + m) = s cos m - sin(theta) sin m` with `sin(theta)` held above 0.001, where its slope has no bound.
///
/// Source: Zhang et al., "A Contrastive Framework for Learning Sentence Representations from Pairwise and Triple-wise
/// Perspective in Angular Space" (ArcCSE), ACL 2022, equation 4.
final class AngularMargin: Loss {
  let name = "arccse"
  let summary = """
    softmax cross-entropy with an angular margin on the positive (ArcCSE, ACL 2022)
    the positive's cosine cos(theta) becomes cos(theta + m)
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")
  let margin = Real(10, in: "[0,90]", live: true, "the margin m in degrees")

  private static let leastSine = 1e-3

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let angle = Double(call[margin]) * .pi / 180
    let temperature = logits.temperature
    let sums = try logits.sumsOverRows(call) { row, weight, gradient in
      let line = RowOfLogits(logits, row)
      let cosine = Double(logits.similarities[row, line.target])
      let square = 1 - cosine * cosine
      let isSmall = square < Self.leastSine * Self.leastSine
      let sine = isSmall ? Self.leastSine : square.squareRoot()
      let moved = cosine * cos(angle) - sine * sin(angle)
      let lowered = (cosine - moved) / temperature
      let (loss, slope) = marginLoss(line, lowered: lowered, weight, gradient)
      if let gradient = logits.similarityGradient {
        // Beside what the logit carries: d(moved - cosine) / d cosine.
        let beside = cos(angle) + (isSmall ? 0 : cosine / sine * sin(angle)) - 1
        gradient[row, line.target] += Float(weight * slope * beside / temperature)
      }
      return [loss, weight * slope * lowered / temperature, 0, 0]
    }
    if logits.gradient != nil { logits.addTemperatureGradient(sums[1]) }
    return sums[0]
  }
}

/// `mean_i -log exp((s_it - m) / T) / (exp((s_it - m) / T) + sum_{j != t} exp l_ij)`.
///
/// Source: Wang et al., "Additive Margin Softmax", 2018, equation 5; for sentences Yang et al., "Improving Multilingual
/// Sentence Embedding using Bi-directional Dual Encoder with Additive Margin Softmax", IJCAI 2019, equation 6.
final class AdditiveMargin: Loss {
  let name = "am"
  let summary = """
    softmax cross-entropy with an additive margin on the positive (AM-softmax, IJCAI 2019 for sentences)
    the positive's cosine s becomes s - m
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")
  let margin = Real(0.1, in: "[0,2]", live: true, "the margin m")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let lowered = Double(call[margin]) / logits.temperature
    let sums = try logits.sumsOverRows(call) { row, weight, gradient in
      let (loss, slope) = marginLoss(RowOfLogits(logits, row), lowered: lowered, weight, gradient)
      return [loss, weight * slope * lowered / logits.temperature, 0, 0]
    }
    if logits.gradient != nil { logits.addTemperatureGradient(sums[1]) }
    return sums[0]
  }
}
