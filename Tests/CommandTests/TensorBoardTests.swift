// What TensorBoard is shown of runs and comparisons: steps as they happen, with their times, each once.

import Foundation
import TestSupport
import Testing

@Suite struct TensorBoardTests {
  let world: CommandWorld
  private static let file = "events.out.tfevents.0000000000.mixcse"

  init() throws { world = try CommandWorld() }

  private func events(_ folder: String) throws -> EventRecords {
    EventRecords(try world.data("\(folder)/\(Self.file)"))
  }

  /// Every number of metrics.jsonl with its step and time, as the file is to have it.
  private func logged(_ output: String) throws -> [EventScalar] {
    try String(decoding: world.data(output + "/metrics.jsonl"), as: UTF8.self).split(separator: "\n").flatMap { line in
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let (step, time) = (try #require(object["step"] as? Int), try #require(object["time"] as? Double))
      let group = object["evaluation"] == nil ? "train/" : "dev/"
      return object.keys.sorted().compactMap { key -> EventScalar? in
        guard !["step", "time", "evaluation", "isBest", "phases"].contains(key), let value = object[key] as? Double
        else { return nil }
        return EventScalar(tag: group + key, step: step, time: time, value: Float(value))
      }
    }
  }

  /// Foundation reads some numbers of JSON an ulp or two off, so numbers are compared as such.
  private func expectSame(_ found: [EventScalar], _ expected: [EventScalar], _ comment: String = "") {
    #expect(found.count == expected.count, "\(comment)")
    let first = zip(found, expected).first { one, other in
      one.tag != other.tag || one.step != other.step || abs(one.time - other.time) > 1e-4
        || abs(one.value - other.value) > abs(other.value) * 1e-6
    }
    #expect(first == nil, "\(comment): \(String(describing: first))")
  }

  @Test func everyLineOnceWithItsTime() throws {
    let began = Date().timeIntervalSince1970
    let result = try world.train("run", ["--max-steps", "25", "--tensorboard"])
    try #require(result.code == 0, "\(result.errors)")
    let records = try events("run/tensorboard")
    #expect(records.isWhole)
    try expectSame(records.scalars, logged("run"))
    #expect(records.values("train/loss").map(\.step) == Array(1...25))
    #expect(records.values("dev/spearman").map(\.step) == [0, 20, 25])
    let times = records.scalars.map(\.time)
    #expect(times == times.sorted() && times[0] >= began - 1 && times[times.count - 1] < began + 600)
    // Hyperparameters at the beginning, the end at the end.
    #expect(records.others.map(\.tag) == ["_hparams_/session_start_info", "_hparams_/session_end_info"])
    let settings = String(decoding: records.others[0].metadata, as: UTF8.self)
    for name in ["hparams", "learning-rate", "batch-size", "seed", "strategy", "mixcse.lambda", "fifo.size"] {
      #expect(settings.contains(name), "\(name) is not in \(settings)")
    }
    #expect(!settings.contains(world.folder) && !settings.contains("sha256"))
    // Without the flag there is none, and --overwrite leaves none of another run.
    #expect(try world.train("run", ["--max-steps", "3", "--overwrite"]).code == 0 && !world.exists("run/tensorboard"))
  }

  /// As it happens: while the run goes on the file has its steps.
  @Test func stepsAreThereWhileTheRunGoesOn() throws {
    let arguments = try world.trainArguments("live", ["--max-steps", "100000", "--tensorboard"])
    var seen = 0
    let end = try world.run(
      arguments,
      until: { _ in
        seen = (try? events("live/tensorboard").values("train/loss").count) ?? 0
        return seen > 20
      }, signal: SIGINT)
    #expect(end.code == 130 && end.wasSignalled && seen > 20)
  }

  /// Steps that are done again after a kill stand there once; a run that had no file gets a whole one.
  @Test func aResumedRunHasNoStepTwice() throws {
    let output = try world.stopped(
      "killed", by: SIGKILL, { try world.trainArguments($0, ["--tensorboard", "--save-steps", "20"]) },
      when: { self.world.lines($0) >= 30 })
    #expect(try world.train(output, ["--tensorboard", "--save-steps", "20", "--resume"]).code == 0)
    let records = try events(output + "/tensorboard")
    #expect(records.values("train/loss").map(\.step) == Array(1...60))
    try expectSame(records.scalars, logged(output))
    #expect(try world.train("late", ["--stop-after", "30"]).code == 75)
    #expect(try world.train("late", ["--resume", "--tensorboard"]).code == 0)
    try expectSame(events("late/tensorboard").scalars, logged("late"))
  }

  /// What cannot be written is said once, and the run goes on.
  @Test func aFolderThatIsNoneCostsNothing() throws {
    #expect(try world.train("run", ["--stop-after", "5"]).code == 75)
    try world.write("run/tensorboard", "a file of mine")
    let result = try world.train("run", ["--resume", "--tensorboard"])
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.components(separatedBy: "TensorBoard is not told more").count == 2, "\(result.errors)")
    #expect(try world.data("run/tensorboard") == Data("a file of mine".utf8))
  }

  @Test func comparisonsAreLiveToo() throws {
    let arguments = [
      Resources.command, "compare", "simcse", "mixcse:lambda=0.3", "--seeds", "1", "--model", world.path("model"),
      "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"), "--batch-size", "8",
      "--eval-steps", "10", "--tensorboard", "--output-dir", world.path("compared"), "--max-steps",
    ]
    let folder = "compared/tensorboard/simcse-seed1"
    var seen = 0
    let end = try world.run(
      arguments + ["100000"],
      until: { _ in
        seen = (try? events(folder).values("train/loss").count) ?? 0
        return seen > 20
      }, signal: SIGINT)
    #expect(end.code == 130 && seen > 20, "\(end)")
    #expect(try shell(arguments + ["20"]).code == 0)
    for (label, run) in [("simcse", "simcse-seed1-2"), ("mixcse_lambda=0.3", "mixcse_lambda=0.3-seed1")] {
      let name = world.names("compared/tensorboard").first { $0.replacing(":", with: "_") == label + "-seed1" }
      let records = try events("compared/tensorboard/" + (try #require(name)))
      let scalars = records.scalars.filter { !$0.tag.hasPrefix("final/") }
      try expectSame(scalars, logged("compared/runs/" + run), run)
      #expect(records.scalars.count > scalars.count && records.others.count == 2)
    }
  }
}
