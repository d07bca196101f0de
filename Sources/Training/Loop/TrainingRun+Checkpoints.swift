// What a run writes down to go on from, and how it goes on: checkpoints after whole steps, whatever ended the run.

import Files
import Foundation
import Host
import Kernels

extension TrainingRun {
  private var tensors: [CheckpointTensor] { optimizer.tensors + setup.model.states }

  func save() throws {
    try log?.flush()
    if let best = state.best { state.bestOfCheckpoint[state.step] = best.step }
    let kept = [state.step] + folder.checkpoints.steps.filter { $0 < state.step }.prefix(CheckpointFolder.kept - 1)
    state.bestOfCheckpoint = state.bestOfCheckpoint.filter { kept.contains($0.key) }
    var document = state.json
    document["optimizerSteps"] = .integer(optimizer.steps)
    document["evaluatedStep"] = .integer(evaluatedStep)
    document[RunRecord.identity] = .object(setup.identity.members)
    document["method"] = setup.method.map { .string($0) }
    try CheckpointFile.write(
      to: folder.checkpoints.checkpointPath(step: state.step), state: document, tensors: tensors)
    savedStep = state.step
    needsCheckpoint = false
    folder.checkpoints.prune(bestOfStep: state.bestOfCheckpoint)
  }

  /// Parameters and states are those of the last whole step; the gradients of the failed one are dropped.
  func saveAfter(failure: any Error) {
    guard savedStep != state.step, state.step > 0 else { return }
    do { try save() } catch let second {
      if "\(second)" != "\(failure)" {
        setup.display.note("the state after step \(state.step) could not be saved: \(second)")
      }
      return
    }
    setup.display.note(
      "the state after step \(state.step) is in \(folder.checkpoints.checkpointPath(step: state.step))")
  }

  /// A call that never returns holds the weights where they were after the last whole step; states are put back.
  func saveWhenAPluginHangs() {
    nonisolated(unsafe) let run = self
    PluginGuard.onGivingUp {
      run.snapshot.putBack(run.setup.model.states)
      run.saveAfter(failure: TrainingError.interrupted(checkpoint: "", step: run.state.step))
    }
  }

  func restore() throws {
    let found = try folder.checkpoints.newest { file in
      try compareIdentity(file)
      let state = try RunState(checkpoint: file, totalSteps: totalSteps, rows: setup.data.rows)
      try file.check(all: tensors)
      try RunLog.check(path: folder.logPath, length: state.logLength)
      return (state, try file.restore(all: tensors), file)
    }
    guard let ((state, missing, file), passedOver) = found else {
      setup.display.note("nothing to resume in \(folder.path); starting from the first step")
      return try folder.clear()
    }
    for reason in passedOver { setup.display.note("passed over: " + reason) }
    for group in missing { setup.display.note("note: \(group) is not in the checkpoint; it starts over here") }
    optimizer.markTouchedRows()
    self.state = state
    optimizer.steps = file.state["optimizerSteps"]?.integer ?? state.step
    evaluatedStep = file.state["evaluatedStep"]?.integer ?? -1
    savedStep = state.step
    for step in folder.checkpoints.steps where step > state.step {
      unlink(folder.checkpoints.checkpointPath(step: step))
    }
    // What a killed run was about to remove.
    folder.checkpoints.prune(bestOfStep: state.bestOfCheckpoint)
    setup.display.note("resuming after step \(state.step) of \(totalSteps) from \(file.path)")
    if isBestModelLost { setup.display.note("warning: \(lostModelText)") }
  }

  /// Whether the best model so far is no longer where it was written.
  var isBestModelLost: Bool {
    guard let best = state.best else { return false }
    let folder = folder.checkpoints.bestPath(step: best.step)
    return !["config.json", "model.safetensors"].allSatisfy { Path.isFile(folder + "/" + $0) }
  }

  /// For people and for run.json.
  var lostModelText: String {
    let step = state.best?.step ?? 0
    return "the best model, of step \(step), is no longer whole in \(folder.checkpoints.bestPath(step: step))"
  }

  private func compareIdentity(_ file: CheckpointFile) throws {
    guard let members = file.state[RunRecord.identity]?.object else {
      throw TrainingError.badData(
        path: file.path, line: 0, expected: "a checkpoint that says which run it belongs to",
        found: "one of an earlier version",
        advice: "Go on with the version that wrote it, or pass --overwrite to start over")
    }
    let differences = setup.identity.differences(
      from: RunIdentity(members), called: ("in the checkpoint", "now"), ignoring: RunIdentity.observers)
    guard !differences.isEmpty else { return }
    // Two recipes differ by their names, which is what was typed.
    let lines = differences.map { line in
      guard line.hasPrefix("strategy: "), let then = file.state["method"]?.string, let now = setup.method, then != now
      else { return line }
      return "--method: \(then) in the checkpoint, \(now) now"
    }
    throw TrainingError.resumeMismatch(path: file.path, differences: lines)
  }
}
