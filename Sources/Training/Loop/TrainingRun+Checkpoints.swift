// What a run writes down to go on from, and how it goes on: checkpoints after whole steps, whatever ended the run.

import Files
import Glibc
import Host
import Kernels

extension TrainingRun {
  private var tensors: [CheckpointTensor] { optimizer.tensors + setup.model.states + setup.model.averages }

  /// Which parameters joined the optimiser on the way, and when.
  private static let joinedLater = "joinedLater"

  /// How many processes shared the work.
  private static let ranks = "ranks"

  func save() throws {
    try log?.flush()
    if let best = state.best { state.bestOfCheckpoint[state.step] = best.step }
    let kept = [state.step] + folder.checkpoints.steps.filter { $0 < state.step }.prefix(CheckpointFolder.kept - 1)
    state.bestOfCheckpoint = state.bestOfCheckpoint.filter { kept.contains($0.key) }
    var document = state.json
    document["optimizerSteps"] = .integer(optimizer.steps)
    document[Self.joinedLater] = .object(JSONObject(optimizer.joinedLater.map { ($0.name, .integer($0.steps)) }))
    document[Self.ranks] = .integer(setup.ranks)
    document["evaluatedStep"] = .integer(evaluatedStep)
    document[RunRecord.identity] = .object(setup.identity.members)
    document["method"] = setup.method.map { .string($0) }
    for (name, value) in courseMembers { document[name] = value }
    try optimizer.readDevice()
    try CheckpointFile.write(
      to: folder.checkpoints.checkpointPath(step: state.step), state: document, tensors: tensors)
    savedStep = state.step
    needsCheckpoint = false
    folder.checkpoints.prune(bestOfStep: state.bestOfCheckpoint)
    try answerSwap()
  }

  /// Parameters and states are those of the last whole step; the gradients of the failed one are dropped.
  func saveAfter(failure: any Error) {
    guard savedStep != state.step, state.step > 0, !isTorn else { return }
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
      run.endTrial()
      run.saveAfter(failure: TrainingError.interrupted(checkpoint: "", step: run.state.step))
    }
  }

  func restore() throws {
    let found = try folder.checkpoints.newest { file in
      try compareIdentity(file)
      let state = try RunState(checkpoint: file, totalSteps: totalSteps, rows: setup.data.rows)
      try enterStrategy(of: file)
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
    try optimizer.writeDevice()
    self.state = state
    optimizer.steps = file.state["optimizerSteps"]?.integer ?? state.step
    optimizer.restore(joined: file.state[Self.joinedLater]?.object?.members ?? [])
    restoreCourse(of: file)
    evaluatedStep = file.state["evaluatedStep"]?.integer ?? -1
    savedStep = state.step
    for step in folder.checkpoints.steps where step > state.step {
      unlink(folder.checkpoints.checkpointPath(step: step))
    }
    // What a killed run was about to remove.
    folder.checkpoints.prune(bestOfStep: state.bestOfCheckpoint)
    setup.display.note("resuming after step \(state.step) of \(totalSteps) from \(file.path)")
    try rememberExtension(of: file, at: state.step)
    let ranks = file.state[Self.ranks]?.integer ?? 1
    if ranks != setup.ranks, options.shards == nil {
      setup.display.note(
        "note: up to here \(ranks) \(ranks == 1 ? "process" : "processes") shared the work, \(setup.ranks) from here: "
          + "gradients are added up in another order"
          + (setup.description.encoder.isOwn ? " (--shards keeps it)" : ""))
    }
    if isBestModelLost { setup.display.note("warning: \(lostModelText)") }
  }

  /// Whether the best model so far is no longer as it was written.
  var isBestModelLost: Bool {
    guard let best = state.best else { return false }
    let folder = folder.checkpoints.bestPath(step: best.step)
    guard ["config.json", "model.safetensors"].allSatisfy({ Path.isFile(folder + "/" + $0) }) else { return true }
    return state.bestFiles.contains { name, digest in (try? fileDigest(folder + "/" + name).sha256) != digest }
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
    let earlier = RunIdentity(members)
    if extends(earlier, after: file.state["step"]?.integer ?? 0) { return }
    if isMorePatient(than: earlier) { return }
    try refuse(earlier, called: "in the checkpoint", method: file.state["method"]?.string, path: file.path)
  }

  /// - Throws: `TrainingError.resumeMismatch` where this is another run than `earlier`.
  private func refuse(_ earlier: RunIdentity, called then: String, method: String?, path: String) throws {
    let differences = setup.identity.differences(
      from: earlier, called: (then, "now"), ignoring: RunIdentity.observers + RunIdentity.history)
    guard !differences.isEmpty else { return }
    // Two recipes differ by their names, which is what was typed.
    let lines = differences.map { line in
      guard line.hasPrefix("strategy: "), let method, let now = setup.method, method != now else { return line }
      return "--method: \(method) \(then), \(now) now"
    }
    throw TrainingError.resumeMismatch(path: path, differences: lines)
  }
}

