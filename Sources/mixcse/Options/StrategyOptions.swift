// The flags that name a strategy, for the subcommand that trains with one.

import ArgumentParser
import Host

/// `--method`, `--sampler`, `--loss`, `--set`, and what is around a strategy.
struct StrategyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A recipe from a plugin, samplers and loss together: mixcse, simcse, ...",
      valueName: "name[:param=value,...]"))
  var method: String?

  @Option(
    name: .customLong("sampler"),
    help: ArgumentHelp(
      "A negative sampler; may be repeated, blocks are appended in this order.", valueName: "name[:param=value,...]"))
  var samplers: [String] = []

  @Option(
    name: .customLong("loss"),
    help: ArgumentHelp(
      "A loss; may be repeated, the weighted sum counts.", valueName: "[weight*]name[:param=value,...]"))
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

  @OptionGroup var objective: ObjectiveOptions

  /// Every name found among the plugins and every setting checked.
  /// - Throws: `PluginError`, `UsageError`
  func resolve(with registry: PluginRegistry) throws -> (strategy: Strategy, pooler: PoolerSpec) {
    let request = StrategyRequest(
      method: method, samplers: samplers, metrics: metrics, losses: losses, pooler: objective.pooler, settings: settings
    )
    let resolved = try request.resolve(with: registry, schedulable: true)
    return (resolved.strategy, try resolved.pooler ?? PoolerSpec(parsing: objective.pooler))
  }
}
