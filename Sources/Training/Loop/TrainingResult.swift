// What a finished run has to say: printed by the train command, recorded in run.json.

package import Files

/// The outcome of a whole run.
package struct TrainingResult: Sendable {
  /// The Hugging Face folder with the model.
  package var outputFolder: String
  /// Optimiser steps done.
  package var steps: Int
  /// Rows trained on, counted once an epoch.
  package var rows: Int
  /// Seconds of training steps, evaluation and checkpoints not counted.
  package var seconds: Double
  /// Of the last step.
  package var loss: Double
  /// Before the first step, at the last, and the best in between; nil without evaluation data.
  package var baseline: EvaluationResult?
  /// After the last step.
  package var last: EvaluationResult?
  /// The best after any step.
  package var best: EvaluationResult?
  /// With `--frozen`: of the embeddings without the head.
  package var withoutHead: EvaluationResult?
  /// The step whose model is in the output folder.
  package var modelStep: Int
  /// Why the run ended before its last step; nil where it did not.
  package var endedEarly: String?
  /// What became of the best model, where it could not be put there; nil where all is well.
  package var lostModel: String?

  /// What a user should know who takes the model for an improvement; nil where it is one.
  package var warning: String? {
    guard let baseline, let best, best.spearman < baseline.spearman else { return nil }
    return "training made the model worse: Spearman \(fixed(best.spearman, 2)) at best, "
      + "\(fixed(baseline.spearman, 2)) before training. A lower --learning-rate or other data may help"
  }

  /// A result by its parts.
  init(
    outputFolder: String, steps: Int, rows: Int, seconds: Double, loss: Double, modelStep: Int
  ) {
    (self.outputFolder, self.steps, self.rows) = (outputFolder, steps, rows)
    (self.seconds, self.loss, self.modelStep) = (seconds, loss, modelStep)
  }

  /// What a record says; nil where it is incomplete.
  init?(_ json: JSONValue?, outputFolder: String) {
    guard let json = json?.object, let steps = json["steps"]?.integer, let rows = json["sentences"]?.integer,
      let seconds = json["seconds"]?.double, let modelStep = json["modelStep"]?.integer
    else { return nil }
    self.init(
      outputFolder: outputFolder, steps: steps, rows: rows, seconds: seconds, loss: json["loss"]?.double ?? .nan,
      modelStep: modelStep)
    baseline = EvaluationResult(json["baseline"])
    last = EvaluationResult(json["last"])
    best = EvaluationResult(json["best"])
    withoutHead = EvaluationResult(json["withoutHead"])
    endedEarly = json["endedEarly"]?.string
    lostModel = json["lostModel"]?.string
  }

  /// What run.json records and `train --json` prints.
  package var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("outputDir", .string(outputFolder)), ("steps", .integer(steps)), ("sentences", .integer(rows)),
      ("seconds", .number(seconds)), ("sentencesPerSecond", .number(seconds > 0 ? Double(rows) / seconds : 0)),
      ("loss", .number(loss)), ("baseline", baseline?.json ?? .null), ("last", last?.json ?? .null),
      ("best", best?.json ?? .null), ("modelStep", .integer(modelStep)),
    ]
    if let endedEarly { members.append(("endedEarly", .string(endedEarly))) }
    if let lostModel { members.append(("lostModel", .string(lostModel))) }
    if let withoutHead { members.append(("withoutHead", withoutHead.json)) }
    return .object(JSONObject(members))
  }
}
