// One strategy of a comparison, looked up: the run it stands for, or why there is none. Made by ComparisonPlan.

package import Host
package import Training

/// A strategy ready to be trained.
package struct PlannedStrategy {
  /// Its names.
  package var compared: ComparedStrategy
  /// Its run, whatever the seed; nil where it cannot be loaded.
  package var plan: TrainingPlan?
  /// Why it cannot even be loaded.
  package var failure: String?

  /// A strategy whose plugin ends the process that loads it.
  init(_ text: StrategyText, failure: String) {
    compared = ComparedStrategy(label: text.label, text: text.text, canonical: text.text)
    self.failure = failure
  }

  /// Looks a strategy up.
  /// - Parameter run: what all runs of the comparison share.
  /// - Throws: `PluginError`, `UsageError`; `TrainingError.usage` for values that are schedules
  ///   (`lambda=linear(0.1,0.4)`) and cannot be.
  package init(_ text: StrategyText, of run: RunDescription, registry: PluginRegistry, origin: RunOrigin) throws {
    let plan = try TrainingPlan(run, comparison: text.text, registry: registry, origin: origin)
    let strategy = plan.strategy
    compared = ComparedStrategy(
      label: text.label, text: text.text, canonical: ([strategy.text] + strategy.schedules).joined(separator: " "))
    let uses = strategy.samplers + strategy.losses
    for schedule in plan.schedules where schedule.target != ValueSchedule.learningRate {
      let owner = uses.first { $0.name == schedule.owner }
      try schedule.check(among: owner?.component.parameters ?? [])
    }
    self.plan = plan
  }
}
