// Runs that end or stop before their last step: --patience, which is part of what a run is, and --max-hours, which is
// not.

import Foundation
import TestSupport
import Testing

@Suite struct StopTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  /// Evaluations every fifth step; the rate is so small that scores hardly move, and so large that they do.
  private func train(_ output: String, _ more: [String] = []) throws -> ShellResult {
    try world.train(output, ["--eval-steps", "5", "--max-steps", "100", "--save-steps", "15"] + more)
  }

  /// The scores after a step, in their order.
  private func scores(_ output: String) throws -> [(step: Int, score: Double)] {
    try world.metrics(output).compactMap { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard let step = object?["step"] as? Int, step > 0, let score = object?["spearman"] as? Double else { return nil }
      return (step, score)
    }
  }

  /// Where a run with this patience ends, by the scores of one without.
  private func end(_ scores: [(step: Int, score: Double)], patience: Int) -> (step: Int, best: Int)? {
    var (best, since) = ((step: 0, score: -Double.infinity), 0)
    for (step, score) in scores {
      if score > best.score { (best, since) = ((step, score), 0) } else { since += 1 }
      if since == patience { return (step, best.step) }
    }
    return nil
  }

  @Test func patienceEndsARun() throws {
    let whole = try train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    let all = try scores("whole")
    let (patience, expected) = try #require(
      (2...6).lazy.compactMap { n in end(all, patience: n).map { (n, $0) } }.first { 16..<100 ~= $0.1.step }, "\(all)")
    let flag = ["--patience", "\(patience)"]
    let short = try train("short", flag + ["--json"])
    #expect(short.code == 0, "\(short.errors)")
    let result = try #require(try JSONSerialization.jsonObject(with: Data(short.output.utf8)) as? [String: Any])
    #expect(result["steps"] as? Int == expected.step && result["modelStep"] as? Int == expected.best, "\(result)")
    let said = try #require(result["endedEarly"] as? String)
    #expect(said.contains("\(patience) evaluations without") && said.contains("at step \(expected.best)"), "\(said)")
    // Up to there it is the run without patience.
    let lines = try world.metrics("short")
    #expect(try Array(world.metrics("whole").prefix(lines.count)) == lines)
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data("short/run.json")) as? [String: Any])
    #expect((record["run"] as? [String: Any])?["patience"] as? Int == patience)
    #expect((record["identity"] as? [String: Any])?["--patience"] as? Int == patience)
    // Stopped between two evaluations that do not better it, it counts on.
    #expect(try train("halted", flag + ["--stop-after", "\(expected.step - 2)"]).code == 75)
    let resumed = try train("halted", flag + ["--resume"])
    #expect(resumed.code == 0 && resumed.output.contains("ended after step \(expected.step)"), "\(resumed)")
    #expect(try world.data("halted/model.safetensors") == world.data("short/model.safetensors"))
    #expect(try world.metrics("halted") == lines)
    // In a file, too.
    let repeated = try shell([
      Resources.command, "train", "--from", world.path("short/run.json"), "--output-dir", world.path("again"),
    ])
    #expect(repeated.code == 0, "\(repeated.errors)")
    #expect(try world.metrics("again") == lines)
  }

  /// More patience goes on with the very run; less would have ended it, and is another one.
  @Test func morePatienceGoesOn() throws {
    try #require(try train("whole").code == 0)
    guard let expected = end(try scores("whole"), patience: 1), expected.step < 100 else { return }
    try #require(try train("run", ["--patience", "1", "--keep-checkpoints"]).code == 0)
    #expect(try world.metrics("run").count < world.metrics("whole").count)
    let more = try train("run", ["--patience", "90", "--keep-checkpoints", "--resume"])
    #expect(more.code == 0, "\(more.errors)")
    #expect(try world.data("run/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics("run") == world.metrics("whole"))
    let less = try train("run", ["--patience", "1", "--resume"])
    #expect(less.code == 64 && less.errors.contains("--patience: 90 in the checkpoint, 1 now"), "\(less.errors)")
    try #require(try train("gone", ["--patience", "1"]).code == 0)
    let gone = try train("gone", ["--patience", "9", "--resume"])
    #expect(gone.code == 64 && gone.errors.contains("--keep-checkpoints"), "\(gone.errors)")
  }

  @Test func patienceWantsEvaluations() throws {
    var arguments = try world.trainArguments("blind", ["--patience", "3"])
    let place = try #require(arguments.firstIndex(of: "--eval-data"))
    arguments.removeSubrange(place...place + 1)
    let blind = try shell(arguments)
    #expect(blind.code == 64 && blind.errors.contains("--patience: expected --eval-data"), "\(blind.errors)")
    let none = try train("none", ["--patience", "0"])
    #expect(none.code == 64 && none.errors.contains("--patience: expected"), "\(none.errors)")
  }

  private func compare(_ more: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "compare", "simcse", "mixcse", "--seeds", "1", "--model", world.path("model"),
        "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"), "--batch-size", "8",
        "--learning-rate", "1e-3", "--eval-steps", "5", "--output-dir", world.path("compared"),
      ] + more)
  }

  /// Each run of a comparison ends by itself, and a comparison out of time goes on where it was.
  @Test func comparisonsKnowBoth() throws {
    let stopped = try compare(["--max-steps", "100000", "--max-hours", "0.0003"])
    #expect(stopped.code == 75 && stopped.errors.contains("--max-hours 0.0003"), "\(stopped.errors)")
    let patient = try compare(["--max-steps", "400", "--patience", "1"])
    #expect(patient.code == 0, "\(patient.errors)")
    let runs = world.names("compared/runs").map { "compared/runs/" + $0 }
    let finished = runs.filter { world.exists($0 + "/config.json") }
    let logs = try finished.map { try world.metrics($0).count { $0.contains("\"loss\"") } }
    #expect(logs.count == 2 && logs.contains { $0 < 400 }, "\(logs)")
  }

  @Test func hoursStopARunThatGoesOn() throws {
    let whole = try train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    let stopped = try train("run", ["--max-hours", "1e-9"])
    #expect(stopped.code == 75 && stopped.errors.contains("as --max-hours 1e-09 says"), "\(stopped.errors)")
    #expect(stopped.errors.contains("--resume"), "\(stopped.errors)")
    let resumed = try train("run", ["--resume", "--max-hours", "1"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.metrics("run") == world.metrics("whole"))
    for hours in ["0", "-1", "nan", "much"] {
      let wrong = try train("wrong", ["--max-hours", hours])
      #expect(wrong.code == 64 && wrong.errors.contains("--max-hours"), "\(hours): \(wrong.errors)")
    }
  }
}
