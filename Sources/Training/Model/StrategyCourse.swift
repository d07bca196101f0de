// The strategies of a run, one after the other: which one trains, and what has to change for the next. Made by
// TrainingPlan, asked by TrainingRun before each step.

import Host
import Objective
import Tokenizer

/// A strategy that trains, or has trained.
struct RunningStrategy {
  let strategy: Strategy
  /// The step before its first.
  let start: Int
  /// How many of the plan's changes are behind it.
  let index: Int
  /// Whether somebody swapped it in by hand.
  var isSwapped = false

  /// The canonical form, with schedules.
  var text: String { strategy.scheduledText }
}

/// A strategy that took over, and what it takes to undo that.
struct CourseChange {
  let from, to: RunningStrategy
  /// What a user should know.
  var notes: [String] { model.exchange.notes }
  /// Parameters that start over, whatever their names.
  var newParameters: Set<String> { model.exchange.newParameters }
  fileprivate let model: SentenceModelChange
  fileprivate let augmentation: Augmentation?
  fileprivate let schedules: [RunningSchedule]
}

/// What trains, and what follows.
package final class StrategyCourse {
  /// What a course works on.
  struct Parts {
    let model: SentenceModel
    let batches: BatchMaker
    /// The augmenters of a strategy, planned; nil where it has none.
    let augmentation: (Strategy) throws -> Augmentation?
    /// Looks whether the run can train a strategy beside what it is otherwise.
    let admit: (Strategy, StrategyNeeds) throws -> Void
    /// Notes what of the data's scores and labels is used, and checks it.
    let use: (Supervision) throws -> Void
    /// The strategy's settings around it.
    let configuration: ObjectiveConfiguration
    let options: TrainingOptions
  }

  private let first: RunningStrategy
  private let changes: [PlannedChange]
  private let parts: Parts
  /// Of the run's learning rate, which no strategy changes.
  private let rateSchedules: [ValueSchedule]
  private let firstSchedules: [ValueSchedule]
  private let totalSteps: Int
  /// Whose turn it is.
  private(set) var current: RunningStrategy
  /// Numbers that change from step to step.
  private(set) var schedules: [RunningSchedule] = []

  /// - Throws: `TrainingError.usage` for schedules that have no target.
  init(_ plan: TrainingPlan, totalSteps: Int, _ parts: Parts) throws {
    first = RunningStrategy(strategy: plan.strategy, start: 0, index: 0)
    (changes, self.parts, self.totalSteps, current) = (plan.changes, parts, totalSteps, first)
    firstSchedules = plan.schedules.filter { $0.target != ValueSchedule.learningRate }
    rateSchedules = plan.schedules.filter { $0.target == ValueSchedule.learningRate }
    schedules = try bind(plan.schedules)
  }

  /// Whether strategies change at all.
  var hasChanges: Bool { !changes.isEmpty }
  /// How many take over.
  var changeCount: Int { changes.count }

  // MARK: Before the first step

  /// Plans every strategy that will take over, so that what is wrong with one is known now.
  /// - Returns: what each asks for.
  /// - Throws: `TrainingError.change` naming the one.
  func check() throws -> [StrategyNeeds] {
    try changes.map { change in
      try change.named {
        let needs = try parts.model.objective.needs(of: parts.configuration.around(change.strategy))
        _ = try parts.augmentation(change.strategy)
        try parts.admit(change.strategy, needs)
        return needs
      }
    }
  }

  // MARK: On the way

  /// The change whose step has come; nil where none has.
  func due(at step: Int) -> PlannedChange? {
    guard current.index < changes.count, changes[current.index].step <= step else { return nil }
    return changes[current.index]
  }

  /// Lets the next strategy of the plan take over.
  /// - Throws: `TrainingError.change`; then everything is as it was.
  func advance() throws -> CourseChange {
    let change = changes[current.index]
    return try change.named {
      try take(
        RunningStrategy(strategy: change.strategy, start: change.step, index: current.index + 1),
        schedules: change.schedules)
    }
  }

  /// Lets a strategy take over that was asked for; the plan's next change stays where it is.
  /// - Throws: `TrainingError.change`; then everything is as it was.
  func swap(to change: PlannedChange, goesOn: Bool = true) throws -> CourseChange {
    try change.named {
      let needs = try parts.model.objective.needs(of: parts.configuration.around(change.strategy))
      try parts.admit(change.strategy, needs)
      try parts.use(parts.model.objective.needs.union(needs.supervision))
      return try take(
        RunningStrategy(strategy: change.strategy, start: change.step, index: current.index, isSwapped: true),
        schedules: change.schedules, goesOn: goesOn)
    }
  }

  /// What a user should know of a strategy that took over.
  func notes(of change: PlannedChange, _ taken: CourseChange) -> [String] {
    change.notes(after: taken.from.strategy, parts.configuration) + taken.notes
  }

  /// Puts the strategy there that a checkpoint was written under, in its first state.
  /// - Parameter index: how many of the plan's changes were behind it.
  /// - Throws: `TrainingError.change`.
  func enter(_ index: Int) throws {
    guard index != current.index || current.isSwapped else { return }
    guard index > 0 else {
      _ = try take(first, schedules: firstSchedules, goesOn: false)
      return
    }
    let change = changes[index - 1]
    _ = try change.named {
      try take(
        RunningStrategy(strategy: change.strategy, start: change.step, index: index), schedules: change.schedules,
        goesOn: false)
    }
  }

  /// Takes a change back.
  func undo(_ change: CourseChange) {
    parts.model.undo(change.model)
    parts.batches.augmentation = change.augmentation
    (current, schedules) = (change.from, change.schedules)
  }

  private func take(
    _ next: RunningStrategy, schedules texts: [ValueSchedule], goesOn: Bool = true
  ) throws -> CourseChange {
    let augmentation = try parts.augmentation(next.strategy)
    let change = CourseChange(
      from: current, to: next,
      model: try parts.model.change(to: parts.configuration.around(next.strategy), goesOn: goesOn),
      augmentation: parts.batches.augmentation, schedules: schedules)
    current = next
    parts.batches.augmentation = augmentation
    do { schedules = try bind(rateSchedules + texts) } catch {
      undo(change)
      throw error
    }
    return change
  }

  /// The schedules of the strategy whose turn it is: those of its components count its own steps.
  private func bind(_ schedules: [ValueSchedule]) throws -> [RunningSchedule] {
    let end = current.index < changes.count ? changes[current.index].step : totalSteps
    return try RunningSchedule.bind(
      schedules,
      to: parts.model.objective.instances + (parts.batches.augmentation?.instances ?? []), options: parts.options,
      learnsTemperature: parts.configuration.learnTemperature, steps: current.start..<max(end, current.start + 1))
  }
}

