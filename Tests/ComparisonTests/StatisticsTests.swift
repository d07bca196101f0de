// The comparison's statistics against SciPy and NumPy, and the cases in which there is little to say.

import Comparison
import Evaluation
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
      let nothing = item.differences.map { _ in [0.0, 0, 0] }
      let spread = DifferenceSpread(differences: item.differences, contributions: nothing, correction: 1.5)
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
      #expect(isClose(spread.power(of: item.mean, seeds: item.seeds, level: 0.05), item.power, absolute: 1e-8))
      let touching = spread.interval(level: spread.pValue)
      #expect(min(abs(touching.lowerBound), abs(touching.upperBound)) < 1e-9)
      let least = spread.detectable(seeds: item.seeds, level: 0.05, power: 0.8)
      #expect(isClose(spread.power(of: least, seeds: item.seeds, level: 0.05), 0.8, absolute: 1e-9))
    }
  }

  @Test("power and the number of seeds from the noncentral t distribution")
  func power() {
    let spread = DifferenceSpread(seeds: 3, mean: 0, betweenSeeds: 1, pairs: 0)
    for item in fixture.power {
      let found = spread.power(of: item[0], seeds: Int(item[1]), level: item[2])
      #expect(isClose(found, item[3], absolute: 1e-8), "\(item), \(found)")
    }
    for item in fixture.needed {
      guard let difference = item[0], let power = item[1], let level = item[2] else { continue }
      let found = SeedsToShow(spread, difference: difference, level: level)
      let expected = item[3].map { SeedsToShow.Answer.seeds(Int($0)) } ?? .tooMany
      #expect((power == 0.5 ? found.half : found.most) == expected, "\(item), \(found)")
    }
    let few = DifferenceSpread(seeds: 3, mean: 0.3, betweenSeeds: 0.01, pairs: 0.04)
    let never = SeedsToShow(few, difference: 0.3, level: 0.05)
    #expect(never.half == .never && never.most == .never)
    #expect(isClose(never.staysOpen, 0.3919928, relative: 1e-6))
    // Half of the time the interval touches 0 where the difference is as large as what stays open.
    let half = SeedsToShow(few, difference: 0.45, level: 0.05)
    #expect(half.most == .never && half.half != .never, "\(half)")
  }

  // MARK: - Influence values

  @Test("influence values, ties included, as NumPy has them by their definition and by derivatives")
  func influence() throws {
    for item in fixture.influence {
      let found = try #require(SpearmanInfluence.values(RankedSample(item[0]), RankedSample(item[1])))
      for (value, expected) in zip(found, item[2]) { #expect(isClose(100 * value, expected, absolute: 1e-9)) }
    }
    #expect(SpearmanInfluence.values(RankedSample([1, 1]), RankedSample([1, 2])) == nil)
    #expect(SpearmanInfluence.values(RankedSample([1]), RankedSample([1])) == nil)
  }

  private func results(_ sets: [StatisticsFixture.Set], isJoined: Bool) -> ComparisonResults {
    var results = ComparisonResults.made(gold: sets[0].gold, predicted: [sets[0].first, sets[0].second], metric: "0")
    for (index, set) in sets.enumerated() {
      for (strategy, lists) in [set.first, set.second].enumerated() where index > 0 {
        for (seed, list) in lists.enumerated() {
          results.runs[strategy * lists.count + seed].scores
            .append(PairScores(metric: "\(index)", gold: set.gold, predicted: list))
        }
      }
      if isJoined { results.sets.append(ComparedSet(metric: "\(index)", isDev: false, sentences: set.sentences)) }
    }
    return results
  }

  private func expectSame(_ found: DifferenceSpread?, _ expected: StatisticsFixture.Spread) throws {
    let found = try #require(found)
    #expect(isClose(found.betweenSeeds, expected.between, relative: 1e-9))
    #expect(isClose(found.pairs, expected.pairs, relative: 1e-9), "\(found), \(expected)")
    #expect(isClose(found.interaction, expected.interaction, relative: 1e-9), "\(found), \(expected)")
  }

  @Test("the parts of the spread, for pairs as drawn and for pairs that share sentences", arguments: [false, true])
  func parts(isJoined: Bool) throws {
    for set in fixture.sets {
      let metric = ComparisonAnalysis(results([set], isJoined: isJoined), pool: pool).metrics[0]
      for (summary, scores) in zip(metric.summaries, set.scores) {
        for (found, score) in zip(summary.scores, scores) { #expect(abs(found - score) < 1e-9) }
      }
      try expectSame(metric.comparisons[0].spread, isJoined ? set.joined : set.alone)
    }
  }

  @Test("the mean over sets: equal weights, and pairs of both sets that share sentences are one")
  func meanOfSets() throws {
    let results = results(fixture.sets, isJoined: true)
    let analysis = ComparisonAnalysis(results, pool: pool)
    let mean = analysis.metrics[0]
    #expect(mean.metric == "mean of 2 sets" && mean.kind == .mean && mean.decides && mean.pairs == 100)
    #expect(mean.components == fixture.mean.components)
    try expectSame(mean.comparisons[0].spread, fixture.mean)
    for (found, expected) in zip(mean.comparisons[0].differences, fixture.mean.differences ?? []) {
      #expect(abs(found - expected) < 1e-9)
    }
    // The mean shows nothing, so single sets are not tested, however small their p.
    #expect(mean.comparisons[0].verdict == .noDifferenceShown)
    for metric in analysis.metrics.dropFirst() {
      #expect(!metric.decides && metric.comparisons[0].verdict == .notTested)
      #expect(metric.comparisons[0].pValue != nil && metric.comparisons[0].correctedPValue == nil)
    }
    // A run without a score on one set has no mean.
    var lacking = results
    lacking.runs[0].scores[1].predicted = Array(repeating: 1, count: fixture.sets[1].gold.count)
    let found = ComparisonAnalysis(lacking, pool: pool).metrics[0]
    #expect(
      found.summaries[0].seeds == [2, 3] && found.leftOut.first?.contains("no mean, without a score on 1") == true)
  }

  @Test("the number of threads changes no number")
  func threads() {
    let results = results(fixture.sets, isJoined: true)
    let analyses = [1, 3].map { ComparisonAnalysis(results, pool: ThreadPool(threads: $0)) }
    for (a, b) in zip(analyses[0].metrics, analyses[1].metrics) {
      #expect(a.comparisons[0].interval == b.comparisons[0].interval)
    }
  }

  // MARK: - Little to say

  @Test("one common seed: an interval over pairs, and no claim whether or not it covers 0")
  func oneSeed() throws {
    let set = fixture.sets[0]
    let results = ComparisonResults.made(gold: set.gold, predicted: [set.first, [set.second[0], [], []]])
    let comparison = ComparisonAnalysis(results, pool: pool).metrics[0].comparisons[0]
    let interval = try #require(comparison.interval), half = 1.9599639845 * set.alone.own.squareRoot()
    let difference = set.scores[1][0] - set.scores[0][0]
    #expect(isClose(interval.lowerBound, difference - half, absolute: 1e-6))
    #expect(isClose(interval.upperBound, difference + half, absolute: 1e-6))
    #expect(comparison.basis == .pairsOnly && comparison.pValue == nil && comparison.largestDifference == nil)
    #expect(!interval.contains(0) && comparison.verdict == .noClaim && comparison.seeds == [1])
    let near = ComparisonResults.made(gold: set.gold, predicted: [[set.first[0]], [set.first[1]]])
    let claim = ComparisonAnalysis(near, pool: pool).metrics[0].comparisons[0]
    #expect(claim.verdict == .noClaim && claim.interval?.contains(0) == true)
  }

  @Test("equal models differ by nothing; failed, undefined and mismatched runs are left out by name")
  func leftOut() throws {
    let gold = [1.0, 2, 3, 4, 5, 6]
    let scores = [2.0, 1, 3, 5, 4, 6]
    let same = ComparisonResults.made(gold: gold, predicted: [[scores, scores], [scores, scores]])
    let equal = ComparisonAnalysis(same, pool: pool).metrics[0].comparisons[0]
    #expect(equal.verdict == .noDifferenceShown && equal.pValue == 1 && equal.interval == 0...0)

    var results = ComparisonResults.made(
      gold: gold, predicted: [[scores, [], scores, scores], [scores, scores, [1, 1, 1, 1, 1, 1], scores]])
    results.runs[7].scores[0].gold[0] = 9
    let metric = ComparisonAnalysis(results, pool: pool).metrics[0]
    #expect(metric.summaries[0].seeds == [1, 3, 4] && metric.summaries[1].seeds == [1, 2])
    #expect(metric.comparisons[0].seeds == [1])
    #expect(metric.leftOut.count == 2)
    #expect(metric.leftOut[0].contains("undefined") && metric.leftOut[1].contains("seed 4"))

    let failed = ComparisonResults.made(gold: gold, predicted: [[[], []], [[], []]])
    #expect(ComparisonAnalysis(failed, pool: pool).metrics.isEmpty)
    let single = ComparisonResults.made(gold: gold, predicted: [[scores]])
    let alone = ComparisonAnalysis(single, pool: pool).metrics[0]
    #expect(alone.comparisons.isEmpty && alone.summaries[0].deviation == nil)
    let apart = ComparisonResults.made(gold: gold, predicted: [[scores, []], [[], scores]])
    #expect(ComparisonAnalysis(apart, pool: pool).metrics[0].comparisons[0].verdict == .notCompared)
    // All pairs hang together: nothing is known of other pairs.
    var joined = same
    joined.sets = [
      ComparedSet(metric: "made", isDev: false, sentences: (0..<6).map { SentencePair(first: $0, second: $0 + 1) })
    ]
    let one = ComparisonAnalysis(joined, pool: pool).metrics[0].comparisons[0]
    #expect(one.verdict == .noClaim && one.interval == nil && one.pValue == nil)
  }

  @Test("while runs are still to come there are differences, but no verdict, p or interval")
  func unfinished() {
    var results = results(fixture.sets, isJoined: true)
    results.runs[5].outcome = .unfinished
    results.runs[5].scores = []
    let analysis = ComparisonAnalysis(results, pool: pool)
    #expect(!analysis.isComplete)
    for item in analysis.metrics.map({ $0.comparisons[0] }) {
      #expect(item.seeds.count == 2 && item.mean != nil && item.verdict == .noClaim)
      #expect(item.pValue == nil && item.correctedPValue == nil && item.interval == nil && item.interval90 == nil)
      #expect(item.simultaneousInterval == nil && item.largestDifference == nil && item.seedsToShow != nil)
    }
  }

  @Test("one seed far off the rest is found; a wide spread is not")
  func farSeeds() {
    func found(_ scores: [Double]) -> [FarSeed] {
      let table = ScoreTable.made([[80, 80.2, 80.4, 80.3], scores].map { $0.map { [$0, 0.1] } })
      return ComparisonAnalysis([table], .planned(strategies: 2, seeds: 4)).farSeeds
    }
    #expect(found([80.1, 60, 80.2, 80.3]).map(\.seed) == [2])
    #expect(found([80.1, 60, 80.2, 80.3]).first?.others == 80.1...80.3)
    #expect(found([80.1, 79, 82, 77]).isEmpty && found([80.1, 79.9, 80.2, 80.3]).isEmpty)
  }

  // MARK: - All comparisons together

  /// Differences of `means` to the first, with a spread of `deviation` over three seeds.
  private func table(_ means: [Double], deviation: Double = 0.1, metric: String = "m") -> ScoreTable {
    let rows = ([0] + means).enumerated().map { index, mean in
      [-1.0, 0, 1].map { [80 + mean + (index == 0 ? 0 : $0 * deviation), 0.01] }
    }
    return .made(rows, metric: metric)
  }

  @Test("Holm runs over all planned comparisons; intervals hold for all at once; both divide by the looks")
  func corrected() throws {
    let table = table([1.2, 0.5, 0.1])
    let plain = ComparisonAnalysis([table], .planned(strategies: 4, seeds: 3))
    let p = plain.metrics[0].comparisons.compactMap(\.pValue)
    let expected = HolmCorrection.apply(p)
    for (item, value) in zip(plain.metrics[0].comparisons, expected) {
      #expect(item.correctedPValue == value.pValue && item.simultaneousLevel == 0.05 / 3)
      let spread = try #require(item.spread)
      #expect(item.simultaneousInterval == spread.interval(level: 0.05 / 3))
      let both = spread.interval(level: 0.1 / 3)
      #expect(item.largestDifference == max(abs(both.lowerBound), abs(both.upperBound)))
      #expect(item.verdict == (value.pValue < 0.05 ? .better : .noDifferenceShown))
    }
    #expect(plain.metrics[0].comparisons[0].verdict == .better)
    // Strategies that are not compared any more still count, and a second look costs.
    var results = ComparisonResults.planned(strategies: 4, seeds: 3)
    var family = Family(comparisons: 3)
    family.comparisons = 5
    family.looks[1].planned = 3
    results.family = family
    let more = ComparisonAnalysis([table], results).metrics[0].comparisons
    let larger = HolmCorrection.apply([p[0], min(1, 3 * p[1]), p[2]], planned: 5)
    for (item, value) in zip(more, larger) { #expect(item.correctedPValue == value.pValue) }
    let levels: [Double] = [5, 15, 5].map { 0.05 / $0 }
    #expect(more.map(\.simultaneousLevel) == levels)
  }

  @Test("a strategy that failed or was dropped stays in the correction")
  func failedStrategiesCount() {
    var table = table([1.2, 0.5])
    let both = ComparisonAnalysis([table], .planned(strategies: 3, seeds: 3)).metrics[0].comparisons
    table.rows[2] = [nil, nil, table.rows[2][0]]
    let one = ComparisonAnalysis([table], .planned(strategies: 3, seeds: 3)).metrics[0].comparisons
    #expect(one[1].verdict == .noClaim && one[1].pValue == nil && one[1].basis == .pairsOnly)
    #expect(one[0].correctedPValue == 2 * (one[0].pValue ?? 0) && one[0].simultaneousLevel == 0.025)
    #expect(one[0].simultaneousInterval == both[0].simultaneousInterval)
  }

  @Test("single sets count only where the mean is shown, then by Holm over all sets of all planned comparisons")
  func sets() throws {
    var mean = table([2, 0.02], metric: "mean")
    mean.kind = .mean
    let sets = [table([2.1, 2.2], metric: "a"), table([0.3, 2.2], metric: "b")]
    let analysis = ComparisonAnalysis([mean] + sets, .planned(strategies: 3, seeds: 3))
    let (first, second) = (analysis.metrics.map { $0.comparisons[0] }, analysis.metrics.map { $0.comparisons[1] })
    #expect(analysis.metrics.map(\.decides) == [true, false, false])
    #expect(first.map(\.verdict) == [.better, .better, .noDifferenceShown], "\(first.map(\.correctedPValue))")
    #expect(second.map(\.verdict) == [.noDifferenceShown, .notTested, .notTested])
    let p = first.dropFirst().compactMap(\.pValue)
    for (item, value) in zip(first.dropFirst(), HolmCorrection.apply(p, planned: 4)) {
      #expect(item.correctedPValue == value.pValue)
    }
  }

  @Test("what decides: the mean, else the only test set, else the dev pairs")
  func deciding() {
    var dev = table([1], metric: "dev")
    dev.kind = .dev
    let test = table([1], metric: "test")
    let planned = ComparisonResults.planned(strategies: 2, seeds: 3)
    #expect(ComparisonAnalysis([test, dev], planned).deciding?.metric == "test")
    #expect(ComparisonAnalysis([dev], planned).deciding?.metric == "dev")
  }

  @Test("pairs that stand in several sets are counted, whichever sentence is first")
  func overlap() {
    func set(_ name: String, _ pairs: [(Int, Int)], isDev: Bool = false) -> ComparedSet {
      ComparedSet(metric: name, isDev: isDev, sentences: pairs.map { SentencePair(first: $0.0, second: $0.1) })
    }
    let overlap = SetOverlap([
      set("dev", [(1, 2), (3, 4), (9, 9)], isDev: true), set("a", [(2, 1), (5, 6), (5, 6)]),
      set("b", [(5, 6), (7, 8)]),
    ])
    #expect(overlap.devPairs == 3 && overlap.devPairsInTests == 1)
    #expect(overlap.testPairs == 5 && overlap.testPairsTwice == 3)
  }
}
