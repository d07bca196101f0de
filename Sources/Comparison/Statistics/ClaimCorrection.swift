// From single p-values to verdicts that hold for all strategies, sets and looks together. Called by ComparisonAnalysis.

/// Intervals, corrected p-values and verdicts of all metrics.
struct ClaimCorrection {
  /// The chance of a false alarm among all comparisons and looks.
  static let level = 0.05

  let family: Family
  /// The size of a difference that seeds are counted for.
  let detect: Double

  /// The metric that decides is tested first: Holm over all planned comparisons, those without a p-value counting as 1.
  /// Other sets are tested only for strategies with a verdict there: Holm over all sets of all planned comparisons.
  func apply(to metrics: inout [MetricAnalysis]) {
    guard let deciding = metrics.firstIndex(where: \.decides) else { return }
    for metric in metrics.indices {
      for index in metrics[metric].comparisons.indices {
        addIntervals(to: &metrics[metric].comparisons[index], look: look(index))
      }
    }
    let all = metrics[deciding].comparisons.indices.map { (metric: deciding, index: $0) }
    decide(all, in: &metrics, planned: family.comparisons)
    let shown = metrics[deciding].comparisons.indices.filter { index in
      [.better, .worse].contains(metrics[deciding].comparisons[index].verdict)
    }
    let others = metrics.indices.filter { $0 != deciding }
    decide(
      others.flatMap { metric in shown.map { (metric: metric, index: $0) } }, in: &metrics,
      planned: family.comparisons * others.count)
    for metric in others {
      for index in metrics[metric].comparisons.indices where !shown.contains(index) {
        metrics[metric].comparisons[index].settle(untested: .notTested)
      }
    }
  }

  private func look(_ index: Int) -> Look { index < family.looks.count ? family.looks[index] : Look() }

  private func addIntervals(to item: inout StrategyComparison, look: Look) {
    item.simultaneousLevel = Self.level / Double(family.comparisons * look.divisor)
    item.detect = detect
    guard let spread = item.spread else { return }
    if item.basis == .seedsAndPairs {
      item.pValue = spread.pValue
      let both = spread.interval(level: 2 * item.simultaneousLevel)
      item.largestDifference = max(abs(both.lowerBound), abs(both.upperBound))
    }
    item.interval = spread.interval(level: Self.level)
    item.interval90 = spread.interval(level: 2 * Self.level)
    item.simultaneousInterval = spread.interval(level: item.simultaneousLevel)
  }

  private func decide(
    _ places: [(metric: Int, index: Int)], in metrics: inout [MetricAnalysis], planned: Int
  ) {
    let tested = places.compactMap { place -> (metric: Int, index: Int, pValue: Double)? in
      metrics[place.metric].comparisons[place.index].pValue.map {
        (place.metric, place.index, min(1, $0 * Double(look(place.index).divisor)))
      }
    }
    let corrected = HolmCorrection.apply(tested.map(\.pValue), planned: planned, level: Self.level)
    for (place, value) in zip(tested, corrected) {
      metrics[place.metric].comparisons[place.index].correctedPValue = value.pValue
    }
    for place in places { metrics[place.metric].comparisons[place.index].settle(untested: .noDifferenceShown) }
  }
}

extension StrategyComparison {
  /// Reads the verdict from the corrected p-value.
  fileprivate mutating func settle(untested: Verdict) {
    switch basis {
    case .nothing: verdict = differences.isEmpty ? .notCompared : .noClaim
    case .pairsOnly: verdict = .noClaim
    case .seedsAndPairs:
      guard let correctedPValue, let mean else { return verdict = untested }
      verdict = correctedPValue >= ClaimCorrection.level ? .noDifferenceShown : mean > 0 ? .better : .worse
    }
  }

  /// While runs are still to come: differences and their spread, but nothing that says whether one is shown.
  mutating func withhold() {
    (interval, interval90, simultaneousInterval, largestDifference) = (nil, nil, nil, nil)
    (pValue, correctedPValue) = (nil, nil)
    verdict = differences.isEmpty ? .notCompared : .noClaim
  }
}
