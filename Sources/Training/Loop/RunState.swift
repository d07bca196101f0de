// Where a run stands, apart from its tensors: what a checkpoint records besides them. Read and written by TrainingRun.

package import Files

/// Counters of a run.
package struct RunState: Equatable {
  /// Optimiser steps done.
  var step = 0
  /// Batches done; more than steps with gradient accumulation.
  var batches = 0
  var epoch = 0
  /// The next row of the epoch's order.
  var position = 0
  /// Rows trained on so far.
  var rowsSeen = 0
  /// Seconds of training, over all parts of the run.
  var seconds = 0.0
  var lastLoss = 0.0
  /// Bytes of metrics.jsonl that belong to the steps done.
  var logLength = 0
  /// The score before the first step.
  var baseline: EvaluationResult?
  var last: EvaluationResult?
  var best: EvaluationResult?
  /// The SHA-256 of each file of the best model, by its path in its folder.
  var bestFiles: [String: String] = [:]
  /// Evaluations after a step since the best one.
  var evaluationsSinceBest = 0
  /// For the newest checkpoints: which step's model was best when they were written.
  var bestOfCheckpoint: [Int: Int] = [:]

  init() {}

  var json: JSONObject {
    JSONObject([
      ("step", .integer(step)), ("batches", .integer(batches)), ("epoch", .integer(epoch)),
      ("position", .integer(position)), ("rowsSeen", .integer(rowsSeen)), ("seconds", .number(seconds)),
      ("lastLoss", .number(lastLoss)), ("logLength", .integer(logLength)), ("baseline", baseline?.json ?? .null),
      ("last", last?.json ?? .null), ("best", best?.json ?? .null),
      ("bestFiles", .object(JSONObject(bestFiles.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))),
      ("evaluationsSinceBest", .integer(evaluationsSinceBest)),
      (
        "bestOfCheckpoint",
        .object(JSONObject(bestOfCheckpoint.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) }))
      ),
    ])
  }

  /// The state of a checkpoint.
  /// - Throws: `TrainingError.badData` where a member is missing, or no run of this length could have it.
  init(checkpoint file: CheckpointFile, totalSteps: Int, rows: Int) throws {
    guard let state = RunState(file.state) else {
      throw CheckpointFile.damaged(file.path, "the counters of a run", "a state without some of them")
    }
    let counters = [
      ("step", state.step, totalSteps), ("batches", state.batches, .max / 2), ("epoch", state.epoch, state.batches),
      ("position", state.position, rows - 1), ("rowsSeen", state.rowsSeen, .max / 2),
      ("logLength", state.logLength, .max), ("optimizerSteps", file.state["optimizerSteps"]?.integer ?? 0, state.step),
      ("evaluationsSinceBest", state.evaluationsSinceBest, totalSteps),
      ("the step of the best model", state.best?.step ?? 0, state.step),
    ]
    for (name, value, limit) in counters where !(0...max(limit, 0)).contains(value) {
      throw CheckpointFile.damaged(file.path, "\(name) from 0 to \(limit)", "\(value)")
    }
    guard state.seconds.isFinite, state.seconds >= 0 else {
      throw CheckpointFile.damaged(file.path, "seconds of training", "\(state.seconds)")
    }
    self = state
  }

  /// Nil where a member is missing.
  package init?(_ json: JSONObject) {
    guard let step = json["step"]?.integer, let batches = json["batches"]?.integer,
      let epoch = json["epoch"]?.integer, let position = json["position"]?.integer,
      let rowsSeen = json["rowsSeen"]?.integer, let seconds = json["seconds"]?.double,
      let logLength = json["logLength"]?.integer, let history = json["bestOfCheckpoint"]?.object
    else { return nil }
    (self.step, self.batches, self.epoch, self.position) = (step, batches, epoch, position)
    (self.rowsSeen, self.seconds, self.logLength) = (rowsSeen, seconds, logLength)
    lastLoss = json["lastLoss"]?.double ?? .nan
    baseline = EvaluationResult(json["baseline"])
    last = EvaluationResult(json["last"])
    best = EvaluationResult(json["best"])
    evaluationsSinceBest = json["evaluationsSinceBest"]?.integer ?? 0
    for file in json["bestFiles"]?.object?.members ?? [] { bestFiles[file.key] = file.value.string }
    for key in history.keys {
      if let step = Int(key), let best = history[key]?.integer { bestOfCheckpoint[step] = best }
    }
  }
}

extension RunState {
  /// How many epochs are behind the next batch.
  func epochFraction(rows: Int) -> Double { Double(epoch) + Double(position) / Double(rows) }

  /// Puts a step on these batches behind, of a file of `fileRows` rows; what was behind its last row begins an epoch.
  mutating func advance(by stepped: [[Int]], ofRows fileRows: Int) {
    let rows = stepped.reduce(0) { $0 + $1.count }
    step += 1
    batches += stepped.count
    rowsSeen += rows
    position += rows
    guard position >= fileRows else { return }
    epoch += 1
    position = 0
  }
}
