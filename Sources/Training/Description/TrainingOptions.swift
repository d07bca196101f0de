// Data, optimiser and evaluations of a run, and what follows from them for its steps. Part of RunDescription.

/// What is trained on and how long; defaults are those of `mixcse train`, ranges stand in RunDescription+Fields.
package struct TrainingOptions: Sendable, Equatable {
  /// Rows to train on.
  package var trainFile = ""
  /// Which of its columns are read, `anchor=sentence1,positive=sentence2`; nil: by their names, else by their places.
  package var columns: String?
  /// A folder that is or holds SentEval's data, or a pair file; nil: no evaluation.
  package var evalData: String?
  /// Optimiser steps between evaluations.
  package var evalSteps = 125
  /// The run ends after this many evaluations without a better score; nil: at its last step.
  package var patience: Int?
  /// Optimiser steps between checkpoints; nil: as between evaluations.
  package var saveSteps: Int?
  /// Checkpoints stay when the run is finished.
  package var keepsCheckpoints = false
  /// Rows of a batch; each of the micro-batches of a step has that many.
  package var batchSize = 64
  /// The highest rate; without a schedule of its own it falls linearly to 0.
  package var learningRate = 3e-5
  /// Tokens of a sentence, special tokens among them.
  package var maximumLength = 32
  /// Passes over the data.
  package var epochs = 1.0
  /// Overrides `epochs`.
  package var maximumSteps: Int?
  /// Decides order, dropout, head and plugins' random numbers.
  package var seed: UInt64 = 42
  /// Hidden and attention dropout; nil: the model's own.
  package var dropout: Double?
  /// Rows are visited in the order of the file.
  package var keepsOrder = false
  /// Batches whose mean gradient makes one step.
  package var gradientAccumulation = 1
  /// Texts that the encoder computes at a time; nil: all of a batch.
  package var chunkSize: Int?
  /// Parts of a batch whose gradients are added up apart; nil: those of the processes that train.
  package var shards: Int?
  /// Decoupled weight decay; not on biases and norms.
  package var weightDecay = 0.0
  /// Steps over which the learning rate rises from 0.
  package var warmupSteps = 0
  /// The longest gradient, all parameters together; 0 switches clipping off.
  package var maximumGradientNorm = 1.0
  /// Masked language modelling is trained beside the objective.
  package var trainsMaskedLanguage = false
  /// The weight of its loss; nil: 0.1.
  package var maskedLanguageWeight: Double?
  /// The share of tokens that it hides; nil: 0.15.
  package var maskedLanguageProbability: Double?
  /// Train the head alone, on embeddings computed once.
  package var isFrozen = false

  /// Every value as where nothing was said.
  package init() {}

  /// Whether each epoch has an order of its own.
  package var isShuffled: Bool { !keepsOrder }

  /// Optimiser steps between checkpoints.
  package var stepsBetweenCheckpoints: Int { saveSteps ?? evalSteps }

  /// Optimiser steps of an epoch over `rows` rows: a step takes up to `gradientAccumulation` batches, never of two
  /// epochs.
  package func stepsPerEpoch(rows: Int) -> Int {
    let batches = (rows + batchSize - 1) / batchSize
    return (batches + gradientAccumulation - 1) / gradientAccumulation
  }

  /// Optimiser steps of the whole run.
  package func totalSteps(rows: Int) -> Int {
    maximumSteps ?? Int(exactly: max(1, epochs * Double(stepsPerEpoch(rows: rows))).rounded(.up)) ?? .max
  }
}
