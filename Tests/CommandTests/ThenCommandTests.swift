// `train --then`: another strategy after so many steps. What it computes against runs that have one strategy, what goes
// on and what starts over, the run continued to the bit, and what is refused before the first step.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct ThenCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// A run with dropout and without evaluation.
  private func arguments(_ output: String, _ more: [String]) throws -> [String] {
    [
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path(output), "--plugin-path", try CommandPlugins.folder.get(), "--pooler", "avg",
      "--max-steps", "12", "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2", "--save-steps", "4",
    ] + more
  }

  @discardableResult
  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    let result = try shell(try arguments(output, more))
    try #require(result.code == 0, "\(result.errors)")
    return result
  }

  /// What the lines of steps say of a name; NaN where they say nothing.
  private func column(_ output: String, _ name: String) throws -> [Double] {
    try steps(output).map { $0[name] as? Double ?? ($0[name] as? Int).map(Double.init) ?? .nan }
  }

  private func objects(_ output: String) throws -> [[String: Any]] {
    try world.metrics(output).compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
  }

  private func steps(_ output: String) throws -> [[String: Any]] { try objects(output).filter { $0["loss"] != nil } }

  private func record(_ output: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
  }

  /// Up to the change the run is that of the first strategy alone; the step after it has the loss that the second one
  /// has on the very same embeddings, as a shadow of the first says.
  @Test func theSecondStrategyTakesOverAfterTheStep() throws {
    try train("then", ["--method", "simcse", "--then", "5:mixcse:lambda=0.4", "--then", "9:simcse"])
    try train("shadowed", ["--method", "simcse", "--shadow", "other=mixcse:lambda=0.4"])
    let (losses, first) = (try column("then", "loss"), try column("shadowed", "loss"))
    #expect(losses.count == 12 && Array(losses[..<5]) == Array(first[..<5]))
    let second = try column("shadowed", "shadow.other.loss")[5]
    #expect(isClose(losses[5], second, relative: 1e-12), "\(losses[5]), the shadow's loss is \(second)")
    #expect(losses[5] != first[5])
    let lambdas = try column("then", "mixedLogit")
    #expect(lambdas.map(\.isFinite) == (0..<12).map { (5..<9).contains($0) })
    let lines = try objects("then").filter { $0["strategy"] != nil }
    #expect(lines.map { $0["step"] as? Int } == [5, 9])
    #expect(lines.map { $0["strategy"] as? String } == ["sampler:mixcse:lambda=0.4 loss:infonce", "loss:infonce"])
    #expect(lines.map { $0["from"] as? String } == ["loss:infonce", "sampler:mixcse:lambda=0.4 loss:infonce"])
    let run = try #require(record("then")["run"] as? [String: Any])
    #expect(run["then"] as? [String] == ["5:sampler:mixcse:lambda=0.4 loss:infonce", "9:loss:infonce"])
    #expect((try record("then")["strategyChanges"] as? [Any])?.count == 2)
  }

  /// A component of both strategies goes on with what it remembers; one that was away starts over.
  @Test func whatBothStrategiesUseGoesOn() throws {
    try train(
      "on",
      [
        "--sampler", "fifo:size=40", "--loss", "infonce", "--learn-temperature", "--then",
        "4:mixcse+fifo:size=40+infonce", "--then", "7:simcse", "--then", "9:fifo:size=40+infonce",
      ])
    let pushed = try column("on", "fifo.pushed")
    #expect(Array(pushed[..<7]) == (1...7).map { 8 * Double($0) }, "\(pushed)")
    #expect(pushed[7].isNaN && pushed[8].isNaN && Array(pushed[9...]) == [8, 16, 24], "\(pushed)")
    let temperatures = try column("on", "temperature.infonce")
    #expect(isClose(temperatures[0], 0.05, relative: 1e-6) && temperatures.allSatisfy { $0 > 0 })
    #expect(Set(temperatures).count == 12 && abs(temperatures[4] - temperatures[3]) < 0.001, "\(temperatures)")
    try train(
      "set", ["--method", "simcse", "--learn-temperature", "--then", "4:infonce:temperature=0.2", "--max-steps", "6"])
    let set = try column("set", "temperature.infonce")
    #expect(isClose(set[4], 0.2, relative: 1e-6) && set[5] != set[4], "\(set)")
  }

  /// Queues, learned temperatures and weights, moving averages, narrower dimensions, augmenters: stopped before, at and
  /// after each change, and killed anywhere, a run ends with the same bits.
  @Test(arguments: [
    [
      "--sampler", "fifo:size=40", "--loss", "infonce", "--learn-temperature", "--dims", "32,16",
      "--gradient-accumulation", "2", "--then", "5:mixcse:lambda=linear(0.1,0.4)+fifo:size=40+infonce", "--then",
      "8:siglip", "--mlm",
    ],
    ["--method", "simcse", "--then", "5:moco", "--then", "8:esimcse", "--head", "mlp"],
  ])
  func aRunThatWasStoppedGoesOnExactly(more: [String]) throws {
    try train("whole", more)
    for step in [4, 5, 6, 8, 10] {
      let output = "stopped-\(step)"
      let stopped = try shell(try arguments(output, more + ["--stop-after", "\(step)"]))
      #expect(stopped.code == 75, "\(stopped.errors)")
      try expectSame(output, more)
    }
    let killed = try world.stopped(
      "killed", by: SIGKILL, { try arguments($0, more) }, when: { world.lines($0) >= 6 })
    try expectSame(killed, more)
  }

  private func expectSame(_ output: String, _ more: [String]) throws {
    try train(output, more + ["--resume"])
    #expect(try world.data(output + "/model.safetensors") == world.data("whole/model.safetensors"), "\(output)")
    #expect(try world.metrics(output) == world.metrics("whole"), "\(output)")
    let changes = try [output, "whole"].map { try record($0)["strategyChanges"] as? [Any] }
    #expect(changes[0]?.count == 2 && changes[1]?.count == 2)
  }

  @Test func schedulesCountTheStepsOfTheirStrategy() throws {
    try train(
      "courses",
      [
        "--method", "mixcse:lambda=linear(0.1,0.3)", "--then", "5:mixcse:lambda=linear(0.4,0.1)", "--schedule",
        "learning-rate=linear(1e-3,0)",
      ])
    let lambdas = try column("courses", "schedule.mixcse.lambda")
    let (first, second) = (Array(0..<5).map(Double.init), Array(0..<7).map(Double.init))
    let expected: [Double] = first.map { 0.1 + 0.05 * $0 } + second.map { 0.4 - 0.05 * $0 }
    #expect(
      lambdas.count == 12 && zip(lambdas, expected).allSatisfy { isClose($0, $1, absolute: 1e-15) }, "\(lambdas)")
    let falling: [Double] = Array(0..<12).map { 1e-3 * (1 - Double($0) / 11) }
    let rates = try column("courses", "learningRate")
    #expect(zip(rates, falling).allSatisfy { isClose($0, $1, absolute: 1e-15) }, "\(rates)")
  }

  @Test func thePlanIsPartOfWhatTheRunIs() throws {
    let more = ["--method", "simcse", "--then", "5:mixcse:lambda=0.4"]
    try train("whole", more + ["--keep-checkpoints"])
    for (other, says) in [
      (["--then", "6:mixcse:lambda=0.4"], "--then: 5: mixcse + infonce in the checkpoint, 6: mixcse + infonce now"),
      ([], "--then: 5: mixcse + infonce in the checkpoint, nothing now"),
      (["--then", "5:mixcse:lambda=0.3"], "--then 5: mixcse + infonce: mixcse.lambda: \"0.4\" in the checkpoint"),
    ] {
      let result = try shell(try arguments("whole", ["--method", "simcse", "--resume"] + other))
      #expect(result.code == 64 && result.errors.contains(says), "\(other): \(result.errors)")
    }
    try train("again", ["--from", world.path("whole/run.json")])
    #expect(try world.data("again/model.safetensors") == world.data("whole/model.safetensors"))
    try world.write("run.toml", "method = \"simcse\"\nthen = [\"5:mixcse:lambda=0.4\"]\n")
    let dry = try shell(try arguments("dry", ["--from", world.path("run.toml"), "--dry-run", "--json"]))
    let forecast = try JSONSerialization.jsonObject(with: Data(dry.output.utf8)) as? [String: Any]
    #expect(
      (forecast?["run"] as? [String: Any])?["then"] as? [String] == ["5:sampler:mixcse:lambda=0.4 loss:infonce"])
    #expect(!world.exists("dry"))
    // A strategy that is typed takes the place of the file's, and of what was to follow it.
    try train("typed", ["--from", world.path("run.toml"), "--method", "simcse"])
    #expect(try objects("typed").allSatisfy { $0["strategy"] == nil })
  }

  @Test func whatCannotTakeOverIsRefusedBeforeTheFirstStep() throws {
    for (more, code, says) in [
      (["--then", "mixcse"], 64, "--then: expected STEP:STRATEGY"),
      (["--then", "0:mixcse"], 64, "expected a step of 1 or more"),
      (["--then", "5:mixcse", "--then", "5:simcse"], 64, "found 5 twice"),
      (["--then", "7:mixcse", "--then", "5:simcse"], 64, "found 5 after 7"),
      (["--then", "12:mixcse"], 64, "--then 12:mixcse: expected a step below 12"),
      (["--then", "5:ours=mixcse"], 64, "label 'ours'"),
      (["--then", "5:mixcse then 7:simcse"], 64, "one strategy"),
      (["--then", "5:mixsce"], 69, "--then 5:mixsce: "),
      (["--then", "5:mixcse:lambda=3"], 64, "--then 5:mixcse:lambda=3: mixcse.lambda: expected"),
      (["--then", "5:mixcse:lambda=linear(0,3)"], 64, "numbers in [0, 1]"),
      (["--then", "5:gist"], 69, "--then 5:gist: "), (["--then", "5:cosent"], 65, "--then 5:cosent: "),
      (["--then", "5:sncse"], 69, "--then 5:sncse: "),
      (["--then", "5:queue:size=2000000000"], 69, "--then 5:queue:size=2000000000: "),
      (["--then", "5:mixcse", "--watch"], 64, "--watch --then"),
      (["--then", "5:moco", "--frozen", "--head", "mlp"], 64, "--then 5:moco: --frozen"),
      (["--then", "5:simcse+repeat", "--frozen", "--head", "mlp"], 64, "the augmenters that the run begins with"),
      (["--shadow", "simcse then 5:mixcse"], 64, "expected one strategy"),
    ] {
      let result = try shell(try arguments("refused", ["--method", "simcse"] + more))
      #expect(Int(result.code) == code && result.errors.contains(says), "\(more): \(result.code) \(result.errors)")
      #expect(world.lines("refused") == 0)
    }
    // How many steps there are is known once the data is read.
    var epochs = try arguments("refused", ["--method", "simcse", "--then", "19:mixcse"])
    epochs.removeSubrange((epochs.firstIndex(of: "--max-steps") ?? 0)...(epochs.firstIndex(of: "12") ?? 0))
    let result = try shell(epochs)
    #expect(result.code == 64 && result.errors.contains("a step below 19"), "\(result.errors)")
  }

  /// Settings around the strategies hold for each of them, unless its text says otherwise, and that is said.
  @Test func whatChangesBesideTheStrategyIsSaid() throws {
    let result = try train(
      "said",
      [
        "--method", "simcse", "--set", "infonce.temperature=0.1", "--then", "4:mixcse", "--then", "8:barlow-twins",
        "--max-steps", "9",
      ])
    #expect(result.errors.contains("  infonce.temperature: 0.1 before, 0.05 now"), "\(result.errors)")
    let warm = try train(
      "warm",
      [
        "--method", "simcse", "--temperature", "0.1", "--then", "4:infonce:temperature=0.2", "--then",
        "8:barlow-twins", "--max-steps", "9",
      ])
    #expect(warm.errors.contains("--temperature 0.1 does not hold there, since infonce has its own"), "\(warm.errors)")
    #expect(warm.errors.contains("barlow has no temperature"), "\(warm.errors)")
  }

  // MARK: Comparisons

  /// A course is a strategy of a comparison: its run is that of `train --then`, whatever it is called.
  @Test func aComparisonComparesCourses() throws {
    let compare = [
      Resources.command, "compare", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--test-data", world.path("pairs.tsv"), "--pooler", "avg", "--batch-size", "8", "--threads", "2", "--seeds",
      "42", "--max-steps", "12", "--learning-rate", "1e-3", "--save-steps", "4", "--output-dir",
    ]
    let strategies = ["simcse", "ours=simcse then 5:mixcse:lambda=0.4", "simcse then 5|9:mixcse:lambda=0.4"]
    let result = try shell(compare + [world.path("runs")] + strategies)
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("simcse then 5:mixcse:lambda=0.4 is the same as ours"), "\(result.errors)")
    try train("then", ["--method", "simcse", "--then", "5:mixcse:lambda=0.4"])
    #expect(try world.data("runs/runs/ours-seed42/model.safetensors") == world.data("then/model.safetensors"))
    let later = "runs/runs/simcse_then_9_mixcse_lambda=0.4-seed42/model.safetensors"
    let models = ["runs/runs/simcse-seed42/model.safetensors", later, "then/model.safetensors"]
    #expect(try Set(models.map(world.data)).count == 3)
    let document = try JSONSerialization.jsonObject(with: world.data("runs/results.json")) as? [String: Any]
    let rows = try #require(document?["strategies"] as? [[String: Any]])
    let values = try #require(rows[1]["values"] as? [String: Any])
    #expect(values["then"] as? String == "5:sampler:mixcse:lambda=0.4 loss:infonce")
    #expect(values["5: mixcse.lambda"] as? String == "0.4")
    // Started again with another step, it knows that this is another run.
    let again = try shell(compare + [world.path("runs"), "simcse", "ours=simcse then 6:mixcse:lambda=0.4"])
    #expect(again.code == 0 && again.errors.contains("--then: 5: mixcse + infonce then, 6: mixcse"), "\(again.errors)")
    for (words, says) in [
      (["simcse", "then", "5:mixcse"], "quote it: 'simcse then 5:mixcse'"),
      (["simcse then 12:mixcse"], "then 12:mixcse: expected a step below 12"),
      (["simcse then 5:mixcse:lambda=3"], "then 5:mixcse:lambda=3: mixcse.lambda: expected"),
      (["ours=simcse then 5|6:mixcse"], "a label names one strategy"),
    ] {
      let bad = try shell(compare + [world.path("bad")] + words)
      #expect(bad.code == 64 && bad.errors.contains(says), "\(words): \(bad.code) \(bad.errors)")
    }
  }
}
