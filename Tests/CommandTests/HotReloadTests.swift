// `mixcse train --watch`: builds that come in, builds that are refused, and what a run keeps in either case.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct HotReloadTests {
  private let world: CommandWorld
  private let run: WatchedRun

  init() throws {
    world = try CommandWorld()
    run = try WatchedRun(world)
  }

  private var strategy: [String] {
    ["--pooler", "avg", "--sampler", run.library + ":lambda=0.3", "--loss", "infonce", "--learn-temperature"]
  }

  private func sha(_ file: String) throws -> String {
    try String(shell(["sha256sum", file]).output.prefix(64))
  }

  @Test func aNewBuildComesInWithItsStates() throws {
    let first = try run.build()
    let second = try run.build(["SHIFT=0.5f", "PARAMETERS=\"lambda: float = 0.9 in [0, 1]\\nfresh: int = 4\\n\""])
    try run.replace(with: first)
    try run.start(strategy + ["--save-steps", "50"])
    try run.replace(with: second)
    let reload = try run.reload(after: 0)
    #expect(reload["accepted"] as? Bool == true && reload["reason"] is NSNull)
    #expect(try reload["from"] as? String == sha(first))
    #expect(try reload["to"] as? String == sha(second))
    let notes = try #require(reload["notes"] as? [String])
    #expect(notes == ["mix: parameter plain (1) is gone", "mix: new parameter fresh = 4"])
    try run.stop()
    #expect(run.errors.contains("reloaded libreload.so before step"), "\(run.errors)")
    let at = try #require(reload["step"] as? Int)
    let steps = try WatchedRun.steps(world, "watched")
    let control = try WatchedRun.control(world, strategyOf(first), steps: at + 1)
    #expect(Array(steps.prefix(at)) == Array(control.prefix(at)), "up to the reload nothing differs")
    #expect(steps[at] != control[at], "the first step with the new build has other numbers")
    for (index, line) in steps.enumerated() {
      #expect(line.contains("\"mix.count\":\(index + 1),"), "the state goes on: \(line)")
    }
    let record = String(decoding: try world.data("watched/run.json"), as: UTF8.self)
    let (from, to) = (try sha(first), try sha(second))
    #expect(record.contains("\"from\": \"\(from)\"") && record.contains("\"to\": \"\(to)\""))
    #expect(world.names("runtime").isEmpty, "private copies are left behind")
    try resumes(from: steps.count)
  }

  /// The same strategy with the library in another file.
  private func strategyOf(_ file: String) throws -> [String] {
    try FileManager.default.copyItem(atPath: file, toPath: world.path("work/libcontrol.so"))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("work/libcontrol.so"))
    return strategy.map { $0.replacingOccurrences(of: "libreload", with: "libcontrol") }
  }

  /// The checkpoint names the build that is on the disk now.
  private func resumes(from step: Int) throws {
    let arguments = WatchedRun.arguments(world, "watched", strategy + ["--save-steps", "50", "--resume"])
    let before = world.lines("watched")
    let end = try world.run(arguments, until: { _ in world.lines("watched") > before + 3 }, signal: SIGINT)
    #expect(end.wasSignalled && end.code == 130, "--resume after a reload")
    #expect(try WatchedRun.steps(world, "watched").count > step)
  }

  @Test func refusedAndIdenticalBuildsLeaveTheRunAsItWas() throws {
    let first = try run.build()
    try run.replace(with: first)
    try run.start(strategy + ["--watch-deadline", "5"])
    let refusals: [(defines: [String], reason: String)] = [
      (["MAJOR=2"], "it is built for plugin ABI 2"),
      (["CRASH"], "died of SIGSEGV"),
      (["LEAVE"], "ended its check before the end"),
      (["BROKEN"], "vectors[0] holds nan at [0, 0]"),
      (["HANG"], "did not end within 5 s"),
      (["FAIL_IN_RUNS"], "its first step failed: plugin test.reload.mix"),
      (["PARAMETERS=\"lambda: float = 0.5 in [0.5, 1]\\n\""], "expected"),
      (["WITHOUT_SAMPLER"], "no sampler is called 'mix'"),
    ]
    for (index, (defines, reason)) in refusals.enumerated() {
      try run.replace(with: run.build(defines))
      let reload = try run.reload(after: index)
      #expect(reload["accepted"] as? Bool == false, "\(defines)")
      #expect((reload["reason"] as? String ?? "").contains(reason), "\(defines): \(reload)")
    }
    #expect(run.errors.contains("libreload.so is not reloaded, the old build goes on:"), "\(run.errors)")
    let other = try run.build(["VERSION=\"1.1\""])
    try run.overwrite(with: other, count: 3000)
    try run.wait("the half-written file") { self.run.errors.contains("not complete yet") }
    try FileManager.default.removeItem(atPath: run.library)
    try run.replace(with: first)
    let lines = try run.lines()
    try run.wait("steps") { try self.run.lines() > lines + 50 }
    #expect(try run.reloads().count == refusals.count, "the same bytes are no reload")
    try run.overwrite(with: other)
    let last = try run.reload(after: refusals.count)
    #expect(last["accepted"] as? Bool == true, "\(last)")
    #expect(last["from"] as? String != last["to"] as? String)
    try run.stop()
    let steps = try WatchedRun.steps(world, "watched")
    let control = try WatchedRun.control(world, try strategyOf(first), steps: steps.count)
    #expect(steps == control, "another curve than without a reload")
    #expect(world.names("runtime").isEmpty, "private copies are left behind")
  }

  @Test func aPoolerKeepsItsWeightsAndTheHeadItsWidth() throws {
    try run.replace(with: run.build())
    let poolers = ["--pooler", run.library + ":scaled", "--head", "mlp", "--loss", "infonce", "--weight-decay", "0.1"]
    try run.start(poolers)
    try run.wait("steps") { try self.run.lines() > 100 }
    try run.replace(with: run.build(["NARROWER=1"]))
    let narrow = try run.reload(after: 0)
    #expect((narrow["reason"] as? String ?? "").contains("which the head takes"), "\(narrow)")
    try run.replace(with: run.build(["VERSION=\"2\"", "STATE_SIZE=3"]))
    #expect(try run.reload(after: 1)["accepted"] as? Bool == true)
    try run.stop()
    let steps = try WatchedRun.steps(world, "watched")
    let control = try WatchedRun.control(
      world, try poolers.map { $0.replacingOccurrences(of: run.library, with: try strategyLibrary()) },
      steps: steps.count)
    #expect(steps == control, "weights and their moments go on")
    #expect(steps.last?.contains("\"scaled.scale\":1,") == false, "the weight is learned")
  }

  private func strategyLibrary() throws -> String {
    let path = world.path("work/libcontrol.so")
    if !world.exists("work/libcontrol.so") { try FileManager.default.copyItem(atPath: run.library, toPath: path) }
    return path
  }

  @Test func aSidecarIsPartOfItsLibrary() throws {
    let source = """
      #include <stdint.h>
      float copies(const float *z2, int64_t n, int64_t d, float by, float *out) {
        for (int64_t i = 0; i < n * d; i++) out[i] = z2[i] + by;
        return by;
      }
      """
    try world.write("bare.c", source)
    let built = try shell(["cc", "-O2", "-shared", "-fPIC", world.path("bare.c"), "-o", run.library])
    try #require(built.code == 0, "\(built.errors)")
    let line = "sampler copies(z2:f32[n,d], n:i64, d:i64, by:f32=0.5, out out:f32[n,d]) -> f32 metric(by) detached ;"
    try world.write("work/libreload.so.cse", line)
    try run.start(["--pooler", "avg", "--sampler", run.library, "--loss", "infonce"])
    try world.write("work/libreload.so.cse", line.replacingOccurrences(of: "0.5", with: "0.75"))
    let reload = try run.reload(after: 0)
    #expect(reload["accepted"] as? Bool == true, "\(reload)")
    #expect(reload["notes"] as? [String] == ["copies: by is 0.75 by default now, was 0.5"])
    try world.write("work/libreload.so.cse", "sampler copies(")
    let broken = try run.reload(after: 1)
    #expect((broken["reason"] as? String ?? "").contains("its bare functions"), "\(broken)")
    try run.stop()
    #expect(try WatchedRun.steps(world, "watched").last?.contains("\"copies.by\":0.75") == true)
  }

  @Test func twoHundredReloadsCostLittleMemory() throws {
    let builds = try (0..<4).map { try run.build(["VERSION=\"\($0)\"", "SHIFT=\($0).0f"]) }
    try run.replace(with: builds[0])
    try run.start(strategy)
    var start = 0
    for count in 0..<220 {
      // The first ones fill caches and arenas.
      if count == 20 { start = try resident() }
      try run.replace(with: builds[(count + 1) % 4])
      try run.wait("reload \(count + 1)") { try self.run.reloads().count > count }
    }
    let perReload = (try resident() - start) / 200
    print("hot reload of a C plugin: \(perReload) KiB of VmRSS each")
    #expect(perReload < 100)
    #expect(try run.reloads().allSatisfy { $0["accepted"] as? Bool == true })
    let lines = try run.lines()
    try run.wait("steps") { try self.run.lines() > lines + 3 }
    kill(run.process.processIdentifier, SIGKILL)
    run.process.waitUntilExit()
    #expect(world.names("runtime").isEmpty, "a killed run leaves private copies behind")
    let steps = try WatchedRun.steps(world, "watched")
    #expect(steps.last?.contains("\"mix.count\":\(steps.count),") == true, "a state went missing")
  }

  /// VmRSS of the run, in KiB.
  private func resident() throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(run.process.processIdentifier)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(Int(line.filter(\.isNumber)))
  }
}
