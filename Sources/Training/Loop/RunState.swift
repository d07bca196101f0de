// Where a run stands, apart from its tensors: what a checkpoint records besides them. Read and written by TrainingRun.

import Files

/// Counters of a run.
struct RunState: Equatable {
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
  /// For the newest checkpoints: which step's model was best when they were written.
  var bestOfCheckpoint: [Int: Int] = [:]

  init() {}

  var json: JSONObject {
    JSONObject([
      ("step", .integer(step)), ("batches", .integer(batches)), ("epoch", .integer(epoch)),
      ("position", .integer(position)), ("rowsSeen", .integer(rowsSeen)), ("seconds", .number(seconds)),
      ("lastLoss", .number(lastLoss)), ("logLength", .integer(logLength)), ("baseline", baseline?.json ?? .null),
      ("last", last?.json ?? .null), ("best", best?.json ?? .null),
      (
        "bestOfCheckpoint",
        .object(JSONObject(bestOfCheckpoint.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) }))
      ),
    ])
  }

  /// Nil where a member is missing.
  init?(_ json: JSONObject) {
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
    for key in history.keys {
      if let step = Int(key), let best = history[key]?.integer { bestOfCheckpoint[step] = best }
    }
  }
}
