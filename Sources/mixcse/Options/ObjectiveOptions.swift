// The flags around a strategy: pooler, head, temperature. Shared by the subcommands that train, one strategy or
// several.

import ArgumentParser
import Training

/// `--pooler`, `--head` and what goes with them.
struct ObjectiveOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How token states become one vector: cls, cls_before_pooler, avg, avg_top2, avg_first_last, max, weighted, ... "
        + "(default: cls)",
      valueName: "name[:param=value,...][+name]"), completion: .poolers)
  var pooler: String?

  @Option(
    help: ArgumentHelp(
      "mlp puts Linear and tanh behind the pooler, none does not. "
        + "(default: what the pooler wants: mlp for cls, none for the other built-in ones)",
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
      "Added to the logit of a row's own hard negative (three-column data); mixcse has its own parameter hard_weight. "
        + "(default: 0)",
      valueName: "logit"))
  var hardNegativeWeight: Double?

  @Option(
    help: ArgumentHelp(
      "A frozen encoder whose vectors samplers and losses may read: a model folder with its pooler, or .npy files with "
        + "a vector for each row, one file for each text column. May be given several times; the first is guide 1.",
      valueName: "dir[:pooler]|file.npy,..."), completion: .file())
  var guide: [String] = []

  @Option(
    help: ArgumentHelp(
      "Also train on the first so many dimensions of the embeddings, which can then be cut there (Matryoshka): the "
        + "width first, the losses added up by their weights, 1 each by default. Evaluations score each.",
      valueName: "width,width,...[:weight,...]"))
  var dims: String?

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) {
    run.take(\.pooling.pooler, pooler)
    run.take(\.pooling.head, head)
    run.take(\.pooling.headTrainOnly, flag: headTrainOnly)
    run.take(\.strategy.temperature, temperature)
    run.take(\.strategy.learnsTemperature, flag: learnTemperature)
    run.take(\.strategy.hardNegativeWeight, hardNegativeWeight)
    run.take(\.strategy.guides, list: guide)
    run.take(\.strategy.dimensions, dims)
  }
}