extension TrainingPlan {
  /// The course of the run, whose first strategy's augmenters are at work.
  /// - Throws: `PluginFailure`; `TrainingError.usage` for schedules that have no target, and for strategies whose
  ///   batches have another number of views, or a dropout that the encoder does not have.
  func makeCourse(
    _ model: SentenceModel, _ batches: BatchMaker, _ tokenizer: any Tokenizer, _ data: TrainingData,
    services: HostServices
  ) throws -> StrategyCourse {
    let addedViews = batches.augmentation?.addedViews ?? 0
    func makeAugmentation(_ next: Strategy) throws -> Augmentation? {
      let made = try augmentation(
        next, model.source, views: max(2, data.columns), tokenizer, services: services)
      guard made?.addedViews ?? 0 == addedViews else {
        throw TrainingError.usage(
          place: "strategy \(next.scheduledText)",
          expected: "augmenters that add \(addedViews) views, as those of the run's first strategy",
          found: "\(made?.addedViews ?? 0)",
          advice: "The views of a run stay the same: let all its strategies add them")
      }
      try checkEncoder(next, batches.with(made), rows: data.rows)
      return made
    }
    return try StrategyCourse(
      self, totalSteps: options.totalSteps(rows: data.rows),
      .init(
        model: model, batches: batches, augmentation: makeAugmentation, admit: admit, use: data.use,
        configuration: try configuration, options: options))
  }
}
