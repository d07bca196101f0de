// Signals that ask a run to stop: the step is finished, a checkpoint written, and resuming is as if nothing happened.

import Foundation
import TestSupport
import Testing

@Suite struct SignalTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// The run under `env`, which sets what becomes of signals: whoever runs the tests may ignore some.
  private func arguments(_ output: String, _ signals: String, _ more: [String] = []) throws -> [String] {
    ["/usr/bin/env", signals] + (try world.trainArguments(output, ["--save-steps", "1000"] + more))
  }

  private func isUnderWay(_ output: String) -> Bool { world.lines(output) >= 5 }

  static let signals = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU]

  @Test(arguments: signals)
  func aSignalLeavesACheckpoint(number: Int32) throws {
    let whole = try world.train("whole", ["--save-steps", "1000"])
    try #require(whole.code == 0, "\(whole.errors)")
    let output = try world.stopped(
      "stopped", by: number, endsWith: 130, { try arguments($0, "--default-signal") }, when: isUnderWay)
    #expect(world.names(output + "/checkpoints").contains { $0.hasSuffix(".ckpt") })
    let resumed = try world.train(output, ["--save-steps", "1000", "--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data(output + "/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics(output) == world.metrics("whole"))
  }

  /// Isolated plugins are in the same group: what a terminal sends to all must not end them.
  @Test func signalsToTheWholeGroupReachIsolatedPluginsToo() throws {
    for attempt in 1...CommandWorld.attempts {
      let output = "group-\(attempt)"
      let line = (try arguments(output, "--default-signal", ["--isolate"])).map { "'\($0)'" }.joined(separator: " ")
      let result = try shell([
        "timeout", "--signal=HUP", "60", "bash", "-c",
        "set -m; \(line) 2>/dev/null & while [ \"$(cat '\(world.path(output))/metrics.jsonl' 2>/dev/null | wc -l)\" "
          + "-lt 5 ] && kill -0 $!; do sleep 0.01; done; kill -HUP -- -$!; kill -HUP -- -$!; wait $!",
      ])
      if result.code == 0 { continue }
      #expect(result.code == 130, "\(result.code) \(result.errors)")
      #expect(world.names(output + "/checkpoints").contains { $0.hasSuffix(".ckpt") })
      return
    }
    throw MomentMissed(description: "no run was met before its end")
  }

  /// `nohup`
  @Test func aSignalIgnoredAtTheStartStaysIgnored() throws {
    let (code, wasSignalled) = try world.run(
      try arguments("nohup", "--ignore-signal=HUP"), until: { _ in isUnderWay("nohup") }, signal: SIGHUP)
    #expect(code == 0 && wasSignalled)
    #expect(world.exists("nohup/model.safetensors"))
  }

  /// `timeout` sends to the process and to its group; a user who presses Ctrl-C once more means it.
  @Test func twiceWithinAMomentIsOnce() throws {
    let output = try world.stopped(
      "twice", by: SIGTERM, endsWith: 130, { try arguments($0, "--default-signal") },
      when: isUnderWay, times: 2)
    #expect(world.names(output + "/checkpoints").contains { $0.hasSuffix(".ckpt") })
  }
}
