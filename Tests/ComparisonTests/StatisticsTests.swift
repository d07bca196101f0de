// The comparison's statistics against SciPy, and the cases in which there is little to say.

import Comparison
import Kernels
import TestSupport
import Testing

@Suite("statistics of a comparison")
struct StatisticsTests {
  private let fixture: StatisticsFixture
  private let pool = ThreadPool(threads: 2)

  init() throws { fixture = try StatisticsFixture.load() }

  @Test("the interval and the p-value are the paired t test's where pairs add nothing")
  func pairedT() {
    for item in fixture.paired {
      let spread = DifferenceSpread(
        differences: item.differences, resampled: [item.differences, item.differences], pairCount: 10)
      #expect(spread.pairs == 0)
      let interval = spread.interval(level: 0.05)
      #expect(isClose(interval.lowerBound, item.low, absolute: 1e-9, relative: 1e-9))
      #expect(isClose(interval.upperBound, item.high, absolute: 1e-9, relative: 1e-9))
      #expect(isClose(spread.pValue, item.pValue, relative: 1e-9), "\(spread.pValue), \(item.pValue)")
    }
  }

  @Test("with a share of the pairs: half-width, p-value and power by their definitions")
  func mixed() {
    for item in fixture.mixed {
      let spread = DifferenceSpread(
        seeds: item.seeds, mean: item.mean, betweenSeeds: item.between, pairs: item.pairs)
      #expect(isClose(spread.halfWidth(level: 0.05), item.halfWidth, relative: 1e-10))
      #expect(isClose(spread.pValue, item.pValue, relative: 1e-7), "\(spread.pValue), \(item.pValue)")
      #expect(isClose(spread.power(seeds: item.seeds, level: 0.05), item.power, absolute: 1e-8))
      let touching = spread.interval(level: spread.pValue)
      #expect(min(abs(touching.lowerBound), abs(touching.upperBound)) < 1e-9)
    }
  }

  @Test("power and the number of seeds from the noncentral t distribution")
  func power() {
    for item in fixture.power {
      let spread = DifferenceSpread(seeds: 3, mean: item[0], betweenSeeds: 1, pairs: 0)
      let found = spread.power(seeds: Int(item[1]), level: item[2])
      #expect(isClose(found, item[3], absolute: 1e-8), "\(item), \(found)")
    }
    for item in fixture.needed {
      guard let mean = item[0], let seeds = item[1], let level = item[2] else { continue }
      let spread = DifferenceSpread(seeds: Int(seeds), mean: mean, betweenSeeds: 1, pairs: 0)
      let expected = item[3].map { SeedsNeeded.more(Int($0)) } ?? .tooMany
      #expect(SeedsNeeded(spread, level: level) == expected, "\(item)")
    }
    let few = DifferenceSpread(seeds: 3, mean: 0.3, betweenSeeds: 0.01, pairs: 0.04)
    #expect(SeedsNeeded(few, level: 0.05) == .pairsTooFew)
    let none = DifferenceSpread(seeds: 3, mean: 0, betweenSeeds: 0.01, pairs: 0)
    #expect(SeedsNeeded(none, level: 0.05) == .tooMany)
  }

