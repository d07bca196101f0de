// The scores of a run: which step's model is the best so far, and what is said of it.

import Files
import Kernels

extension TrainingRun {
  /// Scores the model as it stands, and keeps it where it is the best so far.
  func evaluate() throws {
    guard let evaluate = setup.evaluate else { return }
    let began = ContinuousClock.now
    let result = try evaluate(state.step)
    let isBest = state.step > 0 && result.isBetter(than: state.best)
    if isBest {
      let target = folder.checkpoints.bestPath(step: state.step)
      report(notes: try setup.model.export(to: target))
      state.bestFiles = try Folder.digests(in: target)
    }
    // Only now: a checkpoint after a failure above must not take the evaluation for done.
    evaluatedStep = state.step
    if state.step == 0 { state.baseline = result } else { state.last = result }
    if isBest { state.best = result }
    if state.step > 0 { state.evaluationsSinceBest = isBest ? 0 : state.evaluationsSinceBest + 1 }
    let seconds = (ContinuousClock.now - began).seconds
    try appendToLog(
      [("evaluation", .string(options.evalData ?? ""))] + result.members
        + [("isBest", .bool(isBest)), ("seconds", .integer(Int(seconds)))])
    let mark = state.step == 0 ? "  (before training)" : isBest ? "  (best so far)" : ""
    let narrow = result.dimensions.isEmpty ? "" : " (of the first \(result.dimensionsText))"
    setup.display.note("step \(state.step): Spearman \(result.text)\(narrow) on \(result.pairs) pairs" + mark)
  }

  /// Whether the run is at its end: at its last step, or out of patience.
  var isOver: Bool { state.step == totalSteps || endsEarly != nil }

  /// Why the run ends before its last step; nil where it does not.
  var endsEarly: String? {
    guard let patience = options.patience, state.step < totalSteps, state.evaluationsSinceBest >= patience else {
      return nil
    }
    let best = state.best.map { "a better dev score than \($0.text) at step \($0.step)" } ?? "a dev score"
    return "\(state.evaluationsSinceBest) evaluations without \(best) (--patience \(patience))"
  }

  /// Why no score came out of any evaluation; nil where one did, or nothing was scored.
  var missingScore: String? {
    guard setup.evaluate != nil, state.best == nil else { return nil }
    return state.last?.problem ?? "no number"
  }
}
