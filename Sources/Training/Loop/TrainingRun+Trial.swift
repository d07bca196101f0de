// `--dry-run`: two real steps and an evaluation in memory, and what the whole run would take. Nothing is written; the
// process ends after it.

import Encoder
package import Files
import Glibc
import Kernels
import Objective

/// What a run would do and need.
package struct RunForecast: Sendable {
  /// The description in full.
  package var description: RunDescription
  /// What decides its numbers.
  package var identity: RunIdentity
  /// Rows of the training file.
  package var rows: Int
  /// Optimiser steps of the whole run.
  package var steps: Int
  /// Evaluations and checkpoints on the way, the first evaluation before training among them.
  package var evaluations, checkpoints: Int
  /// Tokens of the steps that were measured, special tokens among them.
  package var tokensMeasured: [Int]
  /// Seconds of each of these steps.
  package var secondsMeasured: [Double]
  /// Seconds of one evaluation, and the sentences of its pairs; nil where nothing is evaluated.
  package var evaluation: (seconds: Double, sentences: Int)?
  /// Bytes of the model that stays.
  package var modelBytes: Int
  /// The most memory that the process has taken so far, in bytes.
  package var memory: Int
  /// Bytes that must be free in the output folder, and that are; nil where the system does not say.
  package var diskNeeded: Int
  /// Bytes that are free there; nil where the system does not say.
  package var diskFree: Int?

  /// Of the whole run, from the mean of the steps measured.
  package var tokens: Int { perStep(tokensMeasured.map(Double.init)).map { Int($0 * Double(steps)) } ?? 0 }
  /// Seconds of all steps at the speed of the last one measured: buffers grow in the first.
  package var seconds: Double { (secondsMeasured.last ?? 0) * Double(steps) }
  /// Seconds of all evaluations.
  package var evaluationSeconds: Double { (evaluation?.seconds ?? 0) * Double(evaluations) }

  private func perStep(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// One document for `--json`.
  package var json: JSONValue {
    .object(
      JSONObject([
        (RunRecord.description, description.json), (RunRecord.hash, .string(identity.hash)),
        ("rows", .integer(rows)), ("steps", .integer(steps)), ("evaluations", .integer(evaluations)),
        ("checkpoints", .integer(checkpoints)), ("tokens", .integer(tokens)),
        ("tokensMeasured", tokensMeasured.json), ("secondsMeasured", secondsMeasured.json),
        ("seconds", .number(seconds)), ("evaluationSeconds", evaluation.map { .number($0.seconds) } ?? .null),
        ("evaluationSentences", evaluation.map { .integer($0.sentences) } ?? .null),
        ("modelBytes", .integer(modelBytes)), ("memoryBytes", .integer(memory)), ("diskBytes", .integer(diskNeeded)),
        ("diskFreeBytes", diskFree?.json ?? .null),
      ]))
  }

  /// For people.
  package var text: String {
    let settings = description.json.object ?? JSONObject()
    let width = settings.keys.map(\.count).max() ?? 0
    let lines = settings.keys.map { key in
      let value = settings[key] ?? .null
      let padding = String(repeating: " ", count: width - key.count)
      return "  \(key)\(padding)  \(value.string ?? value.text(indent: nil))"
    }
    let measured = secondsMeasured.map { fixed($0, 3) }.joined(separator: " and ")
    return """
      settings
      \(lines.joined(separator: "\n"))
      rows     \(rows)
      steps    \(steps), \(evaluations) evaluations, \(checkpoints) checkpoints
      tokens   about \(tokens), \(tokensMeasured.map(String.init).joined(separator: " and ")) in the steps measured
      seconds  about \(fixed(seconds, 1)) for the steps (\(measured) measured)\(evaluationText)
      memory   \(mebibytes(memory)) at most so far
      disk     \(mebibytes(diskNeeded)) needed\(diskFree.map { ", \(mebibytes($0)) free" } ?? "")
      Nothing was written.
      """
  }
}

extension RunForecast {
  private var evaluationText: String {
    evaluation.map { ", \(fixed(evaluationSeconds, 1)) for evaluations (\(fixed($0.seconds, 1)) measured)" } ?? ""
  }
}

extension TrainingRun {
  /// Does the first two steps in memory, with whatever they draw and learn, scores the model once, and says what all of
  /// them would take.
  /// - Throws: whatever a step throws.
  package func measure() throws -> RunForecast {
    try optimizer.clearGradients()
    var tokens: [Int] = []
    var seconds: [Double] = []
    for _ in 0..<min(2, totalSteps) {
      tokens.append(
        try stepBatches(after: state).enumerated().reduce(0) { sum, batch in
          try sum + setup.batches.batch(rows: batch.element, at: position(ofBatch: batch.offset)).packed.tokens.count
        })
      try applySchedules()
      try changeStrategy()
      let before = state.seconds
      try step()
      seconds.append(state.seconds - before)
    }
    let began = ContinuousClock.now
    let evaluation = try setup.evaluate.map { evaluate in
      let result = try evaluate(0)
      return (seconds: (ContinuousClock.now - began).seconds, sentences: 2 * result.pairs)
    }
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    func count(every steps: Int) -> Int { totalSteps / steps + (totalSteps % steps == 0 ? 0 : 1) }
    return RunForecast(
      description: setup.description, identity: setup.identity, rows: setup.data.rows, steps: totalSteps,
      evaluations: setup.evaluate == nil ? 0 : 1 + count(every: options.evalSteps),
      checkpoints: count(every: options.stepsBetweenCheckpoints), tokensMeasured: tokens, secondsMeasured: seconds,
      evaluation: evaluation, modelBytes: setup.model.exportedBytes, memory: usage.ru_maxrss * 1024,
      diskNeeded: neededSpace.needed, diskFree: neededSpace.free)
  }
}
