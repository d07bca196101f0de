// Losses on the order of scored pairs: of two pairs the one with the higher score is to be the more similar. They
// differ in what similarity is.

import Glibc
import PluginKit

/// `log(1 + sum_{i, j: y_i > y_j} exp(scale (s_j - s_i)))`, `y` the scores, `s` the similarities of the rows' pairs.
///
/// With `p_ij` a term's share of the sum, 1 included, the gradient is `scale p_ij` on `s_j` and its opposite on `s_i`.
/// - Returns: the loss, and its gradient at the similarities.
private func ranking(
  _ similarities: [Double], _ scores: UnsafeBufferPointer<Float>, scale: Double
) -> (loss: Double, gradient: [Double]) {
  let pairs = similarities.indices.flatMap { i in
    similarities.indices.filter { scores[i] > scores[$0] }.map { (i, $0) }
  }
  let exponents = pairs.map { scale * (similarities[$0.1] - similarities[$0.0]) }
  let peak = exponents.reduce(0, max)
  let powers = exponents.map { exp($0 - peak) }
  let total = powers.reduce(exp(-peak), +)
  var gradient = [Double](repeating: 0, count: similarities.count)
  for (pair, power) in zip(pairs, powers) {
    let slope = scale * power / total
    gradient[pair.1] += slope
    gradient[pair.0] -= slope
  }
  return (peak == 0 ? log1p(powers.reduce(0, +)) : log(total) + peak, gradient)
}

/// The order of cosines.
///
/// Source: Su, "CoSENT", 2022 (kexue.fm/archives/8847), with its scale of 20.
final class CoSENT: EmbeddingLoss {
  let name = "cosent"
  let summary = """
    of two pairs the one with the higher score has the higher cosine (CoSENT); needs scores
    log(1 + sum over pairs with y_i > y_j of exp(scale (cos_j - cos_i)))
    """

  let scale = Real(20, in: "(0,)", live: true, log: true, "factor on the cosines")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.needScores() }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (first, second, scores) = try (batch.unit(0), batch.unit(1), batch.scores())
    let cosines = (0..<batch.rows).map { row in
      (0..<batch.width).reduce(0.0) { $0 + Double(first[row, $1]) * Double(second[row, $1]) }
    }
    let (loss, slopes) = ranking(cosines, scores, scale: Double(call[scale]))
    for (row, slope) in slopes.enumerated() where slope != 0 {
      batch.unitGradient(0)?[row].add(second[row], times: Float(slope))
      batch.unitGradient(1)?[row].add(first[row], times: Float(slope))
    }
    return loss
  }
}

/// The order of angles in the complex plane: the halves of a vector are real and imaginary parts.
///
/// With `x = a + bi`, `y = c + di` of length one the similarity is `|sum_k Re(x / y) + Im(x / y)|`, after the released
/// code `|sum_k (a c + b d) + (b c - a d)|`: the cosine, and that with `J y`, `J(c, d) = (-d, c)`. Of an odd width the
/// last imaginary part is 0.
///
/// Source: Li and Li, "AnglE-optimized Text Embeddings", ACL 2024, equations 5 to 7; scale as in the released code.
final class Angle: EmbeddingLoss {
  let name = "angle"
  let summary = """
    of two pairs the one with the higher score has the smaller angle in complex space (AnglE, ACL 2024); needs scores
    log(1 + sum over pairs with y_i > y_j of exp(scale (a_j - a_i))), a = |u1 . u2 + u1 . J u2|, J(c, d) = (-d, c)
    """

  let scale = Real(20, in: "(0,)", live: true, log: true, "factor on the similarities")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.needScores() }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (first, second, scores) = try (batch.unit(0), batch.unit(1), batch.scores())
    let half = (batch.width + 1) / 2
    /// Number k of `(1 + J) y`, and of `(1 - J) x`, which is the other side's gradient.
    func turned(_ y: Vector, _ k: Int, _ sign: Float) -> Float {
      let partner = k < half ? k + half : k - half
      let other = partner < y.count ? y[partner] : 0
      return y[k] + (k < half ? -sign : sign) * other
    }
    let sums = (0..<batch.rows).map { row in
      (0..<batch.width).reduce(0.0) { $0 + Double(first[row, $1]) * Double(turned(second[row], $1, 1)) }
    }
    let (loss, slopes) = ranking(sums.map(abs), scores, scale: Double(call[scale]))
    for row in 0..<batch.rows where slopes[row] != 0 {
      let slope = Float(sums[row] < 0 ? -slopes[row] : slopes[row])
      for k in 0..<batch.width {
        batch.unitGradient(0)?[row, k] += slope * turned(second[row], k, 1)
        batch.unitGradient(1)?[row, k] += slope * turned(first[row], k, -1)
      }
    }
    return loss
  }
}
