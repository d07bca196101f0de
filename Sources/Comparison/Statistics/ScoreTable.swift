// The scores of one metric by strategy and seed, each with what the pairs contribute to it; and the mean over sets as
// one more metric. Made for ComparisonAnalysis.

package import Evaluation
import Kernels

/// A score with what each pair contributes to it.
package struct RunScore: Sendable {
  /// Of one set, or the mean of several.
  package var value: Double
  /// By pair: influence values divided by the number of pairs, so that over independent pairs the sum of their squares
  /// is the variance of the score.
  package var contributions: [Double]

  /// A score by its parts.
  package init(value: Double, contributions: [Double]) { (self.value, self.contributions) = (value, contributions) }
}

/// One metric over all runs.
package struct ScoreTable: Sendable {
  /// What is scored.
  package enum Kind: String, Sendable {
    /// A mean over sets, equal weights.
    case mean
    case test
    /// The pairs by which each run chose its checkpoint.
    case dev
  }

  /// `STS12`, ..., a pair file's name, or `STS mean`.
  package var metric: String
  /// What is scored.
  package var kind: Kind
  /// What the scores are.
  package var measure = Measure.spearman
  /// Pairs that hang together through their sentences.
  package var components: SentenceComponents
  /// `[strategy][seed]`; nil where there is no score.
  package var rows: [[RunScore?]]
  /// By strategy, the score of the model that training began with; empty where nothing is known.
  package var before: [Double?] = []
  /// Finished runs without a score, and why.
  package var leftOut: [String] = []

  /// A table by its parts.
  package init(metric: String, kind: Kind, components: SentenceComponents, rows: [[RunScore?]]) {
    (self.metric, self.kind, self.components, self.rows) = (metric, kind, components, rows)
  }

  var hasScores: Bool { rows.contains { $0.contains { $0 != nil } } }

  /// The metric that decides, the other means, the test sets, the dev pairs.
  static func all(_ results: ComparisonResults, pool: ThreadPool) -> [ScoreTable] {
    var names: [String] = []
    for score in results.runs.lazy.filter({ $0.outcome == .finished }).flatMap(\.scores)
    where !names.contains(score.metric) { names.append(score.metric) }
    var unknown = -1
    let sets = names.map { SetScores($0, results, pool: pool, unknown: &unknown) }
    let tests = sets.filter { $0.table.kind == .test }
    let scored = tests.filter(\.table.hasScores).map { (name: $0.table.metric, measure: $0.table.measure) }
    var means = MeanMetric.usual(scored)
    means += results.means.filter { asked in !means.contains { $0.name == asked.name } }
    let tables =
      means.compactMap { mean in
        let members = mean.sets.compactMap { name in sets.first { $0.table.metric == name } }
        return members.count == mean.sets.count ? Self.mean(mean.name, members, results) : nil
      } + tests.map(\.table) + sets.filter { $0.table.kind == .dev }.map(\.table)
    guard let deciding = deciding(among: tables, named: results.decideBy) else { return tables }
    return [tables[deciding]] + tables[..<deciding] + tables[(deciding + 1)...]
  }

  /// The place of the metric that decides: the one that was named; else a mean, a test set, the dev pairs.
  static func deciding(among tables: [ScoreTable], named name: String?) -> Int? {
    if let name { return tables.firstIndex { $0.metric == name && $0.hasScores } }
    let order: [Kind] = [.mean, .test, .dev]
    return order.lazy.compactMap { kind in tables.firstIndex { $0.kind == kind && $0.hasScores } }.first
  }

  /// Equal weights; only of runs that have a score on each set. Pairs of different sets that share sentences belong to
  /// one component.
  private static func mean(_ name: String, _ sets: [SetScores], _ results: ComparisonResults) -> ScoreTable {
    let share = 1 / Double(sets.count)
    var table = ScoreTable(
      metric: name, kind: .mean, components: SentenceComponents(sets.flatMap(\.sentences)), rows: [])
    table.measure = sets.first?.table.measure ?? .spearman
    table.before = results.before.indices.map { strategy in
      let scores = sets.compactMap { $0.table.before[strategy] }
      return scores.count == sets.count ? share * scores.reduce(0, +) : nil
    }
    table.rows = results.strategies.indices.map { strategy in
      results.seeds.indices.map { seed in
        let scores = sets.compactMap { $0.table.rows[strategy][seed] }
        guard scores.count == sets.count else {
          if let missing = sets.first(where: { $0.table.rows[strategy][seed] == nil }), !scores.isEmpty {
            table.leftOut.append(
              "\(results.name(strategy, results.seeds[seed])): no mean, without a score on \(missing.table.metric)")
          }
          return nil
        }
        return RunScore(
          value: share * scores.reduce(0) { $0 + $1.value },
          contributions: scores.flatMap { $0.contributions.map { share * $0 } })
      }
    }
    return table
  }
}