// MARK: - Finished runs

extension TrainingRun {
  /// Gives up what only going on needs; model and record are in their places.
  func removeCheckpoints() {
    do {
      let bytes = try folder.removeCheckpoints()
      setup.display.note(
        "removed \(folder.checkpoints.path) of the finished run (\(mebibytes(bytes))); --keep-checkpoints keeps it")
    } catch {
      setup.display.note("note: \(folder.checkpoints.path) of the finished run could not be removed: \(error)")
    }
  }

  /// What run.json says where this very run is finished and has no checkpoints: there is nothing to do.
  /// - Throws: `TrainingError.usage` where it was to be extended, `.resumeMismatch` where it is another run.
  func resultOfFinishedRun() throws -> TrainingResult? {
    guard setup.control.resume, folder.checkpoints.steps.isEmpty, let (earlier, result) = folder.finishedRun else {
      return nil
    }
    // Only made for a run that would go on.
    defer { rmdir(folder.checkpoints.path) }
    if extends(earlier, after: result.steps) || isMorePatient(than: earlier) && result.endedEarly != nil {
      throw TrainingError.usage(
        place: "--resume", expected: "checkpoints in \(folder.path) to go on from after step \(result.steps)",
        found: "a finished run, whose checkpoints were removed",
        advice: "Only a run with --keep-checkpoints can be extended: begin it again with --overwrite "
          + "--keep-checkpoints, or train on from its model: --model \(folder.path) and another --output-dir")
    }
    try refuse(earlier, called: "in run.json", method: nil, path: folder.recordPath)
    setup.display.note("the run in \(folder.path) is finished (step \(result.steps)); nothing is done")
    return result
  }

  /// Whether this run is `earlier`, finished after `step`, with more steps.
  private func extends(_ earlier: RunIdentity, after step: Int) -> Bool {
    let changed = setup.identity.changes(from: earlier, ignoring: RunIdentity.observers + RunIdentity.history)
    guard !changed.isEmpty, changed.allSatisfy(RunIdentity.lengths.contains) else { return false }
    var then = options
    then.maximumSteps = earlier.members["--max-steps"]?.integer
    then.epochs = earlier.members["--epochs"]?.double ?? then.epochs
    return then.totalSteps(rows: setup.data.rows) == step && totalSteps > step
  }

  /// Whether this run is `earlier` with more patience: up to now both are the same, to the bit.
  private func isMorePatient(than earlier: RunIdentity) -> Bool {
    let changed = setup.identity.changes(from: earlier, ignoring: RunIdentity.observers + RunIdentity.history)
    guard changed == ["--patience"], let then = earlier.members["--patience"]?.integer else { return false }
    return options.patience.map { $0 > then } ?? true
  }

  /// The steps after which the run was finished once are part of what it is: its numbers are not those of a run that
  /// was as long from the start.
  private func rememberExtension(of file: CheckpointFile, at step: Int) throws {
    guard let earlier = file.state[RunRecord.identity]?.object.map(RunIdentity.init) else { return }
    var steps = earlier.extensions
    if extends(earlier, after: step) {
      steps.append(step)
      setup.display.note(
        "extending the finished run of \(step) steps to \(totalSteps): from here the learning rate is that of a run of "
          + "\(totalSteps) steps, and the numbers are not those of one that was as long from the start")
    }
    setup.identity.takeHistory(of: earlier)
    setup.identity.extensions = steps
    if let note = setup.identity.takeOver(earlier, step: step) { setup.display.note(note) }
  }
}
