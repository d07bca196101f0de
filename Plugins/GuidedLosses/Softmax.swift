// The softmax of a list, in double precision.

import Glibc

/// The distribution that a list of scores stands for.
struct Softmax {
  /// `exp(score / temperature)`, divided by their sum.
  let shares: [Double]
  /// The logarithms of the shares; finite where a share is 0.
  let logarithms: [Double]

  init(_ scores: [Double], temperature: Double) {
    let logits = scores.map { $0 / temperature }
    let peak = logits.reduce(-.infinity, max)
    let total = logits.reduce(0) { $0 + exp($1 - peak) }
    logarithms = logits.map { $0 - peak - log(total) }
    shares = logarithms.map { exp($0) }
  }

  /// From the gradient at the shares to that at the scores.
  func gradient(_ slopes: [Double], temperature: Double) -> [Double] {
    let mean = zip(shares, slopes).reduce(0) { $0 + $1.0 * $1.1 }
    return zip(shares, slopes).map { $0 * ($1 - mean) / temperature }
  }
}
