// The flags that name a strategy: shared by every subcommand that trains or scores with one.

import ArgumentParser
import Host
import Objective
import Training

/// `--method`, `--sampler`, `--loss`, `--pooler`, `--head`, `--set` and what goes with them.
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
    help: ArgumentHelp(
      "How token states become one vector: cls, cls_before_pooler, avg, avg_top2, avg_first_last, max, weighted, ...",
      valueName: "name[:param=value,...][+name]"))
  var pooler = "cls"

  @Option(
    help: ArgumentHelp(
      "mlp puts Linear and tanh behind the pooler, none does not. (default: mlp with pooler cls, none otherwise)",
      valueName: "mlp|none"))
  var head: String?

  @Flag(name: .customLong("head-train-only"), help: "Drop the head after training; embeddings are taken before it.")
  var headTrainOnly = false

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Sets a parameter, as after the colon of a name.", valueName: "component.param=value"))
  var settings: [String] = []

  @Option(help: "Divides every similarity, above 0. (default: the loss's own, 0.05 for infonce)")
  var temperature: Double?

  @Flag(name: .customLong("learn-temperature"), help: "Let the optimiser move the temperature.")
  var learnTemperature = false

  @Option(
    name: .customLong("hard-negative-weight"),
    help: ArgumentHelp(
      "Added to the logit of a row's own hard negative (three-column data); mixcse has its own parameter hard_weight.",
      valueName: "logit"))
  var hardNegativeWeight = 0.0

  func validate() throws {
    if let temperature, !(temperature > 0 && temperature.isFinite) {
      throw ValidationError("--temperature: expected a number above 0, found \(temperature)")
    }
    guard hardNegativeWeight.isFinite else {
      throw ValidationError("--hard-negative-weight: expected a finite number, found \(hardNegativeWeight)")
    }
    if let head, HeadKind(rawValue: head) == nil {
      throw ValidationError("--head: expected mlp or none, found '\(head)'")
    }
  }

  /// Every name found among the plugins and every setting checked.
  /// - Throws: `PluginError`
  func resolve(with registry: PluginRegistry) throws -> (strategy: StrategySpec, pooler: PoolerSpec) {
    let request = StrategyRequest(
      method: method, samplers: samplers, metrics: metrics, losses: losses, pooler: pooler, settings: settings)
    let resolved = try request.resolve(with: registry)
    return (resolved.strategy, try resolved.pooler ?? PoolerSpec(parsing: pooler))
  }

  /// mlp for the pooler cls alone, unless said otherwise.
  func headKind(for pooler: PoolerSpec) throws -> HeadKind {
    if let head, let kind = HeadKind(rawValue: head) {
      if kind == .mlp, pooler.skipsHead {
        throw TrainingError.usage(
          place: "--head mlp --pooler \(pooler.text)", expected: "a pooler that a head can follow",
          found: "one that is taken before the head",
          advice: "Write --pooler cls --head mlp --head-train-only to train with a head and drop it")
      }
      return kind
    }
    return pooler.text == "cls" ? .mlp : .none
  }
}
