// `mixcse swap`: another strategy for a run that goes on. What it computes against the same change planned, a run that
// is resumed to the bit, roll-back, and whoever is refused.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct SwapCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func arguments(_ output: String, _ more: [String]) throws -> [String] {
    [
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path(output), "--plugin-path", try CommandPlugins.folder.get(), "--pooler", "avg",
      "--max-steps", "1000000", "--batch-size", "8", "--learning-rate", "1e-4", "--threads", "1", "--save-steps",
      "1000000", "--sampler", "fifo:size=40", "--loss", "infonce", "--learn-temperature",
    ] + more
  }

  private func live(_ output: String, _ more: [String] = []) throws -> LiveRun {
    let run = LiveRun(errors: world.path(output + ".errors"))
    try run.start(try arguments(output, more))
    try run.wait("the first steps") { world.lines(output) > 5 }
    return run
  }

  private func swap(_ output: String, _ strategy: String, _ more: [String] = []) throws -> ShellResult {
    try shell([Resources.command, "swap", world.path(output), strategy] + more)
  }

  private func lines(_ output: String, with key: String) throws -> [[String: Any]] {
    try world.metrics(output).compactMap {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }.filter { $0[key] != nil }
  }

  /// The lines of steps, without what differs from run to run.
  private func steps(_ output: String) throws -> [String] {
    try world.metrics(output).filter { $0.contains("\"loss\":") }
  }

  private func record(_ output: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
  }

  /// The run from the swap on is that of the same change planned, also where it was stopped and resumed; it is another
  /// run than one that was left alone.
  @Test func aSwappedRunIsThatOfTheSameChangePlanned() throws {
    let strategy = "mixcse:lambda=0.4+fifo:size=40+infonce"
    let run = try live("swapped")
    let result = try swap("swapped", strategy)
    try #require(result.code == 0, "\(result.errors) \(run.errors)")
    #expect(result.output.hasPrefix("after step "), "\(result.output)")
    let line = try #require(lines("swapped", with: "swap").first)
    let step = try #require(line["step"] as? Int)
    #expect(line["accepted"] as? Bool == true && result.output.contains("after step \(step):"), "\(line)")
    #expect(line["swap"] as? String == "sampler:mixcse:lambda=0.4 sampler:fifo:size=40 loss:infonce")
    #expect(world.names("swapped/checkpoints").contains { $0.hasSuffix(".ckpt") }, "no checkpoint names the strategy")
    try run.wait("steps after the swap") { try steps("swapped").count > step + 5 }
    try run.stop()
    let done = try steps("swapped").count
    let identity = try #require(record("swapped")["identity"] as? [String: Any])
    #expect((identity["swapped by hand"] as? [Any])?.count == 1)
    // On to the same step, resumed here and at a stretch there.
    let end = ["--stop-after", "\(done + 7)"]
    let resumed = try shell(try arguments("swapped", ["--resume"] + end))
    #expect(resumed.code == 75, "\(resumed.errors)")
    let planned = try shell(try arguments("planned", ["--then", "\(step):\(strategy)"] + end))
    #expect(planned.code == 75, "\(planned.errors)")
    #expect(try steps("swapped") == steps("planned"))
    let left = try shell(try arguments("left", ["--stop-after", "\(step + 1)"]))
    #expect(left.code == 75, "\(left.errors)")
    #expect(try steps("left").dropLast() == steps("planned").prefix(step), "the steps before the swap")
    #expect(try steps("left").last != steps("planned")[step])
  }

  /// What fails is refused, and the run goes on bit for bit as if nobody had asked; then another wish is taken.
  @Test func whatIsRefusedLeavesNoTrace() throws {
    let run = try live("refused", ["--then", "900000:simcse"])
    let file = world.path("there")
    try world.write("there", "")
    var steps: [Int] = []
    for (strategy, says) in [
      ("mixcse:lambda=3", "mixcse.lambda: expected"), ("mixsce", "mixsce"), ("gist", "guide"),
      ("crashes+infonce", "it died of SIGSEGV in its check"), ("queue:size=2000000000", "this machine's memory"),
      ("fails:from=4,file=\(file)+infonce", "its first step failed: "),
    ] {
      let result = try swap("refused", strategy)
      #expect(result.code == 69 && result.errors.contains(says), "\(strategy): \(result.code) \(result.errors)")
      let line = try #require(lines("refused", with: "swap").last)
      #expect(line["accepted"] as? Bool == false && line["reason"] as? String != nil)
      steps.append(try #require(line["step"] as? Int))
    }
    #expect(steps.count == 6)
    try run.wait("steps") { try self.steps("refused").count > steps[5] + 3 }
    #expect(try swap("refused", "simcse").code == 0)
    try run.stop()
    let count = try #require(lines("refused", with: "swap").last?["step"] as? Int)
    let control = try shell(try arguments("control", ["--then", "900000:simcse", "--stop-after", "\(count)"]))
    #expect(control.code == 75, "\(control.errors)")
    #expect(try self.steps("control") == Array(self.steps("refused").prefix(count)))
    // The plan still holds behind the strategy that was swapped in.
    #expect((try record("refused")["run"] as? [String: Any])?["then"] as? [String] == ["900000:loss:infonce"])
  }

  @Test func whoeverCannotBeAskedSaysSo() throws {
    for (folder, strategy, code, says) in [
      ("nothing", "simcse", 66, "not found"), ("model", "simcse", 66, "run"),
      ("stopped", "simcse", 69, "no process is training there"), ("stopped", "./libmine.so", 64, "finds by name"),
      ("stopped", "simcse then 5:mixcse", 64, "one strategy"), ("stopped", "ours=simcse", 64, "label"),
    ] {
      if folder == "stopped", !world.exists("stopped") {
        #expect(try shell(try arguments("stopped", ["--stop-after", "2"])).code == 75)
      }
      let result = try swap(folder, strategy)
      #expect(Int(result.code) == code && result.errors.contains(says), "\(folder) \(strategy): \(result.errors)")
    }
    #expect(!world.names("stopped").contains { $0.hasPrefix(".swap") })
  }

  /// One wish at a time; one that is not answered in time is taken back; what others could have written is not read.
  @Test func wishesWaitForTheirAnswers() throws {
    let run = try live("busy")
    kill(run.process.processIdentifier, SIGSTOP)
    let late = try swap("busy", "simcse", ["--timeout", "1"])
    #expect(late.code == 75 && late.errors.contains("expected an answer within 1 s"), "\(late.errors)")
    #expect(!world.names("busy").contains(".swap-request.json"))
    try world.write("busy/.swap-request.json", "{\"id\":\"other\",\"strategy\":\"simcse\"}")
    chmod(world.path("busy/.swap-request.json"), 0o666)
    let second = try swap("busy", "simcse")
    #expect(second.code == 69 && second.errors.contains("not answered yet"), "\(second.errors)")
    kill(run.process.processIdentifier, SIGCONT)
    try run.wait("the wish to go") { !world.names("busy").contains(".swap-request.json") }
    #expect(run.errors.contains("others than the user of this run could have written it"), "\(run.errors)")
    #expect(try lines("busy", with: "swap").isEmpty)
    try run.stop()
  }

  @Test func someRunsTakeNoWishes() throws {
    let watched = try live("watched", ["--watch"])
    let result = try swap("watched", "simcse")
    #expect(result.code == 69 && result.errors.contains("the run has --watch"), "\(result.errors)")
    try watched.stop()
    let compared = try live("compared")
    try world.write("compared/comparison.json", "{}")
    let other = try swap("compared", "simcse")
    #expect(other.code == 69 && other.errors.contains("one of a comparison"), "\(other.errors)")
    try compared.stop()
  }
}
