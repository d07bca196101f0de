// What the user reads when a plugin breaks a rule: each failure names component, library, function, step and
// parameters.

import Host
import Kernels
import Logging
import Objective
import TestSupport
import Testing

struct FailureTests {
  private func failure(
    samplers: [String] = [], losses: [String] = ["infonce"], step: Int64 = 12
  ) throws -> PluginFailure? {
    let world = try TestWorld()
    do {
      let objective = try world.objective(samplers: samplers, losses: losses, width: 6, rows: 4)
      _ = try objective.evaluate(makeViews(2, rows: 4, width: 6), position: StepPosition(step: step))
      return nil
    } catch let failure as PluginFailure {
      #expect(failure.exitCode == 69)
      return failure
    }
  }

  @Test(arguments: [
    ("status", "needs a third view (status 1, invalid)"),
    ("silent", "it failed with status 42, which the header does not define and gave no reason"),
    ("nan-vector", "vectors[0] holds nan at [1, 2]; expected finite numbers"),
    ("overflow-tape", "wrote past the end of 'tape': byte 10 of 10; a plugin may write only inside the buffers"),
    ("underflow-vector", "wrote 4 bytes before the start of 'vectors[0]'"),
    ("raise-columns", "it set n_cols[1] ('fault') to 5, expected 0 to 4"),
    ("foreign-columns", "it changed n_cols[0] ('in-batch'), which belongs to another; only own blocks may"),
    ("exclude-positive", "it excluded the positive of row 1 in block 'in-batch'; a row needs its positive"),
    ("nan-bias", "it left a gain or bias of block 'in-batch', row 2, that is not a number"),
  ])
  func samplerFaults(mode: String, text: String) throws {
    let failure = try #require(try failure(samplers: ["fault:mode=\(mode)"]))
    let description = "\(failure)"
    #expect(description.contains(text), "\(description)")
    #expect(description.hasPrefix("plugin test.faults.fault, sample at step 12: "), "\(description)")
    #expect(description.contains("\n  library: /") && description.contains("libfaults.so"))
    #expect(description.hasSuffix("\n  parameters: mode=\(mode), share=0.25"), "\(description)")
  }

  @Test func messageWithoutEndIsCut() throws {
    let failure = try #require(try failure(samplers: ["fault:mode=unterminated"]))
    #expect(failure.reason == .status(5, String(repeating: "x", count: 512)))
  }

  @Test func theFaultlessFaultRuns() throws { #expect(try failure(samplers: ["fault"]) == nil) }

  @Test(arguments: [
    (0, "flags 0x100000 are unknown"), (1, "unknown flags 0x200"), (2, "rows is -3"),
    (3, "cols is view z3, but this run has 2 views"), (4, "cols is state 1, but the plan declares 1 states"),
    (5, "state 'memory' of shape [64, 7], expected float32 [rows, 6]"), (6, "n_blocks is 9; there is room for 8"),
    (7, "group 1 starts with 'bad', which is not a CSE_BASE block"),
    (8, "declares new vectors or edits cells, but the component has no function sample"),
    (9, "new vectors 0 are in no block"), (10, "a private block has per_row of at least 1"),
    (11, "the positives of a CSE_BASE block cannot be a state"), (12, "has 5 dimensions, expected 1 to 4"),
    (13, "no extent may be below 1"), (14, "states[0] has no name"), (15, "more than this machine's memory"),
    (16, "n_layers is 1, but this kind of component has none"), (17, "has the type {1, 8, 1}"),
    (18, "two states are named 'memory'"), (19, "state 'memory' has 64 rows, 100 are needed"),
    (20, "it replaced the arrays"), (21, "needs more than 1000 dimensions (status 2, unsupported)"),
    (22, "has the unknown init 77"),
  ])
  func plansThatCannotBeUsed(mode: Int, text: String) throws {
    let failure = try #require(try failure(samplers: ["badplan:mode=\(mode)"]))
    #expect("\(failure)".contains(text), "\(failure)")
    #expect("\(failure)".hasPrefix("plugin test.faults.badplan, plan: "), "\(failure)")
    #expect(failure.step == nil)
  }

  @Test(arguments: [
    (0, "the loss is nan; expected a finite number"), (1, "dlogits holds inf at [1, 3]; expected finite numbers"),
    (2, "dsim holds nan at [0, 1]"), (3, "it failed with status 3, out of memory and gave no reason"),
  ])
  func lossFaults(mode: Int, text: String) throws {
    let failure = try #require(try failure(losses: ["badloss:mode=\(mode)"]))
    #expect("\(failure)".contains(text), "\(failure)")
    #expect("\(failure)".contains("on_logits at step 12"))
  }

  @Test func createThatFails() throws {
    let failure = try #require(try failure(losses: ["nocreate"]))
    #expect("\(failure)".contains("create: no device is free (status 3, out of memory)"), "\(failure)")
    #expect("\(failure)".hasSuffix("no parameters"))
  }

  @Test func cancellationIsPassedOn() throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["fault:mode=cancel"], width: 6, rows: 4)
    let views = makeViews(2, rows: 4, width: 6)
    _ = try objective.evaluate(views)
    world.services.cancel()
    let failure = #expect(throws: PluginFailure.self) { try objective.evaluate(views) }
    #expect(failure?.reason == .cancelled)
  }

  /// Asked to end, a run lets calls finish that take less than a second, however long ago it was asked.
  @Test func shortCallsFinishAfterAWishToStop() throws {
    let world = try TestWorld(stopRequestedAt: { 1 })
    let objective = try world.objective(samplers: ["fault:mode=cancel"], width: 6, rows: 4)
    _ = try objective.evaluate(makeViews(2, rows: 4, width: 6))
  }

  /// Loops of hours; the second plugin does not pass CSE_E_CANCELLED on.
  @Test(arguments: ["long-loop", "deaf-loop"])
  func longCallsAreCancelledAfterAWishToStop(mode: String) throws {
    let world = try TestWorld(stopRequestedAt: { 1 })
    let objective = try world.objective(samplers: ["fault:mode=\(mode)"], width: 6, rows: 4)
    let failure = #expect(throws: PluginFailure.self) { try objective.evaluate(makeViews(2, rows: 4, width: 6)) }
    #expect(failure?.reason == .cancelled)
  }

  @Test func inputsThatDoNotFit() throws {
    let world = try TestWorld()
    let objective = try world.objective(width: 6, rows: 4)
    let views = makeViews(2, rows: 4, width: 6)
    #expect(throws: ObjectiveError.self) { try objective.evaluate([views[0]]) }
    #expect(throws: ObjectiveError.self) {
      try objective.evaluate([views[0], Rows(4, 5, seed: 1, name: "x")])
    }
    views[1][2, 3] = .infinity
    #expect(throws: ObjectiveError.inputNotFinite(what: "z2", row: 2)) { try objective.evaluate(views) }
  }

  @Test func twoSamplersThatReplaceTheBase() throws {
    let world = try TestWorld()
    #expect(throws: ObjectiveError.twoBases(first: "replace", second: "replace#2")) {
      try world.objective(samplers: ["replace", "replace"], width: 6, rows: 4)
    }
  }
}
