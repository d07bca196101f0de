// One strategy of a comparison, looked up: the run it stands for, or why there is none. Made by ComparisonPlan.

package import Host
package import Training

/// A strategy ready to be trained.
package struct PlannedStrategy {
  /// Its names.
  package var compared: ComparedStrategy
  /// Its run, whatever the seed; nil where it cannot be loaded.
  package var plan: TrainingPlan?
  /// What its runs read; nil where it cannot be loaded.
  package var inputs: RunInputs?
  /// Optimiser steps of each run.
  package var totalSteps = 0
  /// What its runs compute with in place of this program's own encoder, where that was opened here.
  package var encoder: OpenedEncoder?
  /// Why it cannot even be loaded.
  package var failure: String?

  /// A strategy whose plugin ends the process that loads it.
  init(_ variant: StrategyVariant, failure: String) {
    let text = variant.text
    compared = ComparedStrategy(label: text.label, text: text.text, canonical: text.text)
    self.failure = failure
  }

  /// Looks a strategy up.
  /// - Parameters:
  ///   - run: what all runs of the comparison share, with what varies filled in.
  ///   - inputs: what it reads.
  ///   - totalSteps: optimiser steps of each run.
  ///   - encoder: what computes in place of this program's own encoder, where that was opened.
  /// - Throws: `PluginError`, `UsageError`; `TrainingError.usage` for values that are schedules
  ///   (`lambda=linear(0.1,0.4)`) and cannot be.
  package init(
    _ variant: StrategyVariant, of run: RunDescription, inputs: RunInputs, totalSteps: Int,
    encoder: OpenedEncoder? = nil, registry: PluginRegistry, origin: RunOrigin
  ) throws {
    let text = variant.text
    var plan = try TrainingPlan(run, comparison: text.text, registry: registry, origin: origin)
    let strategy = plan.strategy
    let first = ([strategy.text] + strategy.schedules).joined(separator: " ")
    compared = ComparedStrategy(
      label: text.label, text: text.text,
      canonical: StrategySequence(first: first, changes: plan.changes.map(\.text)).text)
    if let encoder { plan.take(encoderVersion: encoder.version) }
    try plan.checkEncoderFlags()
    try plan.checkSchedules()
    try plan.checkChanges(totalSteps: totalSteps)
    compared.values =
      Self.values(of: strategy)
      + plan.changes.flatMap { change in
        [StrategyValue(name: "then", text: change.text)]
          + Self.values(of: change.strategy).map { StrategyValue(name: "\(change.step): \($0.name)", text: $0.text) }
      } + variant.values.map { StrategyValue(name: $0.name, text: $0.text) }
    (self.plan, self.inputs, self.totalSteps, self.encoder) = (plan, inputs, totalSteps, encoder)
  }

  private static func values(of strategy: Strategy) -> [StrategyValue] {
    strategy.uses.flatMap { use in
      use.parameters.texts.map { StrategyValue(name: "\(use.name).\($0.0)", text: $0.1) }
    }
  }
}