  @Test("the spread's components agree with an independent bootstrap")
  func components() throws {
    let expected = fixture.components
    let results = ComparisonResults.made(gold: expected.gold, predicted: [expected.first, expected.second])
    let metric = try #require(ComparisonAnalysis(results, seed: 5, resamples: 8000, pool: pool).metrics.first)
    for (summary, scores) in zip(metric.summaries, expected.scores) {
      for (found, score) in zip(summary.scores, scores) { #expect(abs(found - score) < 1e-9) }
    }
    let spread = try #require(metric.comparisons[0].spread)
    #expect(isClose(spread.betweenSeeds, expected.between, relative: 1e-9))
    #expect(isClose(spread.pairs, expected.pairs, relative: 0.05), "\(spread.pairs), \(expected.pairs)")
    #expect(isClose(spread.interaction, expected.interaction, relative: 0.05))
  }

  @Test("one common seed: an interval over pairs, and no claim about the methods")
  func oneSeed() throws {
    let expected = fixture.components
    let results = ComparisonResults.made(
      gold: expected.gold, predicted: [expected.first, [expected.second[0], [], []]])
    let found = try #require(ComparisonAnalysis(results, seed: 5, resamples: 8000, pool: pool).metrics.first)
    let comparison = found.comparisons[0]
    let interval = try #require(comparison.interval)
    #expect(abs(interval.lowerBound - expected.oneSeed[0]) < 0.12, "\(interval), \(expected.oneSeed)")
    #expect(abs(interval.upperBound - expected.oneSeed[1]) < 0.12, "\(interval), \(expected.oneSeed)")
    #expect(comparison.basis == .pairsOnly && comparison.pValue == nil && comparison.signTest == nil)
    #expect(comparison.verdict == .noDifferenceShown && comparison.seeds == [1])
    // Far apart on these pairs: true of the two models, still nothing about the methods.
    let apart = ComparisonResults.made(gold: expected.gold, predicted: [[expected.first[0]], [expected.gold]])
    let claim = try #require(ComparisonAnalysis(apart, seed: 5, resamples: 400, pool: pool).metrics.first)
    #expect(claim.comparisons[0].verdict == .noClaim)
  }

  @Test("the same seed gives the same numbers for any number of threads, another seed others")
  func deterministic() {
    let results = SimulatedComparisons(methodEffect: 0.3).results(1)
    func interval(_ seed: UInt64, threads: Int) -> ClosedRange<Double>? {
      ComparisonAnalysis(results, seed: seed, resamples: 200, pool: ThreadPool(threads: threads))
        .metrics[0].comparisons[0].interval
    }
    #expect(interval(1, threads: 1) == interval(1, threads: 3))
    #expect(interval(1, threads: 1) != interval(2, threads: 1))
  }

  @Test("equal models differ by nothing; failed, undefined and mismatched runs are left out by name")
  func leftOut() throws {
    let gold = [1.0, 2, 3, 4, 5, 6]
    let scores = [2.0, 1, 3, 5, 4, 6]
    let same = ComparisonResults.made(gold: gold, predicted: [[scores, scores], [scores, scores]])
    let equal = ComparisonAnalysis(same, seed: 1, resamples: 100, pool: pool).metrics[0].comparisons[0]
    #expect(equal.verdict == .noDifferenceShown && equal.pValue == 1 && equal.interval == 0...0)

    var results = ComparisonResults.made(
      gold: gold, predicted: [[scores, [], scores, scores], [scores, scores, [1, 1, 1, 1, 1, 1], scores]])
    results.runs[7].scores[0].gold[0] = 9
    let metric = ComparisonAnalysis(results, seed: 1, resamples: 100, pool: pool).metrics[0]
    #expect(metric.summaries[0].seeds == [1, 3, 4] && metric.summaries[1].seeds == [1, 2])
    #expect(metric.comparisons[0].seeds == [1])
    #expect(metric.leftOut.count == 2)
    #expect(metric.leftOut[0].contains("undefined") && metric.leftOut[1].contains("seed 4"))

    let failed = ComparisonResults.made(gold: gold, predicted: [[[], []], [[], []]])
    #expect(ComparisonAnalysis(failed, seed: 1, resamples: 100, pool: pool).metrics.isEmpty)
    let single = ComparisonResults.made(gold: gold, predicted: [[scores]])
    let alone = ComparisonAnalysis(single, seed: 1, resamples: 100, pool: pool).metrics[0]
    #expect(alone.comparisons.isEmpty && alone.summaries[0].deviation == nil)
    let apart = ComparisonResults.made(gold: gold, predicted: [[scores, []], [[], scores]])
    let never = ComparisonAnalysis(apart, seed: 1, resamples: 9, pool: pool).metrics[0].comparisons[0]
    #expect(never.verdict == .notCompared)
  }

  @Test("verdicts follow the intervals corrected by Holm")
  func corrected() {
    var simulated = SimulatedComparisons(seeds: 6, advantage: 0.4)
    let strong = simulated.results(3)
    simulated.advantage = 0
    let equal = simulated.results(4)
    var results = strong
    results.strategies += (2..<4).map { ComparedStrategy(label: "s\($0)", text: "", canonical: "") }
    for run in equal.runs {
      var run = run
      run.strategy += 2
      for index in run.scores.indices { run.scores[index].gold = strong.runs[0].scores[0].gold }
      results.runs.append(run)
    }
    let comparisons = ComparisonAnalysis(results, seed: 1, resamples: 200, pool: pool).metrics[0].comparisons
    #expect(comparisons[0].verdict == .better)
    for item in comparisons {
      guard let p = item.correctedPValue, let plain = item.pValue, let interval = item.correctedInterval else {
        Issue.record("no p-value")
        continue
      }
      #expect(p >= plain && (p < 0.05) == !interval.contains(0))
      #expect((item.verdict == .noDifferenceShown) == interval.contains(0))
    }
  }
}
