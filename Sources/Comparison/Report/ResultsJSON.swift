// results.json: all figures of a comparison but the single pairs. Written by ComparisonReport.

import Files

/// The comparison as one JSON document.
enum ResultsJSON {
  static func value(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> JSONValue {
    let strategies = results.strategies.map { strategy in
      object([
        ("label", .string(strategy.label)), ("text", .string(strategy.text)),
        ("canonical", .string(strategy.canonical)),
        ("values", object(strategy.values.map { ($0.name, .string($0.text)) })),
      ])
    }
    return object([
      ("format", .string("mixcse.comparison/2")),
      ("strategies", .array(strategies)),
      ("seeds", .array(results.seeds.map(integer))),
      ("metrics", .array(analysis.metrics.map { metric($0, results) })),
      ("runs", .array(results.runs.map { run($0, results, analysis) })),
      ("family", family(analysis.family, results)),
      ("tuning", .array(results.choices.map(choice))),
      ("notes", .array(AnalysisNotes.lines(results, analysis).map(JSONValue.string))),
      ("command", .array(results.commandLine.map(JSONValue.string))),
      ("record", .object(results.record)),
    ])
  }

  private static func metric(_ metric: MetricAnalysis, _ results: ComparisonResults) -> JSONValue {
    let summaries = zip(results.strategies, metric.summaries).map { strategy, summary in
      object([
        ("label", .string(strategy.label)), ("mean", number(summary.mean)), ("deviation", number(summary.deviation)),
        ("seeds", .array(summary.seeds.map(integer))), ("scores", .array(summary.scores.map(number))),
        ("before", number(summary.before)),
      ])
    }
    return object([
      ("metric", .string(metric.metric)), ("kind", .string(metric.kind.rawValue)),
      ("measure", .string(metric.measure.rawValue)), ("decides", .bool(metric.decides)),
      ("before", number(metric.before)),
      ("pairs", .integer(metric.pairs)), ("components", .integer(metric.components)),
      ("strategies", .array(summaries)),
      ("comparisons", .array(metric.comparisons.map { comparison($0, results) })),
      ("leftOut", .array(metric.leftOut.map(JSONValue.string))),
    ])
  }

  private static func comparison(_ item: StrategyComparison, _ results: ComparisonResults) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("label", .string(results.strategies[item.strategy].label)),
      ("against", .string(results.strategies[item.against].label)),
      ("verdict", .string(item.verdict.rawValue)),
      ("difference", number(item.mean)),
      ("interval", range(item.interval)),
      ("interval90", range(item.interval90)),
      ("simultaneousInterval", range(item.simultaneousInterval)),
      ("simultaneousLevel", .number(item.simultaneousLevel)),
      ("intervalOver", .string(item.basis.rawValue)),
      ("pValue", number(item.pValue)),
      ("correctedPValue", number(item.correctedPValue)),
      ("seeds", .array(item.seeds.map(integer))),
      ("differences", .array(item.differences.map(number))),
      ("noDifferenceLargerThan", number(item.largestDifference)),
    ]
    if let spread = item.spread {
      members.append(
        (
          "variance",
          object([
            ("betweenSeeds", .number(spread.betweenSeeds)), ("pairs", .number(spread.pairs)),
            ("interaction", .number(spread.interaction)),
          ])
        ))
    }
    if let needed = item.seedsToShow {
      members.append(
        (
          "seedsToShow",
          object([
            ("difference", .number(needed.difference)), ("half", seeds(needed.half)), ("most", seeds(needed.most)),
            ("staysOpen", .number(needed.staysOpen)), ("text", .string(VerdictWords.seeds(needed))),
          ])
        ))
    }
    return object(members)
  }

  /// Null where no number of seeds, or none up to `SeedsToShow.most`, is enough.
  private static func seeds(_ answer: SeedsToShow.Answer) -> JSONValue {
    if case .seeds(let count) = answer { .integer(count) } else { .null }
  }

  private static func choice(_ choice: TuningChoice) -> JSONValue {
    let candidates = choice.candidates.map { candidate in
      object([
        ("values", object(candidate.values.map { ($0.name, .string($0.text)) })), ("dev", number(candidate.score)),
      ])
    }
    return object([
      ("label", .string(choice.label)), ("candidates", .array(candidates)),
      ("chosen", choice.best.map(JSONValue.integer) ?? .null),
    ])
  }

  private static func family(_ family: Family, _ results: ComparisonResults) -> JSONValue {
    let looks = zip(results.strategies.dropFirst(), family.looks).map { strategy, look in
      object([
        ("label", .string(strategy.label)), ("look", .integer(look.number)), ("planned", .integer(look.planned)),
        ("levelDividedBy", .integer(look.divisor)),
        ("earlierSeeds", .array(look.earlier.map { .array($0.map(integer)) })),
      ])
    }
    return object([
      ("level", .number(ClaimCorrection.level)), ("comparisons", .integer(family.comparisons)),
      ("isAllPairs", .bool(!family.earlierReferences.isEmpty)),
      ("earlierReferences", .array(family.earlierReferences.map(JSONValue.string))),
      ("earlierStrategies", .array(family.earlierStrategies.map(JSONValue.string))),
      ("earlierMetrics", .array(family.earlierMetrics.map(JSONValue.string))), ("looks", .array(looks)),
    ])
  }

  private static func run(
    _ run: ComparedRun, _ results: ComparisonResults, _ analysis: ComparisonAnalysis
  ) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("label", .string(results.strategies[run.strategy].label)), ("seed", integer(run.seed)),
      ("outcome", .string(RunOutcomes.name(run.outcome))),
    ]
    if case .dropped(let step, _) = run.outcome { members.append(("droppedAtStep", .integer(step))) }
    if let reason = RunOutcomes.reason(run.outcome) { members.append(("reason", .string(reason))) }
    let scores = analysis.metrics.compactMap { metric -> (String, JSONValue)? in
      let summary = metric.summaries[run.strategy]
      guard run.outcome == .finished, let place = summary.seeds.firstIndex(of: run.seed) else { return nil }
      return (metric.metric, number(summary.scores[place]))
    }
    members += [
      ("steps", .integer(run.curve.last?.step ?? 0)), ("seconds", number(run.seconds)),
      ("folder", .string(run.folder)), ("scores", object(scores)),
    ]
    return object(members)
  }

  private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }

  /// Null where there is no number.
  private static func number(_ value: Double?) -> JSONValue {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }

  private static func range(_ value: ClosedRange<Double>?) -> JSONValue {
    value.map { .array([number($0.lowerBound), number($0.upperBound)]) } ?? .null
  }

  /// Seeds beyond the signed range are text, so that no digit is lost.
  private static func integer(_ value: UInt64) -> JSONValue {
    Int(exactly: value).map(JSONValue.integer) ?? .string("\(value)")
  }
}
