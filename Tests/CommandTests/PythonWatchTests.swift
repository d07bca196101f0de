// Runs that go on while a plugin in Python takes over: saved again under `--watch`, or named in `mixcse swap`.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct PythonWatchTests {
  private let world: CommandWorld
  private let run: WatchedRun

  init() throws {
    world = try CommandWorld()
    run = try WatchedRun(world, file: "idea.py")
  }

  /// A sampler that counts its batches, with this line as its last one.
  private func source(_ line: String, parameters: String = "share=param(0.2, '[0, 1]')") throws -> String {
    let name = "source-" + UUID().uuidString
    try world.write(
      name,
      """
      import numpy as np
      from mixcse.plugin import State, param, report, sampler

      @sampler(states={"count": State(1)}, metrics=["count"])
      def idea(z2, count, *, \(parameters)):
          "mixtures"
          report("count", count[0])
          \(line)

      @idea.commit
      def counted(count):
          count += 1

      """)
    return world.path(name)
  }

  /// A run with these flags, past its first steps.
  private func live(_ output: String, _ flags: [String]) throws -> LiveRun {
    let live = LiveRun(errors: world.path(output + ".errors"))
    try live.start(WatchedRun.arguments(world, output, ["--plugin-path", world.path("work")] + flags))
    try live.wait("the first steps") { world.lines(output) > 3 }
    return live
  }

  /// A run can take one whose process sees its memory; any other says that it cannot, and goes on.
  @Test(.needs(.numpy)) func aSwapTakesOneOrSaysWhyNot() throws {
    try run.replace(with: source("return share * z2"))
    let seeing = try live("seeing", ["--pooler", "avg", "--method", "simcse"])
    let taken = try shell([Resources.command, "swap", world.path("seeing"), "infonce+idea:share=0.3"])
    #expect(taken.code == 0, "\(taken.errors)")
    try seeing.wait("a step with it") { try world.metrics("seeing").contains { $0.contains("idea.count") } }
    try seeing.stop()
    // Plugins that are all named by their paths need no other file: this run has started no Python.
    let folder = Resources.pluginDirectory
    let blind = try live(
      "blind", ["--pooler", folder + "/libPoolers.so:avg", "--loss", folder + "/libSimCSELoss.so:infonce"])
    let refused = try shell([Resources.command, "swap", world.path("blind"), "infonce+idea"])
    #expect(refused.code == 69, "\(refused.output)")
    #expect(refused.errors.contains("cannot join a run that began without processes for plugins"), "\(refused.errors)")
    let lines = world.lines("blind")
    try blind.wait("further steps") { world.lines("blind") > lines + 3 }
    try blind.stop()
  }

  @Test(.needs(.numpy)) func aSavedFileTakesOverWithItsStates() throws {
    let strategy = ["--pooler", "avg", "--sampler", run.library + ":share=0.3", "--loss", "infonce"]
    try run.replace(with: source("return share * z2 + (1 - share) * np.roll(z2, -1, 0)"))
    try run.start(strategy)
    try run.replace(
      with: source("return share * z2 - np.roll(z2, 2, 0)", parameters: "share=param(0.2), more=param(1)"))
    let reload = try run.reload(after: 0)
    #expect(reload["accepted"] as? Bool == true && reload["reason"] is NSNull, "\(reload)")
    #expect(reload["notes"] as? [String] == ["idea: new parameter more = 1"])

    let refusals = [
      ("return z2 @ z2", "ValueError"), ("return z2 +", "SyntaxError"), ("import os; os._exit(4)", "code 4"),
      ("return z2[1:]", "expected an array of shape"),
    ]
    for (index, (line, reason)) in refusals.enumerated() {
      try run.replace(with: source(line))
      let refused = try run.reload(after: index + 1)
      #expect(refused["accepted"] as? Bool == false, "\(refused)")
      #expect((refused["reason"] as? String)?.contains(reason) == true, "\(refused)")
    }
    try run.stop()
    let steps = try WatchedRun.steps(world, "watched")
    for (index, line) in steps.enumerated() {
      #expect(line.contains("\"idea.count\":\(index),"), "the state goes on: \(line)")
    }
  }
}
