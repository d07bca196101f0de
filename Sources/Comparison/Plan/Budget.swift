// `--budget`: successive halving. Strategies are brought to a rung together; those that clearly lose there are given
// up. Pure decisions, called by ComparisonRunner.
// Source: Jamieson and Talwalkar 2016, Non-stochastic best arm identification and hyperparameter optimization.

/// When strategies are looked at, and which are given up.
package struct Budget: Sendable, Equatable {
  /// A difference in Spearman x 100 below this is never clear, whatever the spread.
  package static let smallestDifference = 0.5
  /// With one seed there is no spread: only this difference is clear.
  package static let singleSeedDifference = 5.0

  /// Optimiser steps after which strategies are compared.
  package var rungs: [Int]

  /// A quarter and a half of the run, moved down to a step that is evaluated; none where the run is too short for that.
  package init(totalSteps: Int, evalSteps: Int) {
    var rungs: [Int] = []
    for share in [4, 2] {
      let rung = totalSteps / share / evalSteps * evalSteps
      if rung > 0, rung < totalSteps, rung != rungs.last { rungs.append(rung) }
    }
    self.rungs = rungs
  }

  /// A strategy that is given up at a rung.
  package struct Drop: Sendable, Equatable {
    /// Its place among the strategies.
    package var strategy: Int
    /// Why, with the difference.
    package var reason: String
  }

  /// Which strategies clearly lose, worst first.
  ///
  /// A strategy is compared with the one of the best mean, seed by seed. With two seeds or more it is given up where
  /// the one-sided 95 per cent t interval of the mean difference lies above 0 and the mean difference is at least
  /// `smallestDifference`; with one seed where the difference is at least `singleSeedDifference`. At most half of the
  /// strategies go at a rung, and never the first.
  /// - Parameter scores: dev Spearman x 100 at the rung, `[strategy][seed]`; nil: given up or failed before.
  package static func drops(_ scores: [[Double]?]) -> [Drop] {
    let alive = scores.indices.filter { scores[$0]?.isEmpty == false }
    let means = Dictionary(uniqueKeysWithValues: alive.map { ($0, mean(scores[$0] ?? [])) })
    guard let best = alive.max(by: { (means[$0] ?? 0) < (means[$1] ?? 0) }) else { return [] }
    let losing = alive.filter { $0 != best && $0 != 0 }.sorted { (means[$0] ?? 0) < (means[$1] ?? 0) }
    let found = losing.compactMap { strategy -> Drop? in
      guard let theirs = scores[best], let ours = scores[strategy], theirs.count == ours.count else { return nil }
      return reason(zip(theirs, ours).map { $0 - $1 }).map { Drop(strategy: strategy, reason: $0) }
    }
    return Array(found.prefix(alive.count / 2))
  }

  /// Why differences to the best are clear; nil where they are not.
  static func reason(_ differences: [Double]) -> String? {
    let count = differences.count
    let difference = mean(differences)
    if count == 1 {
      guard difference >= singleSeedDifference else { return nil }
      return "\(rounded(difference)) below the best on one seed (clear from \(rounded(singleSeedDifference)) on)"
    }
    let variance = differences.reduce(0) { $0 + ($1 - difference) * ($1 - difference) } / Double(count - 1)
    let lower = difference - oneSided95(count - 1) * (variance / Double(count)).squareRoot()
    guard lower > 0, difference >= smallestDifference else { return nil }
    return "\(rounded(difference)) below the best over \(count) seeds, at least \(rounded(lower)) with 95 per cent"
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
  private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

  /// The 95 per cent point of Student's t, rounded up; from 30 degrees of freedom on that of 30.
  private static func oneSided95(_ freedom: Int) -> Double {
    let points = [
      6.314, 2.920, 2.354, 2.132, 2.016, 1.944, 1.895, 1.860, 1.834, 1.813, 1.796, 1.783, 1.771, 1.762, 1.754, 1.746,
      1.740, 1.735, 1.730, 1.725, 1.721, 1.718, 1.714, 1.711, 1.709, 1.706, 1.704, 1.702, 1.700, 1.698,
    ]
    return points[min(freedom, points.count) - 1]
  }
}
