// What a comparison shows and what it does not. Called by the compare command once the runs are done; read by the
// reports.

import Evaluation
package import Kernels

/// The statistics of a comparison, metric by metric. No random number is drawn.
package struct ComparisonAnalysis: Sendable {
  /// The one that decides, other means over sets, the test sets, the dev pairs.
  package var metrics: [MetricAnalysis]
  /// What the claims answer for.
  package var family: Family
  /// Whether every run has come to an end; verdicts wait for that.
  package var isComplete: Bool
  /// Seeds far off the rest on the metric that decides.
  package var farSeeds: [FarSeed] = []
  /// Pairs that stand in several sets.
  package var overlap = SetOverlap()

  /// The statistics of all runs; the number of threads changes no number.
  package init(_ results: ComparisonResults, pool: ThreadPool) {
    self.init(ScoreTable.all(results, pool: pool), results)
    overlap = SetOverlap(results.sets.filter { set in metrics.contains { $0.metric == set.metric } })
  }

  /// The statistics of tables; `results` says what was planned.
  package init(_ tables: [ScoreTable], _ results: ComparisonResults) {
    family = results.family ?? Family(comparisons: max(results.comparedPairs.count, 1))
    isComplete = !results.runs.contains { $0.outcome == .unfinished }
    metrics = tables.map { MetricAnalysis($0, results) }
    let deciding = ScoreTable.deciding(among: tables, named: results.decideBy)
    if let deciding { metrics[deciding].decides = true }
    ClaimCorrection(family: family, detect: results.detect).apply(to: &metrics)
    if !isComplete {
      for metric in metrics.indices {
        for index in metrics[metric].comparisons.indices { metrics[metric].comparisons[index].withhold() }
      }
    }
    farSeeds = deciding.map { FarSeed.all(in: metrics[$0]) } ?? []
  }

  /// The metric that claims rest on; nil without scores.
  package var deciding: MetricAnalysis? { metrics.first(where: \.decides) }
}

/// How far the scored sets consist of the same pairs.
package struct SetOverlap: Sendable, Equatable {
  /// Pairs of the dev set, which chose the checkpoints.
  package var devPairs = 0
  /// Of these, the pairs that stand in a test set, too.
  package var devPairsInTests = 0
  /// Pairs of all test sets.
  package var testPairs = 0
  /// Of these, the pairs that stand in another test set, too.
  package var testPairsTwice = 0

  /// Nothing in common.
  package init() {}

  /// Counts pairs by both sentences, in either order.
  package init(_ sets: [ComparedSet]) {
    var owners: [SentencePair: Set<Int>] = [:]
    for (index, set) in sets.enumerated() where !set.isDev {
      for pair in set.sentences { owners[pair.unordered, default: []].insert(index) }
    }
    for set in sets {
      let found = set.sentences.map { owners[$0.unordered]?.count ?? 0 }
      if set.isDev {
        devPairs += found.count
        devPairsInTests += found.count { $0 > 0 }
      } else {
        testPairs += found.count
        testPairsTwice += found.count { $0 > 1 }
      }
    }
  }
}
