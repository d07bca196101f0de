// How often the verdicts are wrong: whole analyses of simulated comparisons, with the seeds and pairs drawn again for
// each. Documentation/Comparison.md quotes the rates printed here; CSE_CALIBRATION=20000 takes more than 2,000
// comparisons.

import Comparison
import Foundation
import Kernels
import Testing

@Suite("calibration of the verdicts")
struct CalibrationTests {
  private struct Rates: CustomStringConvertible {
    var shown = 0
    var differences: [Double] = []
    var intervals: [ClosedRange<Double>] = []

    /// In per cent.
    var alarms: Double { 100 * Double(shown) / Double(intervals.count) }
    /// Of the expected difference: the mean over all comparisons.
    var coverage: Double {
      let truth = differences.reduce(0, +) / Double(differences.count)
      return 100 * Double(intervals.count { $0.contains(truth) }) / Double(intervals.count)
    }
    var description: String { "shown \(alarms) %, coverage \(coverage) %" }
  }

  private func run(_ simulated: SimulatedComparisons, _ name: String) -> Rates {
    let count = ProcessInfo.processInfo.environment["CSE_CALIBRATION"].flatMap(Int.init) ?? 2000
    let pool = ThreadPool(threads: 2)
    var rates = Rates()
    for number in 0..<count {
      let results = simulated.results(number)
      let comparison = ComparisonAnalysis(results, seed: UInt64(number), resamples: 100, pool: pool)
        .metrics[0].comparisons[0]
      guard let interval = comparison.interval, let mean = comparison.mean else { continue }
      rates.shown += comparison.verdict == .better || comparison.verdict == .worse ? 1 : 0
      rates.differences.append(mean)
      rates.intervals.append(interval)
    }
    print("\(name), \(simulated.seeds) seeds, \(count) comparisons: \(rates)")
    return rates
  }

  @Test("two equal strategies: false alarms stay within 3.5 and 6.5 % of 2,000", arguments: [2, 3, 5, 10])
  func equal(seeds: Int) {
    let rates = run(SimulatedComparisons(seeds: seeds), "equal")
    #expect(rates.intervals.count >= 2000)
    #expect((3.5...6.5).contains(rates.alarms), "\(rates)")
  }

  @Test("seeds without an effect of their own: the same")
  func noSeedEffect() {
    let rates = run(SimulatedComparisons(seedEffect: 0), "no seed effect")
    #expect((3.5...6.5).contains(rates.alarms), "\(rates)")
  }

  @Test("methods that answer differently by pair but equally well: never above 6.5 %", arguments: [3, 10])
  func crossed(seeds: Int) {
    let rates = run(SimulatedComparisons(seeds: seeds, methodEffect: 0.5), "crossed")
    #expect(rates.alarms <= 6.5, "\(rates)")
  }

  @Test("a true difference is covered, and found the more often the more seeds there are")
  func difference() {
    let few = run(SimulatedComparisons(seeds: 3, advantage: 0.12), "difference")
    let many = run(SimulatedComparisons(seeds: 8, advantage: 0.12), "difference")
    for rates in [few, many] { #expect(rates.coverage > 93, "\(rates)") }
    #expect(many.alarms > few.alarms + 20, "\(few); \(many)")
  }
}
