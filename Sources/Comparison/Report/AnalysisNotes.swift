// What a reader has to know of this very comparison before believing a verdict, in sentences. In every kind of report.

import Training

/// Facts that limit the verdicts; plain text.
enum AnalysisNotes {
  static func lines(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    unfinished(results, analysis) + encoder(results) + decision(results) + choices(results) + looks(analysis.family)
      + family(results, analysis.family) + worse(results, analysis) + overlap(results, analysis) + seeds(analysis)
      + far(results, analysis) + survivors(results)
  }

  private static func unfinished(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    guard !analysis.isComplete else { return [] }
    let count = results.runs.count { $0.outcome == .unfinished }
    return ["\(count) of \(results.runs.count) runs are still to come; intervals, p and verdicts wait for them."]
  }

  private static func encoder(_ results: ComparisonResults) -> [String] {
    let encoders = EncoderWords.of(results)
    guard !encoders.isEmpty else { return [] }
    let named = encoders.map { encoder in (encoder.label.map { $0 + ": " } ?? "") + encoder.text }
    return ["Trained with the encoder \(named.joined(separator: "; ")). Final models are scored by it in f32."]
  }

  // MARK: - What was asked

  private static func decision(_ results: ComparisonResults) -> [String] {
    results.decideBy.map { ["\($0) decides, as was said before the comparison."] } ?? []
  }

  private static func choices(_ results: ComparisonResults) -> [String] {
    let chosen = results.choices.compactMap { choice in
      choice.best.map { best -> String in
        let candidate = choice.candidates[best]
        let values = candidate.values.map(\.label).joined(separator: " ")
        let score = candidate.score.map { ", dev \(fixed($0, 2))" } ?? ""
        return "\(choice.label): \(values) (\(choice.candidates.count) tried\(score)\(edge(choice, best)))"
      }
    }
    guard !chosen.isEmpty else { return [] }
    return [
      "Chosen for each strategy by the dev score, with seeds that the comparison does not use: "
        + chosen.joined(separator: "; ") + "."
    ]
  }

  /// Beyond the smallest or largest value that was tried there may be a better one.
  private static func edge(_ choice: TuningChoice, _ best: Int) -> String {
    guard let value = choice.candidates[best].values.first, choice.candidates[best].values.count == 1,
      let number = Double(value.text)
    else { return "" }
    let all = choice.candidates.compactMap { $0.values.first.flatMap { Double($0.text) } }
    guard all.count > 2, all.count == choice.candidates.count else { return "" }
    return number == all.max() ? ", the largest" : number == all.min() ? ", the smallest" : ""
  }

  /// Strategies that end below where they began, on the metric that decides.
  private static func worse(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    guard let deciding = analysis.deciding else { return [] }
    let found = deciding.summaries.enumerated().compactMap { strategy, summary -> String? in
      guard let before = summary.before, let mean = summary.mean, mean < before else { return nil }
      return "\(results.strategies[strategy].label) (\(fixed(before, 2)) before, \(fixed(mean, 2)) after)"
    }
    guard !found.isEmpty else { return [] }
    return [
      "Training made the model worse on \(deciding.metric): \(list(found)). What is compared there is how little harm "
        + "a strategy does."
    ]
  }

  // MARK: - Level

  /// Said once for all comparisons, by the one that was looked at most often.
  private static func looks(_ family: Family) -> [String] {
    guard let look = family.looks.max(by: { $0.number < $1.number }), look.number > 1 || look.planned > 1 else {
      return []
    }
    var line = "This is look \(look.number) of \(look.planned) planned at these verdicts"
    if !look.earlier.isEmpty { line += ", after \(look.earlier.map(seedsOfLook).joined(separator: "; "))" }
    line += ": the level is 5 % / \(look.divisor)"
    if look.isUnplanned {
      line +=
        ", since adding seeds until something shows makes false alarms more likely, and more looks were taken"
        + " than planned (--looks)"
    }
    return [line + "."]
  }

