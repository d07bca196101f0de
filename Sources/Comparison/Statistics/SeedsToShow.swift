// How many seeds it takes to show a difference of a given size. Called by MetricAnalysis and by DetectionText, also
// before there is any run.

import Glibc

/// The seeds a comparison needs, if the spread is the true one.
package struct SeedsToShow: Sendable, Equatable {
  /// For one probability.
  package enum Answer: Sendable, Equatable {
    /// So many in all.
    case seeds(Int)
    /// More than `SeedsToShow.most`.
    case tooMany
    /// With any number of seeds the pairs alone leave it too uncertain.
    case never
  }

  /// The largest number that is worth naming.
  package static let most = 1000

  /// The true difference, Spearman x 100.
  package var difference: Double
  /// To show it in 50 of 100 repetitions.
  package var half: Answer
  /// To show it in 80 of 100 repetitions.
  package var most: Answer
  /// Half the width that the interval keeps with endless seeds, because there are only so many pairs.
  package var staysOpen: Double

  /// - Parameter level: of the interval that has to leave out 0.
  package init(_ spread: DifferenceSpread, difference: Double, level: Double) {
    self.difference = difference
    half = Self.answer(spread, difference, level, power: 0.5)
    most = Self.answer(spread, difference, level, power: 0.8)
    staysOpen = Distributions.normalUpperQuantile(level / 2) * spread.pairs.squareRoot()
  }

  private static func answer(
    _ spread: DifferenceSpread, _ difference: Double, _ level: Double, power: Double
  ) -> Answer {
    if spread.pairs > 0 {
      let z = Distributions.normalUpperQuantile(level / 2)
      if Distributions.normalCDF(difference / spread.pairs.squareRoot() - z) < power { return .never }
    }
    func suffices(_ seeds: Int) -> Bool { spread.power(of: difference, seeds: seeds, level: level) >= power }
    guard suffices(Self.most) else { return .tooMany }
    var (low, high) = (1, Self.most)
    while high - low > 1 {
      let middle = (low + high) / 2
      if suffices(middle) { high = middle } else { low = middle }
    }
    return .seeds(high)
  }
}

extension DifferenceSpread {
  /// The probability that the interval at `level` from `seeds` seeds (two or more) leaves out 0, if this spread is true
  /// and `difference` the true mean.
  ///
  /// With the pairs' share at 0 it is the power of the two-sided paired t test. The expectation is over u, the ratio of
  /// the estimated to the true variance between seeds, whose root has a chi density; Simpson's rule over its fourth
  /// root, as with few seeds most happens close to 0.
  package func power(of difference: Double, seeds: Int, level: Double) -> Double {
    let freedom = Double(seeds - 1)
    let t = Distributions.tUpperQuantile(level / 2, freedom: freedom)
    let z = Distributions.normalUpperQuantile(level / 2)
    let between = betweenSeeds / Double(seeds)
    let deviation = (between + pairs).squareRoot()
    guard deviation > 0 else { return difference == 0 ? 0 : 1 }
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
        Distributions.normalCDF((abs(difference) - half) / deviation)
        + Distributions.normalCDF((-abs(difference) - half) / deviation)
      sum += (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2) * density * shown
    }
    return sum * (high - low) / Double(steps) / 3
  }

  /// The smallest true difference that `seeds` seeds show with probability `power`.
  package func detectable(seeds: Int, level: Double, power wanted: Double) -> Double {
    var (low, high) = (0.0, 1e-6)
    while high < 1e6, power(of: high, seeds: seeds, level: level) < wanted { (low, high) = (high, 2 * high) }
    for _ in 0..<50 {
      let middle = (low + high) / 2
      if power(of: middle, seeds: seeds, level: level) < wanted { low = middle } else { high = middle }
    }
    return high
  }
}
