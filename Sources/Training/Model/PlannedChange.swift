// `--then 500:mixcse:lambda=0.3`: a strategy that takes over on the way, looked up before the first step. Part of
// TrainingPlan; carried out by StrategyCourse.

package import Host
import Objective

/// A strategy that takes over after a step, looked up.
package struct PlannedChange {
  /// Optimiser steps done when it takes over.
  package let step: Int
  /// Its augmenters, samplers and losses.
  package let strategy: Strategy
  /// Numbers that change from step to step while it trains.
  package let schedules: [ValueSchedule]
  /// How messages call it: `--then 500:mixcse`.
  let place: String

  /// Looks all changes of a run up.
  /// - Parameters:
  ///   - run: whose pooler stays and whose metrics go on.
  ///   - flag: what the user wrote before each.
  /// - Throws: `TrainingError.usage` for texts that are no changes, `.change`.
  static func all(
    _ texts: [String], of run: RunDescription, flag: String, registry: PluginRegistry
  ) throws -> [PlannedChange] {
    let changes: [StrategyChange]
    do throws(ChangeProblem) { changes = try StrategyChange.all(texts) } catch {
      throw TrainingError.usage(
        place: flag, expected: error.expected, found: error.found, advice: "See mixcse train --help, --then")
    }
    return try changes.map { try PlannedChange($0, of: run, flag: flag, registry: registry) }
  }

  /// Looks the strategy up.
  /// - Throws: `TrainingError.change`.
  init(_ change: StrategyChange, of run: RunDescription, flag: String, registry: PluginRegistry) throws {
    step = change.step
    let place = "\(flag) \(change.text)"
    self.place = place
    (strategy, schedules) = try Self.named(place) {
      let strategy = try StrategyRequest.resolve(
        change: change.strategy, pooler: run.pooling.pooler, metrics: run.strategy.metrics, with: registry)
      return (strategy, try strategy.schedules.map { try ValueSchedule(parsing: $0, registry: registry) })
    }
  }

  /// As records hold it, whatever recipes mean elsewhere.
  package var text: String { "\(step):\(strategy.scheduledText)" }

  /// What is other than a user may expect: values that have changed, temperatures that do not hold.
  func notes(after before: Strategy, _ configuration: ObjectiveConfiguration) -> [String] {
    var notes = strategy.changedValues(from: before)
    let losses = strategy.losses.map(\.name).joined(separator: ", ")
    let hasTemperature = configuration.temperature != nil || configuration.learnTemperature
    if hasTemperature, !strategy.losses.contains(where: { $0.parameters["temperature"] != nil }) {
      notes.append("note: \(losses) has no temperature, so none of the run's holds there")
    }
    if let temperature = configuration.temperature,
      let own = strategy.losses.first(where: { $0.parameters.isSet("temperature") })
    {
      notes.append("note: --temperature \(temperature) does not hold there, since \(own.name) has its own")
    }
    return notes
  }

  /// Says in every error which change it is about.
  func named<Result>(_ body: () throws -> Result) throws -> Result { try Self.named(place, body) }

  private static func named<Result>(_ place: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let failure as PluginFailure where failure.reason == .cancelled {
      throw failure
    } catch {
      throw TrainingError.change(place: place, problem: "\(error)", exitCode: TrainingError.code(of: error))
    }
  }
}

extension TrainingPlan {
  /// Every strategy of the run, in order.
  package var strategies: [Strategy] { [strategy] + changes.map(\.strategy) }

  /// What is trained, by name: without samplers that change nothing.
  package var effectiveText: String { text { $0.effectiveText } }

  /// Every strategy in the canonical form, with its schedules.
  package var strategyText: String { text { $0.scheduledText } }

  private func text(_ of: (Strategy) -> String) -> String {
    StrategySequence(first: of(strategy), changes: changes.map { "\($0.step):\(of($0.strategy))" }).text
  }

  /// Looks whether the parameters of every strategy may follow their schedules.
  /// - Throws: `TrainingError`
  package func checkSchedules() throws {
    try checkSchedules(schedules, of: strategy)
    for change in changes { try checkSchedules(of: change) }
  }