  private static func seedsOfLook(_ seeds: [UInt64]) -> String {
    "\(seeds.count) seeds (\(seeds.map { "\($0)" }.joined(separator: ", ")))"
  }

  private static func family(_ results: ComparisonResults, _ family: Family) -> [String] {
    var lines: [String] = []
    if !family.earlierReferences.isEmpty {
      lines.append(
        "The strategies were compared with \(list(family.earlierReferences)) before; with a reference chosen after "
          + "looking every pair was a candidate, and all \(family.comparisons) pairs are corrected for.")
    }
    if !family.earlierMetrics.isEmpty {
      lines.append(
        "Verdicts rested on \(list(family.earlierMetrics)) before; each metric that decides is one more chance, and "
          + "all \(family.comparisons) are corrected for.")
    }
    if !family.earlierStrategies.isEmpty {
      lines.append(
        "Also compared in this folder, and still corrected for: \(list(family.earlierStrategies)).")
    }
    return lines
  }

  private static func list(_ labels: [String]) -> String {
    labels.count > 5
      ? labels.prefix(5).joined(separator: ", ") + " and \(labels.count - 5) more"
      : labels.joined(separator: ", ")
  }

  // MARK: - Data

  private static func overlap(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    let overlap = analysis.overlap
    var lines: [String] = []
    if overlap.devPairsInTests > 0, let dev = analysis.metrics.first(where: { $0.kind == .dev }) {
      lines.append(
        "\(overlap.devPairsInTests) of the \(overlap.devPairs) pairs of \(dev.metric), by which each run chose its "
          + "checkpoint, stand in the test data, too: scores there are flattered.")
    }
    if analysis.deciding?.kind == .dev, analysis.isComplete, results.strategies.count > 1 {
      lines.append("Verdicts rest on the pairs by which each run chose its checkpoint; --test-data names others.")
    }
    if overlap.testPairsTwice > 0 {
      lines.append(
        "\(overlap.testPairsTwice) of the \(overlap.testPairs) test pairs stand in more than one set; the interval "
          + "of the mean allows for that.")
    }
    return lines
  }

  // MARK: - Seeds

  /// Of a difference with a single seed.
  static let oneSeed = "One common seed compares two trained models: no claim about the methods is possible."

  private static func seeds(_ analysis: ComparisonAnalysis) -> [String] {
    guard analysis.isComplete, let deciding = analysis.deciding else { return [] }
    var lines: [String] = []
    if deciding.comparisons.contains(where: { $0.basis == .pairsOnly }) {
      lines.append(oneSeed)
    }
    let two = deciding.comparisons.filter { $0.seeds.count == 2 }.compactMap {
      $0.spread?.halfWidth(level: $0.simultaneousLevel)
    }
    // Strategies that do the same have no width at all, and show nothing.
    if let least = two.filter({ $0 >= 0.005 }).min() {
      lines.append("With two common seeds nothing under about \(fixed(least, 2)) can be shown on \(deciding.metric).")
    }
    return lines
  }

  private static func far(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [String] {
    analysis.farSeeds.map { far in
      let others = "\(fixed(far.others.lowerBound, 2)) to \(fixed(far.others.upperBound, 2))"
      return "\(results.name(far.strategy, far.seed)) lies far off its other seeds (\(fixed(far.score, 2)); the others "
        + "\(others)): if it collapsed, no interval by Student's t can be trusted."
    }
  }

  private static func survivors(_ results: ComparisonResults) -> [String] {
    let isBudget = results.runs.contains { if case .dropped = $0.outcome { true } else { false } }
    guard isBudget else { return [] }
    return [
      "Strategies were given up by their dev scores (--budget): differences of those that stayed are biased upwards, "
        + "in simulations by 0.02 to 0.16 at a deviation of 0.5 between seeds."
    ]
  }
}
