// The flags that say what is trained on and how long, in one run or many; units, ranges and defaults are in the help.

import ArgumentParser
import Training

/// Data, optimiser and schedule.
struct TrainingFlags: ParsableArguments {
  @Option(
    name: .customLong("train-file"),
    help: ArgumentHelp(
      "Rows to train on: .txt (a sentence a line), .csv, .tsv, .json or .jsonl, each also as .gz.",
      discussion: """
        One column trains on sentences, two on pairs, three on pairs with a hard negative. A .csv or .tsv may start with \
        a header of known names (sent0,sent1,hard_neg; anchor,positive,negative; sentence or text).
        """, valueName: "file"))
  var trainFile: String

  @Option(
    name: .customLong("eval-data"),
    help: ArgumentHelp(
      "Pairs to score the model on: a pair file, or a folder that is or holds SentEval's data (STS-B dev is used).",
      valueName: "path"))
  var evalData: String?

  @Option(
    name: .customLong("eval-steps"),
    help: ArgumentHelp("Optimiser steps between evaluations, 1 or more.", valueName: "steps"))
  var evalSteps = 125

  @Option(
    name: .customLong("eval-pooler"),
    help: ArgumentHelp(
      "The pooler of these evaluations. (default: the training pooler, before the head)", valueName: "name"))
  var evalPooler: String?

  @Option(
    name: .customLong("save-steps"),
    help: ArgumentHelp(
      "Optimiser steps between checkpoints, 1 or more; the last two stay. (default: --eval-steps)", valueName: "steps"))
  var saveSteps: Int?

  @Option(
    name: .customLong("output-dir"),
    help: ArgumentHelp(
      "The folder of the run: the best model as a Hugging Face folder, metrics.jsonl, run.json, checkpoints/.",
      valueName: "dir"))
  var outputDir: String

  @Option(name: .customLong("batch-size"), help: ArgumentHelp("Rows of a batch, 1 to 65536.", valueName: "rows"))
  var batchSize = 64

  @Option(name: .customLong("learning-rate"), help: "The highest learning rate, 0 to 1; it falls linearly to 0.")
  var learningRate = 3e-5

  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp("Tokens of a sentence, special tokens included: 3 to the model's limit.", valueName: "tokens"))
  var maximumLength = 32

  @Option(help: "Passes over the data, above 0; fractions are allowed.")
  var epochs = 1.0

  @Option(
    name: .customLong("max-steps"),
    help: ArgumentHelp("Optimiser steps, 1 or more; takes the place of --epochs.", valueName: "steps"))
  var maximumSteps: Int?

  @Option(
    help: ArgumentHelp(
      "Dropout of hidden states and of attention, 0 to 0.99. (default: the model's own)", valueName: "probability"))
  var dropout: Double?

  @Flag(name: .customLong("no-shuffle"), help: "Visit the rows in the order of the file.")
  var noShuffle = false

  @Option(
    name: .customLong("gradient-accumulation"),
    help: ArgumentHelp(
      "Batches whose mean gradient makes one step, 1 or more; each is compared within itself.", valueName: "batches"))
  var gradientAccumulation = 1

  @Option(name: .customLong("weight-decay"), help: "Decoupled weight decay, 0 to 1; not on biases and norms.")
  var weightDecay = 0.0

  @Option(
    name: .customLong("warmup-steps"),
    help: ArgumentHelp("Steps over which the learning rate rises from 0.", valueName: "steps"))
  var warmupSteps = 0

  @Option(
    name: .customLong("max-grad-norm"),
    help: ArgumentHelp("The longest gradient, all parameters together; 0: no limit.", valueName: "norm"))
  var maximumGradientNorm = 1.0

  @Flag(help: "Also train masked language modelling, on a masked copy of each batch; costs a second pass.")
  var mlm = false

  @Option(
    name: .customLong("mlm-weight"), help: "With --mlm: what its loss is multiplied by, 0 or more. (default: 0.1)")
  var mlmWeight: Double?

  @Option(
    name: .customLong("mlm-probability"), help: "With --mlm: the share of tokens to guess, 0.001 to 1. (default: 0.15)")
  var mlmProbability: Double?

  @Flag(
    help: ArgumentHelp(
      "Train the head alone, on embeddings that are computed once and kept in memory.",
      discussion: """
        Each row that the run will visit is embedded once, with the dropout of the first epoch; evaluations go through \
        the head. A first answer for a new sampler or loss in seconds, not a substitute for training.
        """))
  var frozen = false

  func validate() throws {
    for (flag, value) in [("--mlm-weight", mlmWeight), ("--mlm-probability", mlmProbability)] {
      if let value, !mlm { throw ValidationError("\(flag) \(value): expected --mlm beside it, found none; add --mlm") }
    }
  }

  var options: TrainingOptions {
    var options = TrainingOptions(trainFile: trainFile, outputFolder: outputDir)
    options.evalData = evalData
    options.evalSteps = evalSteps
    options.saveSteps = saveSteps ?? evalSteps
    options.batchSize = batchSize
    options.learningRate = learningRate
    options.maximumLength = maximumLength
    options.epochs = epochs
    options.maximumSteps = maximumSteps
    options.dropout = dropout
    options.isShuffled = !noShuffle
    options.gradientAccumulation = gradientAccumulation
    options.weightDecay = weightDecay
    options.warmupSteps = warmupSteps
    options.maximumGradientNorm = maximumGradientNorm
    options.maskedLanguageWeight = mlm ? mlmWeight ?? 0.1 : nil
    if let mlmProbability { options.maskedLanguageProbability = mlmProbability }
    options.isFrozen = frozen
    return options
  }
}
