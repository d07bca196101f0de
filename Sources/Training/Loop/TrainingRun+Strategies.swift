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
    guard let course = setup.course, course.hasChanges else { return [] }
    return [
      (Self.strategyIndex, .integer(course.current.index)), (Self.pastChanges, .array(strategyChanges)),
    ]
  }

  private static let strategyIndex = "strategy"
  private static let pastChanges = "strategyChanges"

  /// Puts the strategy there that a checkpoint was written under.
  /// - Throws: `TrainingError.badData` for a strategy that the run does not have; `.change`.
  func enterStrategy(of file: CheckpointFile) throws {
    guard let course = setup.course else { return }
    let index = file.state[Self.strategyIndex]?.integer ?? 0
    guard (0...course.changeCount).contains(index) else {
      throw CheckpointFile.damaged(file.path, "a strategy from 0 to \(course.changeCount)", "\(index)")
    }
    guard index != course.current.index else { return }
    try course.enter(index)
    optimizer = AdamW(parameters: setup.model.parameters, continuing: optimizer)
  }

  /// What the checkpoint knows of earlier changes.
  func restoreCourse(of file: CheckpointFile) {
    strategyChanges = file.state[Self.pastChanges]?.array ?? []
  }
}
