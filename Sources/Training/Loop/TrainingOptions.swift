// Everything a run is told besides its strategy: made by the train command from its flags, checked here so that any
// other caller gets the same ranges.

package import Files

/// The options of a training run; defaults are those of `mixcse train`.
package struct TrainingOptions: Sendable {
  package var trainFile: String
  package var outputFolder: String
  /// A folder that is or holds SentEval's data, or a pair file; nil: no evaluation.
  package var evalData: String?
  /// Optimiser steps between evaluations.
  package var evalSteps = 125
  /// Optimiser steps between checkpoints.
  package var saveSteps = 125
  /// Rows of a batch; each of the micro-batches of a step has that many.
  package var batchSize = 64
  package var learningRate = 3e-5
  /// Tokens of a sentence, special tokens among them.
  package var maximumLength = 32
  package var epochs = 1.0
  /// Overrides `epochs`.
  package var maximumSteps: Int?
  package var seed: UInt64 = 42
  /// Hidden and attention dropout; nil: the model's own.
  package var dropout: Double?
  package var isShuffled = true
  package var gradientAccumulation = 1
  package var weightDecay = 0.0
  package var warmupSteps = 0
  /// 0 switches clipping off.
  package var maximumGradientNorm = 1.0
  /// The weight of masked language modelling beside the objective; nil: without it.
  package var maskedLanguageWeight: Double?
  /// The share of tokens that it hides.
  package var maskedLanguageProbability = 0.15
  /// Where the time goes is printed at the end, and logged with every step.
  package var showsProfile = false
  /// The step to stop after with a checkpoint; changes no number of the run.
  package var stopAfter: Int?
  /// Train the head alone, on embeddings computed once.
  package var isFrozen = false
  package var resume = false
  package var overwrite = false

  package init(trainFile: String, outputFolder: String) {
    self.trainFile = trainFile
    self.outputFolder = outputFolder
  }

  /// - Throws: `TrainingError.usage` naming the first option outside of its range.
  package func check(maximumTokens: Int) throws {
    try check("--eval-steps", evalSteps, 1...Int.max)
    try check("--save-steps", saveSteps, 1...Int.max)
    try check("--batch-size", batchSize, 1...65_536)
    try check("--max-seq-length", maximumLength, 3...maximumTokens)
    try check("--gradient-accumulation", gradientAccumulation, 1...65_536)
    try check("--warmup-steps", warmupSteps, 0...Int.max)
    if let maximumSteps { try check("--max-steps", maximumSteps, 1...1_000_000_000) }
    try check("--learning-rate", learningRate, 0...1)
    try check("--weight-decay", weightDecay, 0...1)
    try check("--max-grad-norm", maximumGradientNorm, 0...1e30)
    try check("--epochs", epochs, 1e-9...1e6)
    if let maskedLanguageWeight { try check("--mlm-weight", maskedLanguageWeight, 0...1e6) }
    try check("--mlm-probability", maskedLanguageProbability, 0.001...1)
    if let dropout { try check("--dropout", dropout, 0...0.99) }
    if resume && overwrite {
      throw TrainingError.usage(
        place: "--resume --overwrite", expected: "one of the two", found: "both",
        advice: "--resume goes on with the run in the folder, --overwrite starts anew")
    }
  }

  private func check<Value: Comparable>(_ flag: String, _ value: Value, _ range: ClosedRange<Value>) throws {
    guard !range.contains(value) else { return }
    throw TrainingError.usage(
      place: flag, expected: "a value from \(range.lowerBound) to \(range.upperBound)", found: "\(value)",
      advice: "See mixcse train --help")
  }

  /// Optimiser steps of an epoch over `rows` rows: a step takes up to `gradientAccumulation` batches, never of two
  /// epochs.
  package func stepsPerEpoch(rows: Int) -> Int {
    let batches = (rows + batchSize - 1) / batchSize
    return (batches + gradientAccumulation - 1) / gradientAccumulation
  }

  /// Optimiser steps of the whole run.
  package func totalSteps(rows: Int) -> Int {
    maximumSteps ?? max(1, Int((epochs * Double(stepsPerEpoch(rows: rows))).rounded(.up)))
  }

  /// What decides the numbers of the run, as flags and values: a resumed run must agree in all of them.
  package var deciding: [(String, JSONValue)] {
    [
      ("--eval-steps", .integer(evalSteps)), ("--batch-size", .integer(batchSize)),
      ("--learning-rate", .number(learningRate)), ("--max-seq-length", .integer(maximumLength)),
      ("--epochs", .number(epochs)), ("--max-steps", maximumSteps.map { .integer($0) } ?? .null),
      ("--seed", .string(String(seed))), ("--dropout", dropout.map { .number($0) } ?? .null),
      ("--no-shuffle", .bool(!isShuffled)), ("--gradient-accumulation", .integer(gradientAccumulation)),
      ("--weight-decay", .number(weightDecay)), ("--warmup-steps", .integer(warmupSteps)),
      ("--max-grad-norm", .number(maximumGradientNorm)),
      ("--mlm-weight", maskedLanguageWeight.map { .number($0) } ?? .null),
      ("--mlm-probability", .number(maskedLanguageProbability)),
    ] + (isFrozen ? [("--frozen", .bool(true))] : [])
  }
}
