// What SciPy says of the comparison's statistics (Tests/Fixtures/comparison/make_statistics.py), and synthetic results.

import Comparison
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
  struct Components: Decodable {
    var gold: [Double]
    var first, second, scores: [[Double]]
    var between, pairs, interaction: Double
    var oneSeed: [Double]
  }
  var normal, t, tTail, beta, sign, power: [[Double]]
  var holm: [[[Double]]]
  var needed: [[Double?]]
  var paired: [Paired]
  var mixed: [Mixed]
  var components: Components

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

/// Two strategies on pairs drawn again for each comparison. A run predicts the gold score with the strength of its
/// seed, what its method adds to every pair (shared by the seeds), and noise of its own.
struct SimulatedComparisons {
  var seeds = 3
  var pairs = 120
  /// The standard deviation of a run's strength (1 on average): the seed effect.
  var seedEffect = 0.05
  /// The standard deviation of what a method adds to a pair: the pair-sampling effect of the difference.
  var methodEffect = 0.0
  /// How much stronger the second strategy is.
  var advantage = 0.0
  var noise = 0.8

  func results(_ number: Int) -> ComparisonResults {
    let gold = normal(number, "gold", pairs)
    let predicted = (0..<2).map { method in
      let added = normal(number, "method \(method)", pairs)
      let strengths = normal(number, "strength \(method)", seeds)
      return (0..<seeds).map { seed in
        let noises = normal(number, "noise \(method) \(seed)", pairs)
        let strength = 1 + Double(method) * advantage + seedEffect * strengths[seed]
        return gold.indices.map { strength * gold[$0] + methodEffect * added[$0] + noise * noises[$0] }
      }
    }
    // Gold scores as people give them: from 0 to 5 in steps of a fifth, so that there are ties.
    return .made(gold: gold.map { (max(0, min(5, 2.5 + $0)) * 5).rounded() / 5 }, predicted: predicted)
  }

  private func normal(_ number: Int, _ name: String, _ count: Int) -> [Double] {
    var values = [Float](repeating: 0, count: count)
    values.withUnsafeMutableBufferPointer {
      RandomStream(seed: 2026, name: "simulated." + name).normal(step: UInt64(number), offset: 0, into: $0)
    }
    return values.map(Double.init)
  }
}
