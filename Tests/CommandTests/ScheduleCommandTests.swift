// `train --schedule` and `--metric`: numbers that change from step to step, recorded, repeated on resuming, and what
// may not be scheduled.

import Foundation
import TestSupport
import Testing

@Suite struct ScheduleCommandTests {
  /// Bare functions: a schedule, a metric, a queue with a state.
  private static let libraries: Result<(plain: String, queue: String), any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/schedules-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let sources = [Resources.fixture("bare/strategies.c"), Resources.packageRoot + "/Examples/bare/negatives.c"]
    let paths = try zip(sources, ["plain", "queue"]).map { source, name in
      let path = "\(folder)/lib\(name).so"
      let built = try shell(["cc", "-O2", "-shared", "-fPIC", source, "-o", path, "-lm"])
      try #require(built.code == 0, "\(built.errors)")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      return path
    }
    return (paths[0], paths[1])
  }

  private func arguments(_ world: CommandWorld, _ output: String, _ more: [String]) -> [String] {
    [
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path(output), "--method", "mixcse", "--pooler", "avg", "--batch-size", "8", "--threads",
      "1",
      "--save-steps", "3",
    ] + more
  }

  private func column(_ world: CommandWorld, _ output: String, _ name: String) throws -> [Double] {
    try world.metrics(output).map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return object?[name] as? Double ?? .nan
    }
  }

  private func expectSame(_ found: [Double], _ expected: [Double], _ comment: String) {
    let isSame = found.count == expected.count && zip(found, expected).allSatisfy { isClose($0, $1, absolute: 1e-15) }
    #expect(isSame, "\(comment): \(found), expected \(expected)")
  }

  @Test func formsAndFunctionsDriveTheirTargets() throws {
    let world = try CommandWorld()
    let library = try Self.libraries.get().plain
    let result = try shell(
      arguments(
        world, "out",
        [
          "--max-steps", "11", "--schedule", "mixcse.lambda=linear(0.1,0.4)", "--schedule",
          "infonce.temperature=cosine(0.2, 0.05, 5)", "--schedule", "learning-rate=\(library):warm:peak=1e-3",
          "--metric", library + ":spread",
        ]))
    try #require(result.code == 0, "\(result.errors)")
    let steps = (0..<11).map(Double.init)
    expectSame(try column(world, "out", "schedule.mixcse.lambda"), steps.map { 0.1 + 0.03 * $0 }, "linear")
    expectSame(
      try column(world, "out", "schedule.infonce.temperature"),
      steps.map { 0.05 + 0.15 * (1 + cos(Double.pi * min(1, $0 / 5))) / 2 }, "cosine")
    expectSame(try column(world, "out", "learningRate"), steps.map { 1e-3 * $0 / 11 }, "warm")
    #expect(try column(world, "out", "spread.spread").allSatisfy { isClose($0, 1, absolute: 1e-4) })
    let record = try JSONSerialization.jsonObject(with: world.data("out/run.json")) as? [String: Any]
    let schedules = try #require(record?["schedules"] as? [String])
    #expect(schedules.count == 3 && schedules[2].contains("(sha256 "))
  }

  /// A schedule in the place of a value is the same as `--schedule`, by itself and in a comparison.
  @Test func valuesMayBeSchedules() throws {
    let world = try CommandWorld()
    let flag = try shell(arguments(world, "flag", ["--max-steps", "5", "--schedule", "mixcse.lambda=linear(0.1,0.4)"]))
    try #require(flag.code == 0, "\(flag.errors)")
    var typed = arguments(world, "typed", ["--max-steps", "5"])
    typed[typed.firstIndex(of: "mixcse") ?? 0] = "mixcse:lambda=linear(0.1,0.4),mask=zero"
    let value = try shell(typed)
    try #require(value.code == 0, "\(value.errors)")
    #expect(try world.metrics("flag") == world.metrics("typed"))

    let compare = [
      Resources.command, "compare", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--test-data", world.path("pairs.tsv"), "--pooler", "avg", "--batch-size", "8", "--threads", "1", "--seeds", "42",
      "--max-steps", "5", "--save-steps", "3", "--output-dir",
    ]
    let strategies = ["mixcse:lambda=0.1|linear(0.1,0.4)", "moved=mixcse:lambda=0.4"]
    let result = try shell(compare + [world.path("runs")] + strategies)
    try #require(result.code == 0, "\(result.errors)")
    let names = ["mixcse_lambda=0.1", "mixcse_lambda=linear_0.1_0.4_", "moved"]
    let weights = try names.map { try world.data("runs/runs/\($0)-seed42/model.safetensors") }
    #expect(Set(weights).count == 3)
    #expect(try weights[1] == world.data("flag/model.safetensors"))

    for (strategy, said) in [
      ("mixcse:lambda=linear(0.1,4)", "numbers in"), ("mixcse:lambda=linear(0.1)", "linear(from,to)"),
      ("mixcse:lambda=sine(0,1)", "lambda"),
    ] {
      let bad = try shell(compare + [world.path("bad"), strategy])
      #expect(bad.code == 64 && bad.errors.contains(said), "\(strategy): \(bad.code) \(bad.errors)")
    }
    let shadow = try shell(arguments(world, "shadow", ["--shadow", "mixcse:lambda=linear(0.1,0.4)"]))
    #expect(shadow.code == 64 && shadow.errors.contains("linear(0.1,0.4)"), "\(shadow.errors)")
  }

  /// A number held at what it is anyway changes nothing; another one changes the loss of the first step.
  @Test func aScheduleReachesThePluginAndAMetricDoesNot() throws {
    let world = try CommandWorld()
    let library = try Self.libraries.get().plain
    for (name, more) in [
      ("plain", []), ("same", ["--schedule", "mixcse.lambda=linear(0.2,0.2)", "--metric", library + ":spread"]),
      ("other", ["--schedule", "mixcse.lambda=linear(0.45,0.2)"]),
    ] {
      let result = try shell(arguments(world, name, ["--max-steps", "4"] + more))
      try #require(result.code == 0, "\(result.errors)")
    }
    let losses = try ["plain", "same", "other"].map { try column(world, $0, "loss") }
    #expect(losses[0] == losses[1])
    #expect(losses[0][0] != losses[2][0])
    #expect(try world.data("plain/model.safetensors") == world.data("same/model.safetensors"))
  }

  @Test func aKilledRunGoesOnExactly() throws {
    let world = try CommandWorld()
    let queue = try Self.libraries.get().queue
    let more = [
      "--max-steps", "40", "--sampler", queue + ":recent:size=20", "--schedule", "mixcse.lambda=cosine(0.1,0.5)",
      "--schedule", "learning-rate=linear(0.001,0)",
    ]
    try #require(try shell(arguments(world, "whole", more)).code == 0)
    let killed = try world.stopped(
      "killed", by: SIGKILL, { arguments(world, $0, more) }, when: { world.lines($0) >= 10 })
    let changed = try shell(
      arguments(
        world, killed, more.map { $0.replacingOccurrences(of: "(0.1,0.5)", with: "(0.1,0.4)") } + ["--resume"]))
    #expect(changed.code == 64 && changed.errors.contains("--schedule"), "\(changed.errors)")
    let resumed = try shell(arguments(world, killed, more + ["--resume"]))
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data(killed + "/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics(killed) == world.metrics("whole"))
  }

  @Test func whatMayNotBeScheduled() throws {
    let world = try CommandWorld()
    let library = try Self.libraries.get().plain
    for (text, more, says) in [
      ("mixcse.mask=linear(0,1)", [], "a 'live' parameter (mixcse has lambda, hard_weight, alpha)"),
      ("mixcse.lambda=linear(0.1,1.4)", [], "numbers in [0, 1]"),
      ("mixcs.lambda=linear(0,1)", [], "a component of this run"),
      ("mixcse.lambda=linear(0.1)", [], "linear(from,to)"), ("mixcse.lambda", [], "no '='"),
      ("lambda=linear(0,1)", [], "learning-rate or component.param"),
      ("learning-rate=linear(2,0)", [], "rates from 0 to 1"),
      ("learning-rate=linear(1e-3,0)", ["--warmup-steps", "2"], "--warmup-steps"),
      ("infonce.temperature=linear(0.1,0.2)", ["--learn-temperature"], "--learn-temperature"),
      ("mixcse.lambda=\(library):greet", [], "is no schedule"),
    ] {
      let result = try shell(arguments(world, "out", ["--max-steps", "2", "--schedule", text] + more))
      #expect(result.code == 64 && result.errors.contains(says), "\(text): \(result.code) \(result.errors)")
    }
    let metric = try shell(arguments(world, "out", ["--max-steps", "2", "--metric", library + ":mixed"]))
    #expect(metric.code == 64 && metric.errors.contains("expected a bare metric function"), "\(metric.errors)")
    // Out of range in the middle of a run: the last whole step stays.
    let late = try shell(
      arguments(world, "late", ["--max-steps", "10", "--schedule", "mixcse.lambda=\(library):warm:peak=2"]))
    #expect(late.code == 69 && late.errors.contains("step 6: --schedule mixcse.lambda="), "\(late.errors)")
    #expect(world.exists("late/checkpoints"))
  }
}
