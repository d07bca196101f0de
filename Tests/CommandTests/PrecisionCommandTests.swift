// `--precision bf16` of this program's own encoder: another run than one in float32, and the same one whoever computes.

import Foundation
import TestSupport
import Testing

@Suite struct PrecisionCommandTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--method", "mixcse", "--max-steps", "6", "--batch-size", "8",
        "--learning-rate", "1e-3", "--save-steps", "3",
      ] + more)
  }

  private func identity(_ output: String) throws -> [String: Any] {
    let run = try #require(JSONSerialization.jsonObject(with: world.data(output + "/run.json")) as? [String: Any])
    return try #require(run["identity"] as? [String: Any])
  }

  @Test func aRunOfItsOwn() throws {
    try #require(try train("exact", []).code == 0)
    let rounded = try train("rounded", ["--precision", "bf16", "--threads", "1"])
    try #require(rounded.code == 0, "\(rounded.errors)")
    let (exact, found) = (try world.values("exact"), try world.values("rounded"))
    for (a, b) in zip(exact, found) { #expect(isClose(a, b, relative: 0.02), "\(b), not about \(a)") }
    #expect(exact != found)
    #expect(try identity("exact")["--precision"] == nil)
    #expect(try identity("rounded")["--precision"] as? String == "bf16")
    // Said in full, it is the run of one that says nothing.
    try #require(try train("said", ["--precision", "f32"]).code == 0)
    #expect(try world.data("said/model.safetensors") == world.data("exact/model.safetensors"))
    #expect(try identity("said")["--precision"] == nil)
  }

  @Test func theSameBitsOnAnyNumberOfThreadsAndAfterAStop() throws {
    try #require(try train("one", ["--precision", "bf16", "--threads", "1"]).code == 0)
    #expect(try train("three", ["--precision", "bf16", "--threads", "3", "--stop-after", "3"]).code == 75)
    let other = try train("three", ["--resume"])
    #expect(
      other.code == 64 && other.errors.contains("--precision: \"bf16\" in the checkpoint, nothing now"),
      "\(other.errors)")
    let resumed = try train("three", ["--precision", "bf16", "--threads", "3", "--resume"])
    try #require(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data("three/model.safetensors") == world.data("one/model.safetensors"))
    // run.json as a description repeats it.
    let repeated = try shell([
      Resources.command, "train", "--from", world.path("one/run.json"), "--output-dir", world.path("repeated"),
    ])
    try #require(repeated.code == 0, "\(repeated.errors)")
    #expect(try world.data("repeated/model.safetensors") == world.data("one/model.safetensors"))
  }

  @Test func withMaskedWordsAveragesAndParts() throws {
    for flags in [["--mlm"], ["--method", "moco"], ["--pooler", "avg", "--chunk-size", "3"]] {
      let result = try train("more", flags + ["--precision", "bf16", "--overwrite"])
      #expect(result.code == 0, "\(flags): \(result.errors)")
    }
  }

  @Test func embeddingsAreNear() throws {
    func encode(_ more: [String]) throws -> [[Double]] {
      let result = try shell(
        [
          Resources.command, "encode", "--model", world.path("model"), "--pooler", "avg", "--input",
          world.path("train.txt"), "--json",
        ] + more)
      try #require(result.code == 0, "\(result.errors)")
      return try result.output.split(separator: "\n").map { line in
        try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [Double])
      }
    }
    let (exact, rounded) = (try encode([]), try encode(["--precision", "bf16"]))
    #expect(exact == (try encode(["--precision", "f32"])) && exact != rounded)
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    for (a, b) in zip(exact, rounded) {
      #expect(product(a, b) / (product(a, a) * product(b, b)).squareRoot() > 0.999)
    }
  }

  @Test func comparedWithItself() throws {
    let result = try shell([
      Resources.command, "compare", "mixcse", "--vary", "precision=f32,bf16", "--seeds", "1,2", "--model",
      world.path("model"), "--train-file", world.path("train.txt"), "--test-data", world.path("pairs.tsv"),
      "--eval-data", world.path("pairs.tsv"), "--max-steps", "3", "--batch-size", "8", "--output-dir",
      world.path("both"),
    ])
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.output.contains("precision=bf16"), "\(result.output)")
  }

  @Test(arguments: [
    (["encode", "--precision", "tf32"], "--precision: expected f32 or bf16, or --encoder with a plugin beside it"),
    (["encode", "--device", "cpu"], "--device: expected --encoder with a plugin beside it"),
  ]) func refusesWhatIsAPlugins(_ arguments: [String], _ text: String) throws {
    let result = try shell(
      [Resources.command] + arguments
        + ["--model", world.path("model"), "--input", world.path("train.txt"), "--json"])
    #expect(result.code == 64 && result.errors.contains(text), "\(result.code) \(result.errors)")
    let trained = try train("refused", Array(arguments.dropFirst()))
    #expect(trained.code == 64 && trained.errors.contains(text), "\(trained.errors)")
  }
}
