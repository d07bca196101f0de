// The step boundary as the course of strategies sees it: after the last step of one the next takes over, behind
// evaluation and checkpoint, so that both still belong to the strategy that trained.

import Files
import Host

extension TrainingRun {
  /// Lets the strategy take over whose step has come.
  func changeStrategy() throws {
    guard let course = setup.course, course.due(at: state.step) != nil else { return }
    let change = try course.advance()
    optimizer = AdamW(
      parameters: setup.model.parameters, continuing: optimizer, startingOver: change.newParameters)
    try applySchedules()
    setup.display.note("step \(state.step): \(change.to.text) takes over from \(change.from.text)")
    for note in change.notes { setup.display.note("  " + note) }
    // A trial writes nothing.
    guard log != nil else { return }
    let members: [(String, JSONValue)] = [
      ("strategy", .string(change.to.text)), ("step", .integer(state.step)), ("from", .string(change.from.text)),
      ("notes", .array(change.notes.map { .string($0) })),
    ]
    try appendToLog(members)
    strategyChanges.append(.object(JSONObject(members)))
    try writeRecord(result: nil)
  }

  /// What a checkpoint says of the strategies of the run; nothing where they never change.
  var courseMembers: [(String, JSONValue)] {
    guard let course = setup.course, course.hasChanges || !strategyChanges.isEmpty else { return [] }
    let current = course.current
    let swapped = StrategyChange(step: current.start, strategy: current.text)
    return [
      (Self.strategyIndex, .integer(current.index)), (Self.pastChanges, .array(strategyChanges)),
      (Self.swapped, current.isSwapped ? .string(swapped.text) : .null),
    ]
  }

  private static let strategyIndex = "strategy"
  private static let swapped = "swapped"
  private static let pastChanges = "strategyChanges"

  /// Puts the strategy there that a checkpoint was written under.
  /// - Throws: `TrainingError.badData` for a strategy that the run does not have; `.change`.
  func enterStrategy(of file: CheckpointFile) throws {
    guard let course = setup.course else { return }
    let index = file.state[Self.strategyIndex]?.integer ?? 0
    guard (0...course.changeCount).contains(index) else {
      throw CheckpointFile.damaged(file.path, "a strategy from 0 to \(course.changeCount)", "\(index)")
    }
    let swapped = file.state[Self.swapped]?.string
    guard index != course.current.index || swapped != nil || course.current.isSwapped else { return }
    try course.enter(index)
    if let swapped { try enter(swapped, of: file, course) }
    optimizer = AdamW(parameters: setup.model.parameters, continuing: optimizer)
  }

  /// The strategy that somebody had swapped in, with the libraries of then.
  private func enter(_ text: String, of file: CheckpointFile, _ course: StrategyCourse) throws {
    guard let swapper = setup.swapper, let change = try? StrategyChange(parsing: text),
      let then = file.state[RunRecord.identity]?.object.map(RunIdentity.init)?.swaps.last
    else { throw CheckpointFile.damaged(file.path, "the strategy that was swapped in", "'\(text)'") }
    let wanted = try swapper.planned(change)
    let now = try RunIdentity.record(wanted)
    let differences = RunIdentity.changeDifferences(RunIdentity.swaps, [then], [now])
    guard differences.isEmpty else {
      throw TrainingError.resumeMismatch(
        path: file.path,
        differences: differences.map { "\($0.place): \($0.old) in the checkpoint, \($0.new) now" })
    }
    _ = try course.swap(to: wanted, goesOn: false)
    setup.model.trained(by: course.current.text, after: change.step)
  }

  /// What the checkpoint knows of earlier changes.
  func restoreCourse(of file: CheckpointFile) {
    strategyChanges = file.state[Self.pastChanges]?.array ?? []
  }
}
