// What a comparison found, before any statistics: every run with its scores pair by pair and its curves. Filled by the
// runner, read by the statistics and by every kind of report.

package import Evaluation
package import Files

/// Strategies x seeds, and what came of each.
package struct ComparisonResults: Sendable {
  /// In the order of the command line; the first is what the others are compared with.
  package var strategies: [ComparedStrategy]
  /// In the order of the command line.
  package var seeds: [UInt64]
  /// One for each strategy and seed, strategy by strategy.
  package var runs: [ComparedRun]
  /// The command as typed.
  package var commandLine: [String]
  /// Versions, hashes of data and plugins, machine, flags: whatever is needed to repeat it, by name.
  package var record: JSONObject
  /// What final models are scored on; where a set is missing here, its pairs count as independent test pairs.
  package var sets: [ComparedSet] = []
  /// Comparisons and looks, also earlier ones; nil: one look at these strategies.
  package var family: Family?
  /// The size of a difference, Spearman x 100, that seeds are counted for.
  package var detect = 0.5

  /// Results by their parts; runs strategy by strategy.
  package init(
    strategies: [ComparedStrategy], seeds: [UInt64], runs: [ComparedRun], commandLine: [String], record: JSONObject
  ) {
    self.strategies = strategies
    self.seeds = seeds
    self.runs = runs
    self.commandLine = commandLine
    self.record = record
  }

  /// A run in words.
  func name(_ strategy: Int, _ seed: UInt64) -> String { "\(strategies[strategy].label) with seed \(seed)" }
}

/// A set of pairs that final models are scored on.
package struct ComparedSet: Sendable, Equatable {
  /// As in `PairScores`.
  package var metric: String
  /// Whether each run chose its checkpoint by these pairs.
  package var isDev: Bool
  /// Which sentences, by numbers that all sets share; one entry a pair.
  package var sentences: [SentencePair]

  /// A set by its parts.
  package init(metric: String, isDev: Bool, sentences: [SentencePair]) {
    (self.metric, self.isDev, self.sentences) = (metric, isDev, sentences)
  }
}

/// One strategy by its names.
package struct ComparedStrategy: Sendable, Equatable {
  /// Distinct in a comparison: the label given, else the text.
  package var label: String
  /// As typed, a grid's values filled in.
  package var text: String
  /// What it stands for: `sampler:mixcse:lambda=0.3 loss:infonce`.
  package var canonical: String

  /// Names by their parts.
  package init(label: String, text: String, canonical: String) {
    self.label = label
    self.text = text
    self.canonical = canonical
  }
}

/// One strategy trained with one seed.
package struct ComparedRun: Sendable {
  /// How a run ended.
  package enum Outcome: Sendable, Equatable {
    case finished
    /// What the run said when it failed.
    case failed(reason: String)
    /// Given up early as clearly losing.
    case dropped(step: Int, reason: String)
    case unfinished
  }

  /// Its place in `ComparisonResults.strategies`.
  package var strategy: Int
  /// Of this run.
  package var seed: UInt64
  /// How it ended.
  package var outcome: Outcome
  /// The folder of the training run.
  package var folder: String
  /// Of the final model, in the order of the report; empty unless finished.
  package var scores: [PairScores]
  /// Lines of the run's metrics.jsonl, in order.
  package var curve: [CurvePoint]
  /// Seconds of training steps.
  package var seconds: Double

  /// A run by its parts; scores and curve may come later.
  package init(
    strategy: Int, seed: UInt64, outcome: Outcome, folder: String, scores: [PairScores] = [], curve: [CurvePoint] = [],
    seconds: Double = 0
  ) {
    self.strategy = strategy
    self.seed = seed
    self.outcome = outcome
    self.folder = folder
    self.scores = scores
    self.curve = curve
    self.seconds = seconds
  }
}

/// A metric with what it is made from, so that pairs can be drawn again: Spearman x 100 of `predicted` against `gold`.
package struct PairScores: Sendable, Equatable {
  /// `STS-B dev`, `STS12`, ..., or a pair file's name.
  package var metric: String
  /// One entry a pair; the same pairs in the same order in every run.
  package var gold: [Double]
  /// Cosines of the model.
  package var predicted: [Double]

  /// Scores of as many pairs as there are gold scores.
  package init(metric: String, gold: [Double], predicted: [Double]) {
    self.metric = metric
    self.gold = gold
    self.predicted = predicted
  }
}

/// One line of metrics.jsonl.
package struct CurvePoint: Sendable, Equatable {
  /// Optimiser steps done.
  package var step: Int
  /// An evaluation (spearman, alignment, uniformity, ...), else a training step (loss, gradNorm, positiveLogit, ...).
  package var isEvaluation: Bool
  /// The line's finite numbers by name.
  package var values: [String: Double]

  /// A line by its parts.
  package init(step: Int, isEvaluation: Bool, values: [String: Double]) {
    self.step = step
    self.isEvaluation = isEvaluation
    self.values = values
  }
}
