// The step boundary as hot reload sees it: a rebuilt plugin comes in before a step, and is accepted once that step
// went well; where it does not, the old build does the step.

import Files
import Host
import Kernels

/// Something new in its first step, and what there is to go back to.
struct StepTrial {
  let optimizer: AdamW
  /// The model goes back.
  let undo: () -> Void
  /// The step went well.
  let accept: () throws -> Void
  /// It did not; gets the reason.
  let refuse: (String) throws -> Void
}

extension TrainingRun {
  /// Lets a rebuilt plugin in, on trial for the next step, or says why not.
  func reloadPlugins() throws {
    guard let reload = setup.reloader?.poll() else { return }
    if let reason = reload.refusal { return try refuse(reload, reason) }
    trial = StepTrial(
      optimizer: optimizer, undo: { [setup] in setup.reloader?.undo(reload) },
      accept: { [unowned self] in try accept(reload) }, refuse: { [unowned self] in try refuse(reload, $0) })
    optimizer = AdamW(parameters: setup.model.parameters, continuing: optimizer)
  }

  /// The gradients of a step; states are as before where it fails, and what was there before something on trial tries
  /// again.
  func safeGradients(of batches: [[Int]]) throws -> (outcome: StepOutcome, norm: Double) {
    let result: (outcome: StepOutcome, norm: Double)
    do {
      result = try snapshot.undoingOnFailure({ setup.model.states }) { try gradients(of: batches) }
    } catch {
      guard let trial else { throw error }
      endTrial()
      try optimizer.clearGradients()
      if let failure = error as? PluginFailure, failure.reason == .cancelled { throw failure }
      try applySchedules()
      try trial.refuse("its first step failed: \("\(error)".split(separator: "\n").first ?? "")")
      return try safeGradients(of: batches)
    }
    let passed = trial
    trial = nil
    try passed?.accept()
    return result
  }

  /// What is on trial goes, and what was there before is back.
  func endTrial() {
    guard let trial else { return }
    self.trial = nil
    trial.undo()
    optimizer = trial.optimizer
  }

  private func accept(_ reload: PluginReload) throws {
    setup.reloader?.accept(reload)
    let earlier = setup.identity
    setup.identity = try setup.identify()
    setup.identity.takeHistory(of: earlier)
    // The newest checkpoint names the build that a resumed run will find.
    needsCheckpoint = true
    let mapped = "\(reload.mapped.count) builds mapped, \(fixed(Double(reload.mapped.bytes) / 1e6, 1)) MB"
    let builds = "\(reload.from.prefix(12)) -> \(reload.to.prefix(12))"
    setup.display.note("reloaded \(reload.name) before step \(state.step + 1): \(builds) (\(mapped))")
    for note in reload.notes { setup.display.note("  " + note) }
    try write(reload, reason: nil)
  }

  private func refuse(_ reload: PluginReload, _ reason: String) throws {
    setup.display.note("warning: \(reload.name) is not reloaded, the old build goes on: \(reason)")
    try write(reload, reason: reason)
  }

  private func write(_ reload: PluginReload, reason: String?) throws {
    let members: [(String, JSONValue)] = [
      ("reload", .string(reload.name)), ("step", .integer(state.step)), ("from", .string(reload.from)),
      ("to", reload.to.isEmpty ? .null : .string(reload.to)), ("accepted", .bool(reason == nil)),
      ("reason", reason.map { .string($0) } ?? .null), ("notes", .array(reload.notes.map { .string($0) })),
    ]
    try appendToLog(members)
    reloads.append(.object(JSONObject(members)))
    try writeRecord(result: nil)
  }
}
