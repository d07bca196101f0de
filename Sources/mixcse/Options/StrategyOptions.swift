// The flags that name a strategy, for the subcommand that trains with one.

import ArgumentParser
import Training

/// `--method`, `--augment`, `--sampler`, `--loss`, `--set`, `--then`, and what is around a strategy.
struct StrategyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A recipe from a plugin, samplers and loss together: mixcse, simcse, ...",
      valueName: "name[:param=value,...]"), completion: .recipes)
  var method: String?

  @Option(
    name: .customLong("augment"),
    help: ArgumentHelp(
      "An augmenter, which edits the tokens of a view before the encoder sees them; may be repeated, each edits what "
        + "the one before it left.", valueName: "name[:param=value,...]"), completion: .augmenters)
  var augmenters: [String] = []

  @Option(
    name: .customLong("sampler"),
    help: ArgumentHelp(
      "A negative sampler; may be repeated, blocks are appended in this order.", valueName: "name[:param=value,...]"),
    completion: .samplers)
  var samplers: [String] = []

  @Option(
    name: .customLong("loss"),
    help: ArgumentHelp(
      "A loss; may be repeated, the weighted sum counts.", valueName: "[weight*]name[:param=value,...]"),
    completion: .losses)
  var losses: [String] = []

  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "A bare metric function, computed on each batch and logged; may be repeated. It changes nothing.",
      valueName: "name[:param=value,...]"))
  var metrics: [String] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Sets a parameter, as after the colon of a name.", valueName: "component.param=value"))
  var settings: [String] = []

  @Option(
    name: .customLong("then"),
    help: ArgumentHelp(
      "Another strategy after so many steps, in the same run; may be repeated, with steps that rise.",
      discussion: """
        --method simcse --then 500:mixcse:lambda=0.3 trains 500 steps with simcse and the others with mixcse. The \
        strategy is written as in a comparison: a recipe, or samplers and losses joined by +. Encoder, pooler, head, \
        optimiser, learning rate and the order of the data go on; so do components that both strategies use.
        """, valueName: "step:strategy"))
  var changes: [String] = []

  @OptionGroup var objective: ObjectiveOptions

  /// Puts what was typed over a description. A strategy that is named takes the place of the file's, with all that was
  /// said of its components; settings and schedules alone are put over the file's.
  func apply(to run: inout RunDescription) {
    if method != nil || !augmenters.isEmpty || !samplers.isEmpty || !losses.isEmpty {
      (run.strategy.method, run.strategy.samplers, run.strategy.losses) = (method, samplers, losses)
      run.strategy.augmenters = augmenters
      run.strategy.settings = []
      run.strategy.changes = []
      run.strategy.schedules.removeAll { !$0.hasPrefix(ValueSchedule.learningRate + "=") }
    }
    run.take(\.strategy.changes, list: changes)
    run.take(\.strategy.metrics, list: metrics)
    run.strategy.settings += settings
    objective.apply(to: &run)
  }
}
