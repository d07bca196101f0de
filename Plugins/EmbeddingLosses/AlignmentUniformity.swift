// Alignment and uniformity as the loss itself, without any softmax.

import Glibc
import PluginKit

/// `mean_i |u1_i - u2_i|^2 + gamma (U(u1) + U(u2)) / 2`, `U(u) = log mean_{i < j} exp(-t |u_i - u_j|^2)`.
///
/// Vectors have length one. A single row has no pairs, and so no uniformity.
///
/// Source: Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
/// Hypersphere", ICML 2020; the sum of both as in Wang et al., "DirectAU", KDD 2022, equation 8.
final class AlignmentUniformity: EmbeddingLoss {
  let name = "uniformity"
  let summary = """
    alignment of the views plus uniformity of each (Wang and Isola, ICML 2020)
    mean |u1 - u2|^2 + gamma mean of log mean_{i < j} exp(-t |u_i - u_j|^2) over both views
    """

  let gamma = Real(1, in: "[0,)", live: true, "weight of uniformity")
  let t = Real(2, in: "(0,)", live: true, "sharpness of uniformity")

  let alignment = Metric()
  let uniformity = Metric()

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (first, second) = try (batch.unit(0), batch.unit(1))
    let count = Double(batch.rows)
    var aligned = 0.0
    for row in 0..<batch.rows {
      for k in 0..<batch.width {
        let difference = Double(first[row, k]) - Double(second[row, k])
        aligned += difference * difference / count
        batch.unitGradient(0)?[row, k] += Float(2 * difference / count)
        batch.unitGradient(1)?[row, k] -= Float(2 * difference / count)
      }
    }
    let weight = Double(call[gamma]) / 2
    let uniform = try (0...1).reduce(0.0) { sum, view in
      sum + uniformity(try batch.unit(view), Double(call[t]), batch.unitGradient(view), weight)
    }
    call.report(alignment, aligned)
    call.report(uniformity, uniform / 2)
    return aligned + weight * uniform
  }

  /// `log mean_{i < j} exp(-t |u_i - u_j|^2)`; adds `weight` times its gradient.
  private func uniformity(_ u: Matrix, _ t: Double, _ gradient: Matrix?, _ weight: Double) -> Double {
    guard u.rows > 1 else { return 0 }
    var powers = [Double](repeating: 0, count: u.rows * u.rows)
    var sum = 0.0
    for i in 0..<u.rows {
      for j in 0..<i {
        var square = 0.0
        for k in 0..<u.columns {
          let difference = Double(u[i, k]) - Double(u[j, k])
          square += difference * difference
        }
        powers[i * u.rows + j] = exp(-t * square)
        sum += powers[i * u.rows + j]
      }
    }
    if let gradient {
      for i in 0..<u.rows {
        for j in 0..<i {
          let share = Float(weight * -2 * t * powers[i * u.rows + j] / sum)
          for k in 0..<u.columns {
            let difference = u[i, k] - u[j, k]
            gradient[i, k] += share * difference
            gradient[j, k] -= share * difference
          }
        }
      }
    }
    return log(sum / (Double(u.rows * (u.rows - 1)) / 2))
  }
}
