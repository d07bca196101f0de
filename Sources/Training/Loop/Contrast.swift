// Batches of one row: nothing is there to tell their row from, so they give no gradient. What a run is refused for
// before it starts or in its first step, and what it is warned of.

import Host
import Objective

/// Whether the batches of a run have anything to contrast.
struct Contrast {
  let rows: Int
  let options: TrainingOptions
  /// Whether a batch of one row may have negatives: hard ones, or a sampler's.
  let hasNegatives: Bool

  /// Whether no batch of the run has a second row.
  private var isAlwaysAlone: Bool { rows == 1 || options.batchSize == 1 }

  /// - Returns: what the user should know before the first step.
  /// - Throws: `TrainingError` where no step could learn anything.
  func check() throws -> String? {
    guard !hasNegatives else { return nil }
    if isAlwaysAlone {
      guard options.trainsMaskedLanguage else { throw Self.error(rows: rows, options) }
      return "a batch of one row has nothing to be compared with; only --mlm learns"
    }
    guard rows % options.batchSize == 1, options.totalSteps(rows: rows) >= options.stepsPerEpoch(rows: rows) else {
      return nil
    }
    return
      "\(rows) rows in batches of \(options.batchSize) leave one over: the last batch of each epoch has nothing to "
      + "compare that row with and gives no gradient. Another --batch-size avoids it"
  }

  /// The error of a run that cannot learn.
  static func error(rows: Int, _ options: TrainingOptions) -> TrainingError {
    let advice =
      "Other rows of the same batch are the negatives, and --gradient-accumulation adds none; a third column of hard "
      + "negatives or a sampler that brings its own would do, too"
    return rows == 1
      ? .badData(
        path: options.trainFile, line: 0, expected: "at least two rows to tell apart", found: "one", advice: advice)
      : .usage(place: "--batch-size", expected: "at least 2 rows to tell apart", found: "1", advice: advice)
  }
}

extension TrainingPlan {
  /// What can be told of a run without calling a plugin, before the first of many runs begins.
  /// - Throws: as `Contrast.check`.
  package func checkContrast(rows: Int, columns: Int) throws {
    let mayHaveNegatives =
      columns > 2
      || strategies.allSatisfy { strategy in
        !strategy.samplers.isEmpty || strategy.losses.contains(where: \.component.scoresEmbeddings)
      }
    guard rows == 1 || options.batchSize == 1, !mayHaveNegatives, !options.trainsMaskedLanguage else { return }
    throw Contrast.error(rows: rows, options)
  }
}

extension TrainingRun {
  /// Looks at a step of batches of one row. One that compares nothing in the first step never will, unless a plugin
  /// gathers what it has seen.
  /// - Throws: as `Contrast.check`.
  func checkContrast(_ outcome: StepOutcome, _ batches: [[Int]]) throws {
    guard !outcome.hasContrast, batches.allSatisfy({ $0.count == 1 }) else { return }
    let isHopeless = options.batchSize == 1 || setup.data.rows == 1
    if isHopeless, state.step == 0, setup.model.states.isEmpty, !options.trainsMaskedLanguage {
      throw Contrast.error(rows: setup.data.rows, options)
    }
    report(notes: ["a step of one row gave no gradient: there was nothing to compare it with"])
  }
}
