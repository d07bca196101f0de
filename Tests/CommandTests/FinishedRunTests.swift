// What stays of a finished run: the model and its records, not the checkpoints, unless they are to be kept; and what
// --resume makes of such a run, extended or not.

import Foundation
import TestSupport
import Testing

@Suite struct FinishedRunTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func record(_ output: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
  }

  @Test func checkpointsOfAFinishedRunGo() throws {
    let result = try world.train("run", ["--max-steps", "8"])
    #expect(result.code == 0 && !world.exists("run/checkpoints"), "\(result.errors)")
    let lines = result.errors.split(separator: "\n").filter { $0.contains("checkpoints") }
    #expect(lines.count == 1 && lines[0].contains("MiB") && lines[0].contains("--keep-checkpoints"), "\(lines)")
    #expect(world.names("run").filter { $0.hasPrefix(".") } == [])
    let kept = try world.train("kept", ["--max-steps", "8", "--keep-checkpoints"])
    #expect(kept.code == 0 && world.names("kept/checkpoints").contains("step-00000008.ckpt"), "\(kept.errors)")
    #expect(try world.data("run/model.safetensors") == world.data("kept/model.safetensors"))
    #expect(try ((record("kept")["run"] as? [String: Any])?["keep-checkpoints"] as? Bool) == true)
    // One that was stopped is not finished.
    #expect(try world.train("stopped", ["--stop-after", "7"]).code == 75)
    #expect(world.names("stopped/checkpoints").contains("step-00000007.ckpt"))
  }

  /// The same result again, whether printed for people or as JSON, and not a file is touched.
  @Test func resumingAFinishedRunSaysItsResult() throws {
    let first = try world.train("run", ["--max-steps", "25", "--json"])
    try #require(first.code == 0, "\(first.errors)")
    let times = try FileManager.default.attributesOfItem(atPath: world.path("run/run.json"))[.modificationDate] as? Date
    let again = try world.train("run", ["--max-steps", "25", "--json", "--resume"])
    #expect(again.code == 0 && again.output == first.output, "\(again.errors)")
    #expect(
      try FileManager.default.attributesOfItem(atPath: world.path("run/run.json"))[.modificationDate] as? Date == times)
    #expect(!world.exists("run/checkpoints"))
    let other = try world.train("run", ["--max-steps", "25", "--resume", "--batch-size", "16"])
    #expect(other.code == 64 && other.errors.contains("--batch-size: 8 in run.json, 16 now"), "\(other.errors)")
  }

  /// With its checkpoints a finished run goes on, bit for bit as when it is stopped on the way; without, it says why
  /// not.
  @Test func aFinishedRunIsExtended() throws {
    try #require(try world.train("gone", ["--max-steps", "20"]).code == 0)
    let refused = try world.train("gone", ["--max-steps", "40", "--resume"])
    #expect(refused.code == 64 && refused.errors.contains("--keep-checkpoints"), "\(refused.errors)")
    #expect(refused.errors.contains("after step 20"), "\(refused.errors)")
    for output in ["straight", "halting"] {
      try #require(try world.train(output, ["--max-steps", "20", "--keep-checkpoints"]).code == 0)
    }
    let straight = try world.train("straight", ["--max-steps", "40", "--resume", "--keep-checkpoints"])
    #expect(straight.code == 0 && straight.errors.contains("extending the finished run of 20 steps to 40"))
    let halted = try world.train("halting", ["--max-steps", "40", "--resume", "--stop-after", "31"])
    #expect(halted.code == 75, "\(halted.errors)")
    let end = try world.train("halting", ["--max-steps", "40", "--resume"])
    #expect(end.code == 0 && !end.errors.contains("extending"), "\(end.errors)")
    #expect(try world.data("straight/model.safetensors") == world.data("halting/model.safetensors"))
    #expect(try world.metrics("straight") == world.metrics("halting"))
    #expect(try world.metrics("straight").count { $0.contains("\"loss\"") } == 40)
    // It is another run than one of 40 steps, and says so.
    try #require(try world.train("long", ["--max-steps", "40"]).code == 0)
    #expect(try record("straight")["hash"] as? String == record("halting")["hash"] as? String)
    #expect(try record("straight")["hash"] as? String != record("long")["hash"] as? String)
    let repeated = try shell([
      Resources.command, "train", "--from", world.path("straight/run.json"), "--output-dir", world.path("repeated"),
    ])
    #expect(repeated.code == 0 && repeated.errors.contains("extended after step 20"), "\(repeated.errors)")
    // Fewer steps, or other data as well, are another run.
    for more in [["--max-steps", "30"], ["--max-steps", "60", "--seed", "1"]] {
      let other = try world.train("straight", ["--resume"] + more)
      #expect(other.code == 64 && other.errors.contains("--max-steps: 40 in the checkpoint"), "\(other.errors)")
    }
  }

  /// Epochs are steps, too, and a stopped run is not a finished one.
  @Test func epochsExtendAndStoppedRunsDoNot() throws {
    var arguments = try world.trainArguments("epochs", ["--keep-checkpoints"])
    let place = try #require(arguments.firstIndex(of: "--max-steps"))
    arguments.removeSubrange(place...place + 1)
    #expect(try shell(arguments).code == 0)
    let more = try shell(arguments + ["--epochs", "2", "--resume"])
    #expect(more.code == 0 && more.errors.contains("extending"), "\(more.errors)")
    #expect(try world.train("stopped", ["--stop-after", "7"]).code == 75)
    #expect(try world.train("stopped", ["--resume", "--max-steps", "80"]).code == 64)
  }

  @Test func aComparisonKeepsThemWhereAsked() throws {
    let arguments = [
      Resources.command, "compare", "simcse", "--seeds", "1", "--model", world.path("model"), "--train-file",
      world.path("train.txt"), "--eval-data", world.path("pairs.tsv"), "--max-steps", "2", "--batch-size", "8",
      "--output-dir",
    ]
    #expect(try shell(arguments + [world.path("a")]).code == 0)
    #expect(!world.exists("a/runs/simcse-seed1/checkpoints"))
    #expect(try shell(arguments + [world.path("b"), "--keep-checkpoints"]).code == 0)
    #expect(world.exists("b/runs/simcse-seed1/checkpoints"))
  }
}
