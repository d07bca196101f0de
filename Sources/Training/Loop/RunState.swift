// Where a run stands, apart from its tensors: what a checkpoint records besides them. Read and written by TrainingRun.

package import Files

/// The score of one evaluation.
package struct EvaluationResult: Sendable, Equatable {
  package var step: Int
  /// Both x 100.
  package var spearman: Double
  package var pearson: Double
  package var pairs: Int
  /// How the embeddings lie in their space, by name (`DevelopmentScore.spaceNames`).
  package var space: [String: Double] = [:]

  package init(step: Int, spearman: Double, pearson: Double, pairs: Int) {
    self.step = step
    self.spearman = spearman
    self.pearson = pearson
    self.pairs = pairs
  }

  var members: [(String, JSONValue)] {
    [
      ("step", .integer(step)), ("spearman", .number(spearman)), ("pearson", .number(pearson)),
      ("pairs", .integer(pairs)),
    ] + DevelopmentScore.spaceNames.compactMap { name in space[name].map { (name, .number($0)) } }
  }

  package var json: JSONValue { .object(JSONObject(members)) }

  init?(_ json: JSONValue?) {
    guard let object = json?.object, let step = object["step"]?.integer, let spearman = object["spearman"]?.double,
      let pearson = object["pearson"]?.double, let pairs = object["pairs"]?.integer
    else { return nil }
    self.init(step: step, spearman: spearman, pearson: pearson, pairs: pairs)
    for name in DevelopmentScore.spaceNames { space[name] = object[name]?.double }
  }
}

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
