// How many chances a false alarm has: comparisons that are or were planned, and looks at the results. Made by
// LookRecord from what a folder remembers, read by ClaimCorrection and by the reports.

/// What one claim has to answer for.
package struct Family: Sendable, Equatable {
  /// Comparisons in all, also of strategies that failed, were dropped, or are not compared any more.
  package var comparisons: Int
  /// Labels of strategies that were compared under the same conditions before and are not now.
  package var earlierStrategies: [String] = []
  /// Labels of earlier references; where there are any, `comparisons` are all pairs of strategies.
  package var earlierReferences: [String] = []
  /// Metrics that decided at earlier looks and do not now; each is one more chance for every comparison.
  package var earlierMetrics: [String] = []
  /// In the order of `ComparisonResults.comparedPairs`.
  package var looks: [Look]

  /// One look at the given number of comparisons.
  package init(comparisons: Int) {
    self.comparisons = comparisons
    looks = Array(repeating: Look(), count: comparisons)
  }
}

/// Which look at one comparison this is. Looks differ in their seeds: the same seeds again are the same look.
package struct Look: Sendable, Equatable {
  /// Counted from 1.
  package var number = 1
  /// How many were planned before the first.
  package var planned = 1
  /// The seeds of the looks before this one.
  package var earlier: [[UInt64]] = []

  /// The first of one.
  package init() {}

  /// Whether more looks were taken than planned.
  package var isUnplanned: Bool { number > planned }

  /// What the level is divided by.
  ///
  /// Planned looks share the level equally. Where it is used up, a further look gets an eighth, the next a sixteenth,
  /// and so on: all of them together add a quarter of the level at most, and since looks share seeds really a tenth.
  package var divisor: Int {
    isUnplanned ? max(planned, 1 << min(number - planned + 2, 40)) : planned
  }
}
