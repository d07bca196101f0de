// The flags around a strategy: pooler, head, temperature. Shared by the subcommands that train, one strategy or
// several.

import ArgumentParser
import Files
import Host
import Objective
import Training

/// `--pooler`, `--head` and what goes with them.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How token states become one vector: cls, cls_before_pooler, avg, avg_top2, avg_first_last, max, weighted, ...",
      valueName: "name[:param=value,...][+name]"))
  var pooler = "cls"

  @Option(
    help: ArgumentHelp(
      "mlp puts Linear and tanh behind the pooler, none does not. (default: what the pooler wants: mlp for cls, none for the other built-in ones)",
      valueName: "mlp|none"))
  var head: String?

  @Flag(name: .customLong("head-train-only"), help: "Drop the head after training; embeddings are taken before it.")
  var headTrainOnly = false

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

  /// What was typed, else what the pooler wants: cls wants mlp.
  func headKind(for pooler: PoolerSpec, _ registry: PluginRegistry) throws -> HeadKind {
    let kind = try head.flatMap(HeadKind.init(rawValue:)) ?? (pooler.wantsHead(registry) ? .mlp : .none)
    if kind == .mlp, pooler.skipsHead {
      throw TrainingError.usage(
        place: "--head mlp --pooler \(pooler.text)", expected: "a pooler that a head can follow",
        found: "one that is taken before the head",
        advice: "Write --pooler cls --head mlp --head-train-only to train with a head and drop it")
    }
    if headTrainOnly, kind == .none {
      throw TrainingError.usage(
        place: "--head-train-only", expected: "a head", found: "--head none or a pooler without one",
        advice: "Add --head mlp, or leave --head-train-only out")
    }
    return kind
  }

  /// What `mixcse train` is told of them, null where nothing was said.
  func flags(for pooler: PoolerSpec, _ registry: PluginRegistry) throws -> [(String, JSONValue)] {
    [
      ("--pooler", .string(pooler.text)), ("--head", .string(try headKind(for: pooler, registry).rawValue)),
      ("--head-train-only", .bool(headTrainOnly)), ("--temperature", temperature.map { .number($0) } ?? .null),
      ("--learn-temperature", .bool(learnTemperature)), ("--hard-negative-weight", .number(hardNegativeWeight)),
    ]
  }
}
