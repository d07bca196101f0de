// From paired differences by seed, and what each pair contributes to them, to an interval and a p-value that hold for
// other seeds and other pairs. Called by MetricAnalysis; the method is described in Documentation/Comparison.md.

import Glibc

/// Where the uncertainty of a mean difference comes from: seeds, pairs, and pairs that answer differently by seed.
package struct DifferenceSpread: Sendable, Equatable {
  /// Seeds that both strategies have.
  package var seeds: Int
  /// The mean over seeds.
  package var mean: Double
  /// The variance (n - 1) of the differences over seeds: the seed's own and the seed-by-pairs interaction.
  package var betweenSeeds: Double
  /// The variance that all seeds share because they are scored on the same pairs; 0 where its estimate is below.
  package var pairs: Double
  /// The part of a single seed's variance that is due to pairs but not shared with other seeds.
  package var interaction: Double

  /// A spread by its parts.
  package init(seeds: Int, mean: Double, betweenSeeds: Double, pairs: Double, interaction: Double = 0) {
    self.seeds = seeds
    self.mean = mean
    self.betweenSeeds = betweenSeeds
    self.pairs = pairs
    self.interaction = interaction
  }

  /// From the differences of the seeds and what the pairs contribute to them.
  /// - Parameters:
  ///   - differences: one a seed.
  ///   - contributions: `[seed][component]`, influence values added up over pairs that share sentences; over
  ///     independent components the sum of two seeds' products is their covariance.
  ///   - correction: for the mean that the contributions were centred with.
  package init(differences: [Double], contributions: [[Double]], correction: Double) {
    let count = Double(differences.count)
    seeds = differences.count
    mean = differences.reduce(0, +) / count
    betweenSeeds = variance(differences)
    // Over draws of pairs, the mean covariance of two seeds is what they share, a seed's own variance is that and more.
    let own = correction * contributions.reduce(0) { $0 + $1.reduce(0) { $0 + $1 * $1 } } / count
    var ofSum = 0.0
    for component in (contributions.first ?? []).indices {
      let sum = contributions.reduce(0) { $0 + $1[component] }
      ofSum += sum * sum
    }
    let shared = seeds > 1 ? (correction * ofSum - count * own) / (count * (count - 1)) : own
    pairs = max(0, shared)
    interaction = max(0, own - pairs)
  }

  /// Half the width of the two-sided interval at `level` (0.05 for 95 %).
  ///
  /// Source: Howe, "Approximate confidence limits on the mean of X + Y where X and Y are two tabled independent random
  /// variables", 1974: t and normal half-widths add up as squares.
  package func halfWidth(level: Double) -> Double {
    let t = Distributions.tUpperQuantile(level / 2, freedom: Double(seeds - 1))
    let z = Distributions.normalUpperQuantile(level / 2)
    return combined(t: t, z: z)
  }

  /// The interval of the mean difference.
  /// - Parameter level: above 0 and below 1, such as 0.95.
  package func interval(level: Double) -> ClosedRange<Double> {
    let half = halfWidth(level: level)
    return mean - half...mean + half
  }

  /// The level at which the interval just touches 0.
  package var pValue: Double {
    guard mean != 0 else { return 1 }
    guard betweenSeeds > 0 || pairs > 0 else { return 0 }
    let freedom = Double(seeds - 1)
    var (low, high) = (-40.0, 60.0)  // log t
    for _ in 0..<80 {
      let middle = (low + high) / 2
      let t = exp(middle)
      let tail = Distributions.tTail(t, freedom: freedom)
      if combined(t: t, z: Distributions.normalUpperQuantile(tail)) < abs(mean) { low = middle } else { high = middle }
    }
    return min(1, 2 * Distributions.tTail(exp(high), freedom: freedom))
  }

  private func combined(t: Double, z: Double) -> Double {
    let between = betweenSeeds > 0 ? t * t * betweenSeeds / Double(seeds) : 0
    let shared = pairs > 0 ? z * z * pairs : 0
    return (between + shared).squareRoot()
  }
}

/// The variance with n - 1; 0 for fewer than two values.
func variance(_ values: [Double]) -> Double {
  guard values.count > 1 else { return 0 }
  let mean = values.reduce(0, +) / Double(values.count)
  return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
}
