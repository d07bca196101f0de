// The few distributions the verdicts rest on: normal and Student's t. Called by DifferenceSpread,
// SeedsToShow and Budget; held against SciPy by Tests/Fixtures/comparison/make_statistics.py.

import Glibc

/// Tails and quantiles in double precision.
package enum Distributions {
  /// P(Z <= z) for a standard normal Z.
  package static func normalCDF(_ z: Double) -> Double { 0.5 * erfc(-z / 2.0.squareRoot()) }

  /// The z with P(Z > z) = `tail`, for a tail in (0, 0.5].
  ///
  /// Source: Abramowitz and Stegun, 26.2.23, as the start of Halley steps.
  package static func normalUpperQuantile(_ tail: Double) -> Double {
    guard tail < 0.5 else { return 0 }
    guard tail > 0 else { return .infinity }
    let s = (-2 * log(tail)).squareRoot()
    var z = s - (2.515517 + s * (0.802853 + s * 0.010328)) / (1 + s * (1.432788 + s * (0.189269 + s * 0.001308)))
    for _ in 0..<3 {
      let error = (normalCDF(-z) - tail) / (exp(-z * z / 2) / (2 * Double.pi).squareRoot())
      z += error / (1 - z * error / 2)
    }
    return z
  }

  /// P(T > t) for Student's t with `freedom` degrees of freedom, t >= 0.
  package static func tTail(_ t: Double, freedom: Double) -> Double {
    let square = t * t
    // For a small t the other argument would be too close to 1 to keep its digits.
    return square < 1
      ? 0.5 - 0.5 * incompleteBeta(square / (freedom + square), 0.5, freedom / 2)
      : 0.5 * incompleteBeta(freedom / (freedom + square), freedom / 2, 0.5)
  }

  /// The t with P(T > t) = `tail`, for a tail in (0, 0.5].
  package static func tUpperQuantile(_ tail: Double, freedom: Double) -> Double {
    guard tail < 0.5 else { return 0 }
    guard tail > 0 else { return .infinity }
    // Newton in log t against log tail, where both ends are nearly straight lines; kept inside a bracket.
    let target = log(tail)
    var (low, high) = (-40.0, 320.0)
    var position = log(normalUpperQuantile(tail))
    let constant = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - 0.5 * log(freedom * Double.pi)
    for _ in 0..<200 {
      let t = exp(position)
      let found = log(tTail(t, freedom: freedom))
      let isBeyond = found < target
      if isBeyond { high = position } else { low = position }
      let slope = -exp(constant - (freedom + 1) / 2 * log1p(t * t / freedom) - found) * t
      var next = position - (found - target) / slope
      if !(low...high).contains(next) { next = (low + high) / 2 }
      let step = abs(next - position)
      position = next
      if step < 1e-15 { break }
    }
    return exp(position)
  }

  /// The regularised incomplete beta function I_x(a, b).
  ///
  /// Source: the continued fraction 26.5.8 of Abramowitz and Stegun, by Lentz's method.
  package static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    guard x > 0 else { return 0 }
    guard x < 1 else { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    let tiny = 1e-300
    var (c, d) = (1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny))
    var fraction = d
    /// Takes one more term in, and returns by how much the fraction grew.
    func extend(_ term: Double) -> Double {
      d = 1 + term * d
      c = 1 + term / c
      if abs(d) < tiny { d = tiny }
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      fraction *= c * d
      return c * d
    }
    for m in 1...10_000 {
      let k = Double(m)
      _ = extend(k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)))
      let growth = extend(-(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)))
      if abs(growth - 1) < 1e-16 { break }
    }
    return front * fraction
  }
}
