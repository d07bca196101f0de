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
  /// the one-sided t interval of the mean difference lies above 0 and the mean difference is at least
  /// `smallestDifference`; with one seed where the difference is at least `singleSeedDifference`. The best is the
  /// luckiest, too, so the interval is that of all strategies compared with it at once: 5 per cent shared by them. At
  /// most half of the strategies go at a rung, and never the first.
  /// - Parameter scores: dev Spearman x 100 at the rung, `[strategy][seed]`; nil: given up or failed before.
  package static func drops(_ scores: [[Double]?]) -> [Drop] {
    let alive = scores.indices.filter { scores[$0]?.isEmpty == false }
    let means = Dictionary(uniqueKeysWithValues: alive.map { ($0, mean(scores[$0] ?? [])) })
    guard let best = alive.max(by: { (means[$0] ?? 0) < (means[$1] ?? 0) }) else { return [] }
    let losing = alive.filter { $0 != best && $0 != 0 }.sorted { (means[$0] ?? 0) < (means[$1] ?? 0) }
    let found = losing.compactMap { strategy -> Drop? in
      guard let theirs = scores[best], let ours = scores[strategy], theirs.count == ours.count else { return nil }
      return reason(zip(theirs, ours).map { $0 - $1 }, compared: alive.count - 1).map {
        Drop(strategy: strategy, reason: $0)
      }
    }
    return Array(found.prefix(alive.count / 2))
  }

  /// Why differences to the best are clear; nil where they are not.
  /// - Parameter compared: strategies that are compared with the best.
  static func reason(_ differences: [Double], compared: Int) -> String? {
    let count = differences.count
    let difference = mean(differences)
    if count == 1 {
      guard difference >= singleSeedDifference else { return nil }
      return "\(rounded(difference)) below the best on one seed (clear from \(rounded(singleSeedDifference)) on)"
    }
    let t = Distributions.tUpperQuantile(0.05 / Double(max(compared, 1)), freedom: Double(count - 1))
    let lower = difference - t * (variance(differences) / Double(count)).squareRoot()
    guard lower > 0, difference >= smallestDifference else { return nil }
    let all = compared > 1 ? " for all \(compared) compared with it" : ""
    return
      "\(rounded(difference)) below the best over \(count) seeds, at least \(rounded(lower)) with 95 per cent\(all)"
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
  private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
