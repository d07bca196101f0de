// How many seeds it would take to show a difference as large as the one found. Called by MetricAnalysis where none is
// shown.

import Foundation

/// What more seeds could do.
package enum SeedsNeeded: Sendable, Equatable {
  /// So many more than there are.
  case more(Int)
  /// More than `SeedsNeeded.most`.
  case tooMany
  /// With any number of seeds the pairs alone leave it too uncertain: more pairs are needed.
  case pairsTooFew

  /// The largest number that is worth naming.
  package static let most = 1000
  /// The probability with which a difference is to be shown.
  package static let power = 0.8

  /// The smallest number of further seeds with which the interval at `level` leaves out 0 in 80 of 100 repetitions, if
  /// the true difference and the spread are those found.
  package init(_ spread: DifferenceSpread, level: Double) {
    let z = Distributions.normalUpperQuantile(level / 2)
    let limit = Distributions.normalCDF(abs(spread.mean) / spread.pairs.squareRoot() - z)
    if spread.pairs > 0, limit < Self.power {
      self = .pairsTooFew
      return
    }
    func suffices(_ more: Int) -> Bool { spread.power(seeds: spread.seeds + more, level: level) >= Self.power }
    guard suffices(Self.most) else {
      self = .tooMany
      return
    }
    var (low, high) = (0, Self.most)
    while high - low > 1 {
      let middle = (low + high) / 2
      if suffices(middle) { high = middle } else { low = middle }
    }
    self = .more(high)
  }
}

extension DifferenceSpread {
  /// The probability that the interval at `level` from `seeds` seeds leaves out 0, if this spread and mean are true.
  ///
  /// With the pairs' share at 0 it is the power of the two-sided paired t test. The expectation is over u, the ratio of
  /// the estimated to the true variance between seeds, whose root has a chi density; Simpson's rule over its fourth
  /// root, as with few seeds most happens close to 0.
  package func power(seeds: Int, level: Double) -> Double {
    let freedom = Double(seeds - 1)
    let t = Distributions.tUpperQuantile(level / 2, freedom: freedom)
    let z = Distributions.normalUpperQuantile(level / 2)
    let between = betweenSeeds / Double(seeds)
    let deviation = (between + pairs).squareRoot()
    guard deviation > 0 else { return mean == 0 ? 0 : 1 }
    let reach = 9 / (2 * freedom).squareRoot()
    let (low, high) = (max(0, 1 - reach).squareRoot(), (1 + reach).squareRoot())
    let steps = 400
    let constant = log(2) + freedom / 2 * log(freedom / 2) - lgamma(freedom / 2)
    var sum = 0.0
    for i in 0...steps {
      let place = low + (high - low) * Double(i) / Double(steps)
      let root = place * place
      let density = exp(constant - freedom * root * root / 2) * pow(root, freedom - 1) * 2 * place
      let half = (t * t * between * root * root + z * z * pairs).squareRoot()
      let shown =
        Distributions.normalCDF((abs(mean) - half) / deviation)
        + Distributions.normalCDF((-abs(mean) - half) / deviation)
      sum += (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2) * density * shown
    }
    return sum * (high - low) / Double(steps) / 3
  }
}