  func checkSchedules(of change: PlannedChange) throws {
    try change.named { try checkSchedules(change.schedules, of: change.strategy) }
  }

  private func checkSchedules(_ schedules: [ValueSchedule], of strategy: Strategy) throws {
    for schedule in schedules where schedule.target != ValueSchedule.learningRate {
      let owner = strategy.uses.first { $0.name == schedule.owner }
      try schedule.check(
        among: owner?.component.parameters ?? [], learnsTemperature: description.strategy.learnsTemperature)
    }
  }

  /// Looks whether every strategy has steps to train.
  /// - Throws: `TrainingError.usage`
  package func checkChanges(totalSteps: Int) throws {
    for change in changes {
      do throws(ChangeProblem) {
        try StrategyChange(step: change.step, strategy: change.text).check(totalSteps: totalSteps)
      } catch {
        throw TrainingError.usage(
          place: change.place, expected: error.expected, found: error.found,
          advice: "Let it take over earlier, or give more --max-steps or --epochs")
      }
    }
  }

  /// Plans every strategy that takes over on the way.
  /// - Returns: what each asks for.
  /// - Throws: `TrainingError` naming the one that cannot.
  func checkCourse(_ course: StrategyCourse, rows: Int) throws -> [StrategyNeeds] {
    try checkChanges(totalSteps: options.totalSteps(rows: rows))
    for change in changes { try checkSchedules(of: change) }
    return try course.check()
  }

  /// Looks whether a strategy can take over in the kind of run that this is.
  /// - Throws: `TrainingError.usage`
  func admit(_ other: Strategy, _ needs: StrategyNeeds) throws {
    guard options.isFrozen else { return }
    try checkFrozen(encodings: needs.encodings)
    guard other.augmenters.map(\.spec) == strategy.augmenters.map(\.spec) else {
      throw TrainingError.usage(
        place: "--frozen", expected: "the augmenters that the run begins with", found: "others",
        advice: "The rows are embedded once, with their first edit; leave --frozen out, or keep the augmenters")
    }
  }

  /// Looks whether the data is enough for every strategy of the run, and says what is left out and what is odd.
  /// - Throws: `TrainingError`
  func checkData(
    _ data: TrainingData, _ guides: [Guide], _ objective: ContrastiveModel, _ later: [StrategyNeeds],
    say: (String) -> Void
  ) throws {
    for index in objective.unreadGuides
    where !later.contains(where: { $0.encodings.contains { $0.source == .guide(index) } }) {
      say("note: --guide \(guides[index].name.text): no sampler or loss of this run reads it")
    }
    try data.use(later.reduce(objective.needs) { $0.union($1.supervision) })
    for line in data.report.lines { say(line) }
    let haveNegatives = objective.hasNegatives(rows: 1) && later.allSatisfy(\.hasNegativesAlone)
    let contrast = Contrast(rows: data.rows, options: options, hasNegatives: haveNegatives)
    if let warning = try contrast.check() { say("warning: " + warning) }
    for warning in strategies.compactMap(Self.unseenWarning) { say(warning) }
    for note in changeNotes(try configuration) { say(note) }
  }

  /// What a user should know of the changes before the first step.
  func changeNotes(_ configuration: ObjectiveConfiguration) -> [String] {
    zip(strategies, changes).flatMap { before, change in
      ["after step \(change.step) \(change.strategy.scheduledText) takes over"]
        + (change.strategy.expansions + change.notes(after: before, configuration)).map { "  " + $0 }
    }
  }

  /// Samplers of a strategy that change nothing, since its losses look at embeddings.
  static func unseenWarning(_ strategy: Strategy) -> String? {
    let unseen = strategy.unseenSamplers.map(\.name).joined(separator: ", ")
    guard !unseen.isEmpty else { return nil }
    let losses = strategy.losses.map(\.name).joined(separator: ", ")
    return
      "warning: sampler \(unseen) changes nothing: \(losses) looks at embeddings, not at candidates; leave it "
      + "out or add a loss such as infonce"
  }
}
