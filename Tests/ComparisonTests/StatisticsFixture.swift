// What SciPy says of the comparison's statistics (Tests/Fixtures/comparison/make_statistics.py), and synthetic results.

import Comparison
import Evaluation
import Files
import Foundation
import Kernels
import TestSupport

struct StatisticsFixture: Decodable {
  struct Paired: Decodable {
    var differences: [Double]
    var pValue, low, high: Double
  }
  struct Mixed: Decodable {
    var seeds: Int
    var mean, between, pairs, pValue, halfWidth, power: Double
  }
  struct Spread: Decodable {
    var between, pairs, interaction, own: Double
    var differences: [Double]?
    var components: Int?
  }
  struct Set: Decodable {
    var texts: [[Int]]
    var gold: [Double]
    var first, second, scores: [[Double]]
    /// Pairs as drawn, and pairs that share sentences as one.
    var alone, joined: Spread

    var sentences: [SentencePair] { texts.map { SentencePair(first: $0[0], second: $0[1]) } }
  }
  var normal, t, tTail, beta, power: [[Double]]
  var holm, influence: [[[Double]]]
  var needed: [[Double?]]
  var paired: [Paired]
  var mixed: [Mixed]
  var sets: [Set]
  /// Of the mean of `sets`.
  var mean: Spread

  static func load() throws -> StatisticsFixture {
    let path = Resources.fixture("comparison/statistics.json")
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

extension ComparisonResults {
  /// `predicted[strategy][seed]` on one metric, seeds 1, 2, ...; an empty list is a run that failed.
  static func made(gold: [Double], predicted: [[[Double]]], metric: String = "made") -> ComparisonResults {
    let seeds = (predicted.first ?? []).indices.map { UInt64($0 + 1) }
    let strategies = predicted.indices.map {
      ComparedStrategy(label: "s\($0)", text: "s\($0)", canonical: "loss:s\($0)")
    }
    var runs: [ComparedRun] = []
    for (strategy, lists) in predicted.enumerated() {
      for (seed, list) in zip(seeds, lists) {
        let isThere = !list.isEmpty
        runs.append(
          ComparedRun(
            strategy: strategy, seed: seed, outcome: isThere ? .finished : .failed(reason: "made to"), folder: "",
            scores: isThere ? [PairScores(metric: metric, gold: gold, predicted: list)] : []))
      }
    }
    return ComparisonResults(
      strategies: strategies, seeds: seeds, runs: runs, commandLine: ["mixcse", "compare"], record: JSONObject())
  }
}

extension ComparisonResults {
  /// Runs that are all there, without scores: for tables that are made directly.
  static func planned(strategies: Int, seeds: Int) -> ComparisonResults {
    .made(gold: [], predicted: Array(repeating: Array(repeating: [0], count: seeds), count: strategies))
  }
}

extension ScoreTable {
  /// `rows[strategy][seed]`: the score, and the contribution of the first of two pairs; the second has its opposite.
  static func made(_ rows: [[[Double]]], metric: String = "made") -> ScoreTable {
    ScoreTable(
      metric: metric, kind: .test, components: SentenceComponents(independent: 2),
      rows: rows.map { $0.map { RunScore(value: $0[0], contributions: [$0[1], -$0[1]]) } })
  }
}
