// VICReg: the views agree, every dimension varies, no two dimensions vary together.

import PluginKit

/// `lambda mean |z1 - z2|^2 + mu (v(z1) + v(z2)) / 2 + nu (c(z1) + c(z2))` with, over the batch and its covariance `C`
/// (n - 1), `v = mean_k max(0, 1 - sqrt(C_kk + 0.0001))` and `c = 1/d sum_{k != l} C_kl^2`.
///
/// The mean of squares is over rows and dimensions; halves as in the released code. A single row has no covariance.
///
/// Source: Bardes et al., "VICReg: Variance-Invariance-Covariance Regularization", ICLR 2022, equations 1 to 6.
final class VICReg: EmbeddingLoss {
  let name = "vicreg"
  let summary = """
    views agree, dimensions vary, and vary apart (VICReg, ICLR 2022)
    lambda mean |z1 - z2|^2 + mu mean max(0, 1 - sd) + nu sum of squared covariances / d
    """

  let lambda = Real(25, in: "[0,)", live: true, "weight of the agreement of the views")
  let mu = Real(25, in: "[0,)", live: true, "weight of the variance of each dimension")
  let nu = Real(1, in: "[0,)", live: true, "weight of the covariances")

  private static let epsilon = 1e-4

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (first, second) = try (batch.view(0), batch.view(1))
    let count = Double(batch.rows * batch.width)
    let weight = Double(call[lambda])
    var loss = 0.0
    for row in 0..<batch.rows {
      for k in 0..<batch.width {
        let difference = Double(first[row, k]) - Double(second[row, k])
        loss += weight * difference * difference / count
        batch.viewGradient(0)?[row, k] += Float(2 * weight * difference / count)
        batch.viewGradient(1)?[row, k] -= Float(2 * weight * difference / count)
      }
    }
    for view in 0...1 {
      loss += try spread(call, batch.view(view), batch.viewGradient(view))
    }
    return loss
  }

  /// Variance and covariance of one view; adds their gradient.
  private func spread(_ call: Call, _ z: Matrix, _ gradient: Matrix?) throws -> Double {
    let (rows, width) = (z.rows, z.columns)
    guard rows > 1 else { return 0 }
    let (mu, nu) = (Double(call[mu]) / 2, Double(call[nu]))
    let (centred, slopes) = (DimensionMajor(rows: rows, width: width), DimensionMajor(rows: rows, width: width))
    let losses = DimensionMajor(rows: 1, width: width)
    defer { for one in [centred, slopes, losses] { one.free() } }
    centred.setCentred(z)
    // d loss / d covariance; the covariance is symmetric, so each pair counts twice.
    try call.parallelFor(width, grain: 8) { range in
      for k in range {
        for l in 0..<width {
          let covariance = centred.dot(k, centred, l) / Double(rows - 1)
          if k != l {
            losses[k][0] += nu * covariance * covariance / Double(width)
            slopes.add(to: k, centred, l, times: 4 * nu * covariance / Double(width * (rows - 1)))
            continue
          }
          let deviation = (covariance + Self.epsilon).squareRoot()
          guard deviation < 1 else { continue }
          losses[k][0] += mu * (1 - deviation) / Double(width)
          slopes.add(to: k, centred, k, times: -mu / (deviation * Double(width * (rows - 1))))
        }
      }
    }
    if let gradient {
      // The numbers of a dimension sum to 0, so the mean takes nothing back.
      // It grows with the third power of the numbers: beyond float32 it is as large as that can say.
      let largest = Double(Float.greatestFiniteMagnitude)
      for k in 0..<width {
        for row in 0..<rows { gradient[row, k] += Float(max(-largest, min(largest, slopes[k][row]))) }
      }
    }
    return (0..<width).reduce(0) { $0 + losses[$1][0] }
  }
}
