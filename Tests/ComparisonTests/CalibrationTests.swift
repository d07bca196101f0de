// How often the verdicts are wrong, on simulated comparisons of strategies that are equal. Documentation/Comparison.md
// quotes the rates printed here; `make calibration` takes more comparisons of each kind.

import Comparison
import Foundation
import Kernels
import Testing

@Suite("calibration of the verdicts")
struct CalibrationTests {
  private let clusters: ClusterSizes

  init() throws { clusters = try ClusterSizes.load() }

  /// What went wrong in many comparisons.
  private struct Rates: CustomStringConvertible {
    var count = 0
    /// Comparisons with a difference shown anywhere.
    var shown = 0
    /// Comparisons in which each interval of the metric that decides covers the true difference.
    var covered = 0
    /// Comparisons with an interval at all.
    var withInterval = 0

    mutating func add(_ other: Rates) {
      (count, shown) = (count + other.count, shown + other.shown)
      (covered, withInterval) = (covered + other.covered, withInterval + other.withInterval)
    }

    /// In per cent.
    var alarms: Double { 100 * Double(shown) / Double(count) }
    var coverage: Double { 100 * Double(covered) / Double(withInterval) }
    var description: String {
      String(
        format: "a difference shown %.1f %%, all intervals cover %.1f %% (%d comparisons)", alarms, coverage, count)
    }

    /// In a debug build there are few comparisons, and bounds allow for three standard errors of them.
    private var margin: Double {
      #if DEBUG
        300 * (0.05 * 0.95 / Double(count)).squareRoot()
      #else
        0
      #endif
    }
    var isRight: Bool { alarms <= 5.5 + margin && coverage >= 94 - margin }
  }

  /// Comparisons of each kind.
  private static func count(_ usual: Int) -> Int {
    if let more = ProcessInfo.processInfo.environment["CSE_CALIBRATION"].flatMap(Int.init) { return more }
    #if DEBUG
      return usual / 100
    #else
      return usual
    #endif
  }

  /// The comparisons with numbers from 0, shared by two threads.
  private func rates(_ name: String, _ count: Int, _ one: @Sendable (Int) -> Rates) -> Rates {
    var found = [Rates](repeating: Rates(), count: count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      ThreadPool(threads: 2).parallelFor(count, grain: 1) { range, _ in
        for number in range { found[number] = one(number) }
      }
    }
    var sum = Rates()
    for item in found { sum.add(item) }
    print("\(name): \(sum)")
    return sum
  }

  private static func judge(_ analysis: ComparisonAnalysis, truth: Double = 0) -> Rates {
    let isShown = analysis.metrics.contains { metric in
      metric.comparisons.contains { $0.verdict == .better || $0.verdict == .worse }
    }
    let intervals = analysis.deciding?.comparisons.compactMap(\.simultaneousInterval) ?? []
    return Rates(
      count: 1, shown: isShown ? 1 : 0, covered: intervals.allSatisfy { $0.contains(truth) } ? 1 : 0, withInterval: 1)
  }

  // MARK: - Scores by component

  struct Kind: CustomTestStringConvertible, Sendable {
    var data: ClusterSizes.Data
    var strategies: Int
    var seeds: Int
    var usual: Int
    var testDescription: String { "\(data.rawValue), \(strategies) strategies, \(seeds) seeds" }
  }

  /// With which the variance over components is as many times that over single pairs as in differences of real models:
  /// 2.5 times on STS12, 1.3 times on SICK-R.
  private static func within(_ data: ClusterSizes.Data) -> Double {
    switch data {
    case .sts12: 0.16
    case .sickR: 0.01
    case .seven: 0.03
    }
  }

  private static let kinds =
    [2, 3, 5, 10].flatMap { seeds in
      // Where the level is used up, chance needs more comparisons to tell 5.3 from 5.5 %.
      [ClusterSizes.Data.sts12, .sickR].map { data in
        Kind(data: data, strategies: 2, seeds: seeds, usual: data == .sickR && seeds == 10 ? 8000 : 2000)
      }
    }
    + [2, 3, 10].map { Kind(data: .sts12, strategies: 5, seeds: $0, usual: 1000) }
    + [2, 3, 10].map { Kind(data: .sickR, strategies: 30, seeds: $0, usual: 500) }
    + [3, 5].map { Kind(data: .seven, strategies: 2, seeds: $0, usual: 500) }
    + [Kind(data: .seven, strategies: 5, seeds: 3, usual: 500)]

