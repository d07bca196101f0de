// What a comparison found, before any statistics: every run with its scores pair by pair and its curves. Filled by the
// runner, read by the statistics and by every kind of report.

package import Evaluation
package import Files
import Training

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
  /// By strategy, the scores of the model that its runs began with; empty where they are not known.
  package var before: [[PairScores]] = []
  /// Values that were chosen for each strategy before the comparison.
  package var choices: [TuningChoice] = []
  /// Means over sets, besides the usual ones.
  package var means: [MeanMetric] = []
  /// The metric that decides, where it was named beforehand; else the mean over the test sets, or the only one.
  package var decideBy: String?
  /// Every pair of strategies is compared, not only each with the first.
  package var isAgainstAll = false

  /// What is compared, by places in `strategies`: each strategy with the first, or with all before it.
  package var comparedPairs: [(strategy: Int, against: Int)] {
    StrategyComparison.pairs(of: strategies.count, isAgainstAll: isAgainstAll)
  }

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
  /// What its scores are.
  package var measure: Measure
  /// Which sentences, by numbers that all sets share; one entry a pair or sample.
  package var sentences: [SentencePair]

  /// A set by its parts.
  package init(metric: String, isDev: Bool, measure: Measure = .spearman, sentences: [SentencePair]) {
    (self.metric, self.isDev, self.measure, self.sentences) = (metric, isDev, measure, sentences)
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
  /// What one might draw a score against: parameters of its components by `COMPONENT.PARAMETER`, what `--vary` set by
  /// the flag's name.
  package var values: [StrategyValue] = []

  /// Names by their parts.
  package init(label: String, text: String, canonical: String) {
    self.label = label
    self.text = text
    self.canonical = canonical
  }
}

/// One parameter or flag of a strategy with its value.
package struct StrategyValue: Sendable, Equatable {
  /// `mixcse.lambda`, `learning-rate`.
  package var name: String
  /// As text.
  package var text: String

  /// A value by name.
  package init(name: String, text: String) { (self.name, self.text) = (name, text) }
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
  /// What decides its numbers, by name.
  package var settings: [(name: String, value: JSONValue)] = []

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

/// A metric with what it is made from: Spearman x 100 of `predicted` against `gold`, or the share of `predicted` that
/// is right.
package struct PairScores: Sendable, Equatable {
  /// `STS-B dev`, `STS12`, `MR`, ..., or a pair file's name.
  package var metric: String
  /// One entry a pair; the same pairs in the same order in every run. Of a transfer task 1 for each sample.
  package var gold: [Double]
  /// Cosines of the model; of a transfer task 1 for a sample that is labelled right, else 0.
  package var predicted: [Double]
  /// What is made of them.
  package var measure = Measure.spearman

  /// Scores of as many pairs as there are gold scores.
  package init(metric: String, gold: [Double], predicted: [Double]) {
    self.metric = metric
    self.gold = gold
    self.predicted = predicted
  }

  /// The samples of a transfer task.
  package init(metric: String, isRight: [Bool]) {
    self.init(
      metric: metric, gold: Array(repeating: 1, count: isRight.count), predicted: isRight.map { $0 ? 1 : 0 })
    measure = .accuracy
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
  /// When it was written, in seconds since 1970; nil in logs of earlier versions.
  package var time: Double?

  /// A line by its parts.
  package init(step: Int, isEvaluation: Bool, values: [String: Double]) {
    self.step = step
    self.isEvaluation = isEvaluation
    self.values = values
  }

  /// A line as it was read.
  init(_ line: LoggedLine) {
    self.init(step: line.step, isEvaluation: line.isEvaluation, values: line.values)
    time = line.time
  }

  /// As TensorBoard is told.
  var logged: LoggedLine { LoggedLine(step: step, isEvaluation: isEvaluation, values: values, time: time) }
}
