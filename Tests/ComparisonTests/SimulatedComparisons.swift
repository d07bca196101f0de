// Comparisons of strategies that are equal, or differ by a known amount, on pairs that hang together as those of the
// STS sets do (Tests/Fixtures/comparison/make_clusters.py). Used by CalibrationTests.

import Comparison
import Evaluation
import Foundation
import Kernels
import TestSupport

/// Sizes of components, in pairs.
struct ClusterSizes: Decodable {
  /// Rows: how many components, then their size, in `together` in each of the seven sets.
  private var sts12, sickR, together: [[Int]]

  private enum CodingKeys: String, CodingKey {
    case sts12 = "STS12"
    case sickR = "SICK-R"
    case together
  }

  enum Data: String, CaseIterable, Sendable {
    case sts12 = "STS12"
    case sickR = "SICK-R"
    case seven = "seven sets"
  }

  static func load() throws -> ClusterSizes {
    let path = Resources.fixture("comparison/clusters.json")
    return try JSONDecoder().decode(Self.self, from: Foundation.Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// `[set][component]`.
  func sizes(_ data: Data) -> [[Int]] {
    let rows =
      switch data {
      case .sts12: sts12
      case .sickR: sickR
      case .seven: together
      }
    let components = rows.flatMap { Array(repeating: Array($0.dropFirst()), count: $0[0]) }
    return (components.first ?? []).indices.map { set in components.map { $0[set] } }
  }
}

/// Normal numbers by name.
private func normal(_ number: Int, _ name: String, _ count: Int) -> [Double] {
  var values = [Float](repeating: 0, count: count)
  values.withUnsafeMutableBufferPointer {
    RandomStream(seed: 2026, name: "simulated." + name).normal(step: UInt64(number), offset: 0, into: $0)
  }
  return values.map(Double.init)
}

/// Numbers by name with mean 0 and variance 1, sums of four uniform ones: nearly normal, and far quicker.
private func noise(_ number: Int, _ name: String, _ count: Int) -> [Double] {
  var state = name.utf8.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
  // Scrambled once, so that neighbouring numbers are not the same sequence, shifted.
  state = scrambled(state ^ scrambled(UInt64(number) &+ 1))
  var values = [Double](repeating: 0, count: count)
  for index in values.indices {
    state &+= 0x9E37_79B9_7F4A_7C15
    let word = scrambled(state)
    let sum = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + word >> 48
    values[index] = (Double(sum) / 65_536 + 2 / 65_536 - 2) * 1.7320508075688772
  }
  return values
}

/// SplitMix64's output for a state.
private func scrambled(_ state: UInt64) -> UInt64 {
  var word = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
  word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
  return word ^ (word >> 31)
}

/// Scores made of what each component contributes, without any model behind them: thousands of comparisons a second.
/// Seeds of a strategy share what it does to the pairs, strategies share most of what a seed does to them, and
/// strategies spread unequally over seeds.
struct SimulatedScores {
  /// `[set][component]`, in pairs.
  var sizes: [[Int]]
  var strategies = 2
  var seeds = 3
  /// The deviation over seeds of each strategy, in turn, Spearman x 100.
  var seedDeviations = [0.2, 0.5, 0.1, 0.35]
  /// The correlation of two strategies over seeds.
  var correlation = 0.8
  /// The deviation of a strategy's score over draws of components, shared by its seeds.
  var methodDeviation = 0.2
  /// The same, of each seed its own.
  var seedPairDeviation = 0.1
  /// The correlation of two pairs of a component.
  var within = 0.16

  /// One table a set.
  func tables(_ number: Int) -> [ScoreTable] {
    let shared = normal(number, "seeds", seeds)
    var tables = sizes.enumerated().map { index, sizes in
      ScoreTable(
        metric: "set \(index)", kind: .test, components: SentenceComponents(independent: sizes.count), rows: [])
    }
    for strategy in 0..<strategies {
      let deviation = seedDeviations[strategy % seedDeviations.count]
      let own = normal(number, "seeds of \(strategy)", seeds)
      let method = contributions(number, "\(strategy)", methodDeviation)
      let seedParts = (0..<seeds).map { contributions(number, "\(strategy) \($0)", seedPairDeviation) }
      for set in sizes.indices {
        tables[set].rows.append(
          (0..<seeds).map { seed in
            let seedPart = correlation.squareRoot() * shared[seed] + (1 - correlation).squareRoot() * own[seed]
            var parts = method[set]
            for component in parts.indices { parts[component] += seedParts[seed][set][component] }
            return score(80 + deviation * seedPart, parts, sizes[set])
          })
      }
    }
    return tables
  }

  /// Influence values have the mean 0 over pairs.
  private func score(_ value: Double, _ parts: [Double], _ sizes: [Int]) -> RunScore {
    var (sum, pairs, centred) = (0.0, 0, parts)
    for (part, size) in zip(parts, sizes) { (sum, pairs) = (sum + part, pairs + size) }
    for component in parts.indices { centred[component] -= sum * Double(sizes[component]) / Double(pairs) }
    return RunScore(value: value + sum, contributions: centred)
  }

  /// `[set][component]`: a part that all pairs of a component share, over all sets, and one of each pair.
  private func contributions(_ number: Int, _ name: String, _ deviation: Double) -> [[Double]] {
    guard deviation > 0 else { return sizes.map { [Double](repeating: 0, count: $0.count) } }
    // A single set needs no part that sets share: one number has the variance of both.
    let isSingle = sizes.count == 1
    let common = isSingle ? [] : noise(number, "common " + name, sizes[0].count)
    return sizes.enumerated().map { set, sizes in
      var parts = noise(number, "own \(set) " + name, sizes.count)
      let variances = sizes.map { (own: (1 - within) * Double($0), shared: within * Double($0 * $0)) }
      let scale = deviation / variances.reduce(0) { $0 + $1.own + $1.shared }.squareRoot()
      for component in parts.indices {
        let (own, shared) = variances[component]
        parts[component] =
          isSingle
          ? scale * (own + shared).squareRoot() * parts[component]
          : scale * (own.squareRoot() * parts[component] + shared.squareRoot() * common[component])
      }
      return parts
    }
  }

  /// The sets' tables with their mean before them.
  static func withMean(_ sets: [ScoreTable]) -> [ScoreTable] {
    guard sets.count > 1 else { return sets }
    let share = 1 / Double(sets.count)
    var mean = sets[0]
    (mean.metric, mean.kind) = ("mean", .mean)
    for strategy in mean.rows.indices {
      for seed in mean.rows[strategy].indices {
        let scores = sets.compactMap { $0.rows[strategy][seed] }
        var parts = [Double](repeating: 0, count: mean.components.count)
        for score in scores {
          for component in parts.indices { parts[component] += share * score.contributions[component] }
        }
        mean.rows[strategy][seed] = RunScore(value: share * scores.reduce(0) { $0 + $1.value }, contributions: parts)
      }
    }
    return [mean] + sets
  }
}

/// Two strategies from gold scores and predictions on, pairs drawn again for each comparison. A run predicts the gold
/// score with the strength of its seed, what its method adds to every pair and to every component (shared by the
/// seeds), and noise of its own.
struct SimulatedComparisons {
  /// `[set][component]`, in pairs.
  var sizes: [[Int]]
  var seeds = 3
  /// The standard deviation of a run's strength (1 on average) by strategy: the seed effect.
  var seedEffects = [0.02, 0.04]
  /// The standard deviation of what a method adds to a pair, and of what it adds to all pairs of a component.
  var methodEffects = (pair: 0.25, component: 0.05)
  /// How much stronger the second strategy is.
  var advantage = 0.0
  var noise = 0.5

  func results(_ number: Int) -> ComparisonResults {
    var results = ComparisonResults.planned(strategies: 2, seeds: seeds)
    for run in results.runs.indices { results.runs[run].scores = [] }
    for (set, sizes) in sizes.enumerated() {
      // Pairs of a component share their first sentence, over all sets.
      let owners = sizes.enumerated().flatMap { Array(repeating: $0, count: $1) }
      let latent = normal(number, "gold \(set)", owners.count)
      let gold = latent.map { (max(0, min(5, 2.5 + $0)) * 5).rounded() / 5 }
      results.sets.append(
        ComparedSet(
          metric: "set \(set)", isDev: false,
          sentences: owners.enumerated().map { pair, owner in
            SentencePair(first: owner, second: (set + 1) * 1_000_000 + pair)
          }))
      for method in 0..<2 {
        let ofPair = normal(number, "method \(method) \(set)", owners.count)
        let ofComponent = normal(number, "method \(method)", sizes.count)
        let strengths = normal(number, "strength \(method)", seeds)
        for seed in 0..<seeds {
          let noises = normal(number, "noise \(method) \(seed) \(set)", owners.count)
          let strength = 1 + Double(method) * advantage + seedEffects[method] * strengths[seed]
          let predicted = owners.indices.map { pair in
            let added = methodEffects.pair * ofPair[pair] + methodEffects.component * ofComponent[owners[pair]]
            return strength * latent[pair] + added + noise * noises[pair]
          }
          results.runs[method * seeds + seed].scores
            .append(PairScores(metric: "set \(set)", gold: gold, predicted: predicted))
        }
      }
    }
    return results
  }
}