  @Test("equal strategies: at most 5.5 % false alarms; intervals cover together in at least 94 %", arguments: kinds)
  func equal(kind: Kind) {
    let simulated = SimulatedScores(
      sizes: clusters.sizes(kind.data), strategies: kind.strategies, seeds: kind.seeds,
      within: Self.within(kind.data))
    let planned = ComparisonResults.planned(strategies: kind.strategies, seeds: kind.seeds)
    let found = rates(kind.testDescription, Self.count(kind.usual)) { number in
      Self.judge(ComparisonAnalysis(SimulatedScores.withMean(simulated.tables(number)), planned))
    }
    #expect(found.isRight, "\(found)")
  }

  @Test("strategies that answer every pair alike: the t test by itself", arguments: [2, 3, 10])
  func pairsDoNotMatter(seeds: Int) {
    let simulated = SimulatedScores(
      sizes: clusters.sizes(.sickR), seeds: seeds, methodDeviation: 0, seedPairDeviation: 0.05, within: 0.03)
    let planned = ComparisonResults.planned(strategies: 2, seeds: seeds)
    let found = rates("pairs alike, \(seeds) seeds", Self.count(2000)) { number in
      Self.judge(ComparisonAnalysis(simulated.tables(number), planned))
    }
    #expect(found.isRight, "\(found)")
  }

  /// Pairs add nothing, so that the level is used up: without the looks it would be twice the bound.
  @Test("looks at 3, 5 and 10 seeds, planned or not: a false alarm at any of them", arguments: [1, 3], [2, 5])
  func looks(planned: Int, strategies: Int) {
    let simulated = SimulatedScores(
      sizes: clusters.sizes(.sickR), strategies: strategies, seeds: 10, methodDeviation: 0, seedPairDeviation: 0.05,
      within: 0.03)
    let found = rates("looks at 3, 5, 10, \(planned) planned, \(strategies) strategies", Self.count(4000)) { number in
      let whole = simulated.tables(number)
      var sum = Rates(count: 1, shown: 0, covered: 1, withInterval: 1)
      for (look, seeds) in [3, 5, 10].enumerated() {
        var results = ComparisonResults.planned(strategies: strategies, seeds: seeds)
        var family = Family(comparisons: strategies - 1)
        for index in family.looks.indices {
          (family.looks[index].number, family.looks[index].planned) = (look + 1, planned)
        }
        results.family = family
        var tables = whole
        for table in tables.indices {
          for row in tables[table].rows.indices { tables[table].rows[row].removeLast(10 - seeds) }
        }
        let one = Self.judge(ComparisonAnalysis(tables, results))
        (sum.shown, sum.covered) = (max(sum.shown, one.shown), min(sum.covered, one.covered))
      }
      return sum
    }
    #expect(found.isRight, "\(found)")
  }

  // MARK: - Whole analyses

  @Test(
    "from predictions on: ranks, influence values, components", arguments: [ClusterSizes.Data.sts12, .sickR], [3, 10])
  func whole(data: ClusterSizes.Data, seeds: Int) {
    let simulated = SimulatedComparisons(
      sizes: clusters.sizes(data), seeds: seeds, methodEffects: (0.25, data == .sts12 ? 0.11 : 0.04))
    let pool = ThreadPool(threads: 1)
    let count = Self.count(data == .sickR && seeds == 3 ? 1500 : 400)
    let found = rates("whole analyses, \(data.rawValue), \(seeds) seeds", count) { number in
      Self.judge(ComparisonAnalysis(simulated.results(number), pool: pool))
    }
    #expect(found.isRight, "\(found)")
  }

  @Test("the mean of seven sets from predictions on: its interval covers the true difference")
  func wholeMean() {
    let pool = ThreadPool(threads: 1)
    let equal = SimulatedComparisons(sizes: clusters.sizes(.seven))
    let found = rates("whole analyses, mean of seven sets, 3 seeds", Self.count(100)) { number in
      Self.judge(ComparisonAnalysis(equal.results(number), pool: pool))
    }
    #expect(found.isRight, "\(found)")
  }

  @Test("a true difference is found the more often the more seeds there are")
  func difference() {
    let pool = ThreadPool(threads: 1)
    let found = [3, 8].map { seeds in
      let simulated = SimulatedComparisons(sizes: clusters.sizes(.sts12), seeds: seeds, advantage: 0.08)
      return rates("second strategy 8 % stronger, \(seeds) seeds", Self.count(200)) { number in
        Self.judge(ComparisonAnalysis(simulated.results(number), pool: pool))
      }
    }
    #expect(found[1].alarms > found[0].alarms + 20, "\(found)")
  }
}