/// One set's table, with its sentences.
private struct SetScores {
  private(set) var table: ScoreTable
  let sentences: [SentencePair]

  /// - Parameter unknown: the next number for sentences that are not known; such pairs count as independent.
  init(_ metric: String, _ results: ComparisonResults, pool: ThreadPool, unknown: inout Int) {
    let set = results.sets.first { $0.metric == metric }
    let finished = results.runs.compactMap { run in
      run.outcome == .finished ? run.scores.first { $0.metric == metric }.map { (run, $0) } : nil
    }
    let gold = finished.first?.1.gold ?? []
    if let known = set?.sentences, known.count == gold.count {
      sentences = known
    } else {
      sentences = gold.indices.map { SentencePair(first: unknown - 2 * $0, second: unknown - 2 * $0 - 1) }
      unknown -= 2 * gold.count
    }
    let empty = [RunScore?](repeating: nil, count: results.seeds.count)
    table = ScoreTable(
      metric: metric, kind: set?.isDev ?? false ? .dev : .test, components: SentenceComponents(sentences),
      rows: Array(repeating: empty, count: results.strategies.count))
    table.measure = set?.measure ?? finished.first?.1.measure ?? .spearman
    let before = results.before.map { scores in scores.first { $0.metric == metric } }
    table.before = Self.scores(before, gold: gold, pool: pool).map { try? $0.get().value }
    if set != nil, set?.sentences.count != gold.count {
      table.leftOut.append(
        "the sentences of \(metric): they are not those of its scores, and pairs count as independent")
    }
    for ((run, _), score) in zip(finished, Self.scores(finished.map { $0.1 }, gold: gold, pool: pool)) {
      guard let seed = results.seeds.firstIndex(of: run.seed) else { continue }
      switch score {
      case .success(let score): table.rows[run.strategy][seed] = score
      case .failure(let reason): table.leftOut.append("\(results.name(run.strategy, run.seed)): \(reason.text)")
      }
    }
  }

  private struct Reason: Error { var text: String }

  private static func scores(_ pairs: [PairScores?], gold: [Double], pool: ThreadPool) -> [Result<RunScore, Reason>] {
    let target = RankedSample(gold)
    var found = [Result<RunScore, Reason>](repeating: .failure(Reason(text: "not scored")), count: pairs.count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      pool.parallelFor(pairs.count, grain: 1) { range, _ in
        for index in range {
          if let pairs = pairs[index] { found[index] = score(pairs, gold, target) }
        }
      }
    }
    return found
  }

  private static func score(_ pairs: PairScores, _ gold: [Double], _ target: RankedSample) -> Result<RunScore, Reason> {
    guard pairs.gold == gold, pairs.predicted.count == gold.count else {
      return .failure(Reason(text: "scored on other pairs than the runs before it"))
    }
    if pairs.measure == .accuracy { return .success(accuracy(pairs.predicted)) }
    let value = Correlation.spearman(pairs.predicted, gold) * 100
    guard value.isFinite, let influence = SpearmanInfluence.values(RankedSample(pairs.predicted), target) else {
      return .failure(Reason(text: "Spearman is undefined, all its similarities being equal or not numbers"))
    }
    return .success(RunScore(value: value, contributions: influence.map { 100 * $0 / Double(gold.count) }))
  }

  /// A mean's influence values are what each sample differs from it.
  private static func accuracy(_ isRight: [Double]) -> RunScore {
    let count = Double(isRight.count)
    let share = isRight.reduce(0, +) / count
    return RunScore(value: 100 * share, contributions: isRight.map { 100 * ($0 - share) / count })
  }
}
