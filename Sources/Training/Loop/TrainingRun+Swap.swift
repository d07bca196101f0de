// The step boundary as `mixcse swap` sees it: a strategy that was checked in a child comes in before a step, and is
// accepted once that step went well; where it does not, the strategy before does the step.

import Files
import Host

extension TrainingRun {
  /// Lets a strategy in that was asked for, on trial for the next step, or says why not.
  func swapStrategy() throws {
    // One thing on trial at a time.
    guard trial == nil, let course = setup.course, let event = setup.swapper?.poll(step: state.step) else { return }
    let request = event.request
    do {
      let wanted = try event.result.get()
      let change = try course.swap(to: wanted)
      let before = optimizer
      optimizer = AdamW(parameters: setup.model.parameters, continuing: before, startingOver: change.newParameters)
      trial = StepTrial(
        optimizer: before, undo: { course.undo(change) },
        accept: { [unowned self] in try accept(request, wanted, change) },
        refuse: { [unowned self] in try refuse(request, $0) })
      try applySchedules()
    } catch {
      endTrial()
      try applySchedules()
      try refuse(request, "\(error)")
    }
  }

  private func accept(_ request: SwapRequest, _ wanted: PlannedChange, _ change: CourseChange) throws {
    setup.identity.swaps.append(try RunIdentity.record(wanted))
    setup.model.trained(by: change.to.text, after: state.step)
    // Whoever asked hears of it once the newest checkpoint names the strategy, so that a resumed run goes on with it.
    needsCheckpoint = true
    let notes = setup.course?.notes(of: wanted, change) ?? []
    swapAnswer = SwapAnswer(id: request.id, step: state.step, strategy: change.to.text, notes: notes)
    setup.display.note(
      "step \(state.step): \(change.to.text) takes over from \(change.from.text), as mixcse swap asked")
    for note in notes { setup.display.note("  " + note) }
    try write(request, to: change.to.text, from: change.from.text, notes: notes)
  }

  private func refuse(_ request: SwapRequest, _ reason: String) throws {
    let reason = reason.split(separator: "\n").first.map(String.init) ?? ""
    setup.display.note("warning: \(request.strategy) is not swapped in, the strategy stays: \(reason)")
    try write(request, to: nil, from: setup.course?.current.text ?? "", reason: reason)
    try setup.swapper?.files.answer(
      SwapAnswer(id: request.id, step: state.step, strategy: request.strategy, refusal: reason))
  }

  private func write(
    _ request: SwapRequest, to: String?, from: String, reason: String? = nil, notes: [String] = []
  ) throws {
    let members: [(String, JSONValue)] = [
      ("swap", .string(to ?? request.strategy)), ("step", .integer(state.step)), ("from", .string(from)),
      ("accepted", .bool(reason == nil)), ("reason", reason.map { .string($0) } ?? .null),
      ("notes", .array(notes.map { .string($0) })),
    ]
    try appendToLog(members)
    strategyChanges.append(.object(JSONObject(members)))
    try writeRecord(result: nil)
  }

  /// Tells whoever asked, behind the checkpoint.
  func answerSwap() throws {
    guard let answer = swapAnswer else { return }
    swapAnswer = nil
    try setup.swapper?.files.answer(answer)
  }
}
