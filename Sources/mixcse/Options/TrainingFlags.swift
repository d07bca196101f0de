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
        One column trains on sentences, two on pairs, three on pairs with a hard negative. Headers and JSON keys of known \
        names say which column is which (sent0,sent1,hard_neg; anchor,positive,negative; sentence1,sentence2; text).
        """, valueName: "file"), completion: .file())
  var trainFile: String?

  @Option(
    name: .customLong("columns"),
    help: ArgumentHelp(
      "The columns to train on, by name or by number from 1: anchor=sentence1,positive=sentence2,negative=3.",
      discussion: "Left out: names that are known, else the columns in their order.", valueName: "role=column,..."))
  var columns: String?

  @Option(
    name: .customLong("eval-data"),
    help: ArgumentHelp(
      "Pairs to score the model on: a pair file, or a folder that is or holds SentEval's data (STS-B dev is used).",
      valueName: "path"), completion: .file())
  var evalData: String?

  @Option(
    name: .customLong("eval-steps"),
    help: ArgumentHelp("Optimiser steps between evaluations, 1 or more. (default: 125)", valueName: "steps"))
  var evalSteps: Int?

  @Option(
    name: .customLong("eval-pooler"),
    help: ArgumentHelp(
      "The pooler of these evaluations. (default: the training pooler, before the head)", valueName: "name"))
  var evalPooler: String?

  @Option(
    help: ArgumentHelp(
      "End the run after this many evaluations in a row without a better dev score, 1 or more. (default: never)",
      valueName: "evaluations"))
  var patience: Int?

  @Option(
    name: .customLong("save-steps"),
    help: ArgumentHelp(
      "Optimiser steps between checkpoints, 1 or more; the last two stay. (default: --eval-steps)", valueName: "steps"))
  var saveSteps: Int?

  @Flag(
    name: .customLong("keep-checkpoints"),
    help: "Keep the checkpoints of a finished run: --resume with more --max-steps or --epochs then goes on with it.")
  var keepCheckpoints = false

  @Option(
    name: .customLong("output-dir"),
    help: ArgumentHelp(
      "The folder of the run: the best model as a Hugging Face folder, metrics.jsonl, run.json, and checkpoints/ until "
        + "it is finished.", valueName: "dir"), completion: .directory)
  var outputDir: String?

  @Option(
    name: .customLong("batch-size"), help: ArgumentHelp("Rows of a batch, 1 to 65536. (default: 64)", valueName: "rows")
  )
  var batchSize: Int?

  @Option(
    name: .customLong("learning-rate"),
    help: "The highest learning rate, 0 to 1; it falls linearly to 0. (default: 3e-05)")
  var learningRate: Double?

  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp(
      "Tokens of a sentence, special tokens included: 3 to the model's limit. (default: 32)", valueName: "tokens"))
  var maximumLength: Int?

  @Option(help: "Passes over the data, above 0; fractions are allowed. (default: 1)")
  var epochs: Double?

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
      "Batches whose mean gradient makes one step, 1 or more; each is compared within itself. (default: 1)",
      valueName: "batches"))
  var gradientAccumulation: Int?

  @Option(
    name: .customLong("chunk-size"),
    help: ArgumentHelp(
      """
      For batches larger than memory: the encoder holds the activations of that many texts at a time and computes them \
      once more for the gradients; samplers and losses see the whole batch. (default: all)
      """, valueName: "texts"))
  var chunkSize: Int?

  @Option(
    help: ArgumentHelp(
      """
      Parts of a batch whose gradients are added up apart: with the same number the run is the same, bit for bit, on as \
      many processes as divide it (mpirun, srun). A power of two. (default: one a process)
      """, valueName: "parts"))
  var shards: Int?

  @Option(
    name: .customLong("weight-decay"), help: "Decoupled weight decay, 0 to 1; not on biases and norms. (default: 0)")
  var weightDecay: Double?

  @Option(
    name: .customLong("warmup-steps"),
    help: ArgumentHelp("Steps over which the learning rate rises from 0. (default: 0)", valueName: "steps"))
  var warmupSteps: Int?

  @Option(
    name: .customLong("max-grad-norm"),
    help: ArgumentHelp("The longest gradient, all parameters together; 0: no limit. (default: 1)", valueName: "norm"))
  var maximumGradientNorm: Double?

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

  /// Puts what was typed over a description.
  func apply(to run: inout RunDescription) {
    run.take(\.training.trainFile, trainFile)
    run.take(\.training.columns, columns)
    run.take(\.training.evalData, evalData)
    run.take(\.training.evalSteps, evalSteps)
    run.take(\.pooling.evaluationPooler, evalPooler)
    run.take(\.training.patience, patience)
    run.take(\.training.saveSteps, saveSteps)
    run.take(\.training.keepsCheckpoints, flag: keepCheckpoints)
    run.take(\.outputFolder, outputDir)
    run.take(\.training.batchSize, batchSize)
    run.take(\.training.learningRate, learningRate)
    run.take(\.training.maximumLength, maximumLength)
    run.take(\.training.epochs, epochs)
    run.take(\.training.maximumSteps, maximumSteps)
    run.take(\.training.dropout, dropout)
    run.take(\.training.keepsOrder, flag: noShuffle)
    run.take(\.training.gradientAccumulation, gradientAccumulation)
    run.take(\.training.chunkSize, chunkSize)
    run.take(\.training.shards, shards)
    run.take(\.training.weightDecay, weightDecay)
    run.take(\.training.warmupSteps, warmupSteps)
    run.take(\.training.maximumGradientNorm, maximumGradientNorm)
    run.take(\.training.trainsMaskedLanguage, flag: mlm)
    run.take(\.training.maskedLanguageWeight, mlmWeight)
    run.take(\.training.maskedLanguageProbability, mlmProbability)
    run.take(\.training.isFrozen, flag: frozen)
  }
}
