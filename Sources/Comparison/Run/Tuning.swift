// `--tune FLAG=V1,V2`: each strategy gets the value that is best for it. Runs with seeds of their own choose, by the
// dev score; the comparison then trains the chosen values with its seeds, so that no luck of a seed counts twice. Used
// by the compare command before the comparison itself.

import Files
package import Host
import Training

/// What was chosen for one strategy.
package struct TuningChoice: Sendable, Equatable {
  /// One combination of values that was tried.
  package struct Candidate: Sendable, Equatable {
    /// The values.
    package var values: [Variation.Value]
    /// The mean of the best dev scores, Spearman x 100; nil where a run failed.
    package var score: Double?

    /// A candidate by its parts.
    package init(values: [Variation.Value], score: Double?) { (self.values, self.score) = (values, score) }
  }

  /// Of the strategy.
  package var label: String
  /// In the order they were named.
  package var candidates: [Candidate]

  /// The place of the best one, the first of equals; nil where every candidate failed.
  package var best: Int? {
    let scored = candidates.indices.filter { candidates[$0].score != nil }
    return scored.max { a, b in
      let (first, second) = (candidates[a].score ?? 0, candidates[b].score ?? 0)
      return first < second || first == second && a > b
    }
  }

  /// A choice by its parts.
  package init(label: String, candidates: [Candidate]) { (self.label, self.candidates) = (label, candidates) }
}

/// Chooses the values of `--tune`.
package struct Tuning {
  /// Strategies with the values that were chosen, in the order of the request.
  package let variants: [StrategyVariant]
  /// One for each.
  package let choices: [TuningChoice]
  /// Whether a signal ended it; nothing is chosen then.
  package let isInterrupted: Bool
  /// Runs that came to their end, and all of them.
  package let finished, total: Int
  /// What is left to others; nothing is chosen then.
  package let handover: Handover?

  /// What is tried: every strategy with every combination of the values.
  package static func candidates(_ request: ComparisonRequest) throws -> [(of: StrategyVariant, all: [StrategyVariant])]
  {
    let names = try (request.vary.map { try Variation(parsing: $0) }).map(\.name)
    let tuned = try request.tune.map { try Variation(parsing: $0, flag: "--tune") }
    if let both = tuned.first(where: { names.contains($0.name) })?.name {
      throw ComparisonError.usage(
        place: "--vary \(both) --tune \(both)", expected: "one of the two", found: "both",
        advice: "--vary compares values, --tune chooses one for each strategy")
    }
    let combinations = try Variation.combinations(tuned)
    return try StrategyVariant.all(request).map { variant in
      let all = combinations.map { values in
        let label = ([variant.text.label] + values.map(\.label)).joined(separator: " ")
        return StrategyVariant(
          text: StrategyText(label: label, text: variant.text.text), values: variant.values + values)
      }
      return (variant, all)
    }
  }

  /// The comparison whose runs choose.
  package static func plan(
    _ request: ComparisonRequest, program: Program, threads: Int, registry: PluginRegistry
  ) throws -> ComparisonPlan {
    var asked = request
    (asked.seeds, asked.usesBudget) = (try request.seedsOfTuning(), false)
    return try ComparisonPlan(
      asked, variants: candidates(request).flatMap(\.all), program: program, threads: threads, registry: registry)
  }

  /// Trains every candidate and chooses.
  /// - Throws: `ComparisonError`, also where every candidate of a strategy failed.
  package init(
    _ request: ComparisonRequest, program: Program, threads: Int, registry: PluginRegistry, display: ComparisonDisplay
  ) throws {
    let plan = try Self.plan(request, program: program, threads: threads, registry: registry)
    let seeds = plan.seeds.map { "\($0)" }.joined(separator: ", ")
    display.note("choosing \(Self.names(request)) for each strategy by the dev score, with seeds \(seeds)")
    let found = try ComparisonRunner(plan, display: display).trainOnly()
    (isInterrupted, handover) = (found.isInterrupted, found.handover)
    (finished, total) = (found.scores.joined().count { $0 != nil }, found.scores.joined().count)
    var (place, choices, variants) = (0, [TuningChoice](), [StrategyVariant]())
    for (variant, all) in try Self.candidates(request) {
      let candidates = all.map { candidate in
        defer { place += 1 }
        let scores = found.scores[place]
        let known = scores.compactMap(\.self)
        return TuningChoice.Candidate(
          values: Array(candidate.values.dropFirst(variant.values.count)),
          score: known.count == scores.count ? known.reduce(0, +) / Double(known.count) : nil)
      }
      let choice = TuningChoice(label: variant.text.label, candidates: candidates)
      choices.append(choice)
      guard let best = choice.best else {
        if isInterrupted || handover != nil { continue }
        throw ComparisonError.failed(runs: all.map(\.text.label), total: found.scores.count)
      }
      variants.append(
        StrategyVariant(text: variant.text, values: variant.values + candidates[best].values))
    }
    (self.variants, self.choices) = (variants, choices)
  }

  private static func names(_ request: ComparisonRequest) -> String {
    request.tune.map { $0.prefix { $0 != "=" } }.joined(separator: " and ")
  }
}

extension ComparisonRequest {
  /// The seeds that choose values: those that were named, else the two behind the largest of the comparison.
  /// - Throws: `ComparisonError.usage` where one of them is a seed of the comparison, too.
  func seedsOfTuning() throws -> [UInt64] {
    if let both = tuneSeeds.first(where: seeds.contains) {
      throw ComparisonError.usage(
        place: "--tune-seeds", expected: "seeds that the comparison does not use",
        found: "\(both), which is in --seeds",
        advice: "A seed that chooses a value and is then scored with it would count its luck twice")
    }
    guard tuneSeeds.isEmpty else { return tuneSeeds }
    let largest = seeds.max() ?? 0
    return (1...2).map { largest &+ $0 }
  }
}
