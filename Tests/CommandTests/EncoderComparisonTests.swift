// `mixcse compare --encoder`: runs and scores by an encoder plugin, what is remembered of it and told, and mistakes
// that are found once before the first run. The plugin is the fixture of EncoderCommandTests.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct EncoderComparisonTests {
  private let world: CommandWorld
  private let library: String

  init() throws {
    world = try CommandWorld()
    library = world.path("libbag.so")
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library)
  }

  private func flags(seeds: String = "42,43") -> [String] {
    [
      "--model", world.path("model"), "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"),
      "--eval-steps", "4", "--max-steps", "8", "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2",
      "--pooler", "avg", "--seeds", seeds,
    ]
  }

  private func compare(
    _ output: String, device: String = "cpu", _ more: [String] = [], seeds: String = "42,43"
  ) throws -> ShellResult {
    try shell(
      [Resources.command, "compare", "simcse", "mixcse", "--output-dir", world.path(output)] + flags(seeds: seeds)
        + ["--encoder", library, "--device", device] + more)
  }

  private func object(_ name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(name)) as? [String: Any], "\(name)")
  }

  @Test func runsAndScoresByThePlugin() throws {
    let result = try compare("out")
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("encoder bag: fixture 1 on a fixture, f32, dropout of its own"), "\(result.errors)")
    let told = "Trained with the encoder fixture 1 on a fixture, f32. Final models are scored by it in f32."
    #expect(result.output.contains(told), "\(result.output)")
    let page = String(decoding: try world.data("out/report.html"), as: UTF8.self)
    #expect(page.contains("<dt>Encoder</dt><dd>fixture 1 on a fixture,<wbr> f32</dd>"))
    #expect(page.contains("Trained with the encoder fixture 1 on a fixture, f32."), "no note")
    let results = try object("out/results.json")
    let record = try #require((results["record"] as? [String: Any])?["encoder"] as? [String: Any])
    #expect(record["id"] as? String == "org.example.bag.bag" && record["deviceName"] as? String == "a fixture")
    #expect(record["device"] as? String == "cpu" && record["precision"] as? String == "f32")
    let run = try object("out/runs/mixcse-seed43/run.json")
    #expect((run["encoder"] as? [String: Any])?["id"] as? String == "org.example.bag.bag")
    let described = try object("out/runs/mixcse-seed43/comparison.json")
    #expect(described["hash"] as? String == run["hash"] as? String)
    // Its scores are those of `evaluate` with the plugin, and of nobody else.
    let scores = try #require(world.names("out/runs/mixcse-seed43").first { $0.hasPrefix("pair-scores-") })
    func cosines(_ file: String) throws -> [Double] {
      let sets = try #require(try object(file)["sets"] as? [[String: Any]])
      return try #require(sets.first?["cosine"] as? [Double])
    }
    func evaluate(_ more: [String]) throws -> [Double] {
      let evaluated = try shell(
        [
          Resources.command, "evaluate", "--model", world.path("out/runs/mixcse-seed43"), "--pooler", "avg",
          "--before-head", "--pairs", world.path("pairs.tsv"), "--pair-scores", world.path("scores.json"),
        ] + more)
      try #require(evaluated.code == 0, "\(evaluated.errors)")
      return try cosines("scores.json")
    }
    let found = try cosines("out/runs/mixcse-seed43/" + scores)
    #expect(try found == evaluate(["--encoder", library, "--device", "cpu"]))
    #expect(try found != evaluate([]))

    let again = try compare("out")
    #expect(again.code == 0 && again.errors.contains("4 of 4 runs are there already"), "\(again.errors)")
    #expect(!again.errors.contains("started"), "\(again.errors)")
    let rounded = try compare("out", ["--precision", "bf16"], seeds: "42")
    #expect(rounded.code == 0 && rounded.errors.contains("encoder.precision: \"f32\" then, \"bf16\" now"))
    #expect(rounded.errors.contains("run again in simcse-seed42-2"), "\(rounded.errors)")
    let own = try shell(
      [Resources.command, "compare", "simcse", "--output-dir", world.path("out")] + flags(seeds: "42"))
    #expect(own.code == 0 && own.errors.contains("run again in simcse-seed42-3"), "\(own.errors)")
  }

  @Test func isNamedByAPlanFile() throws {
    try world.write(
      "plan.toml",
      """
      strategies = ["simcse"]
      seeds = [42]
      encoder = "\(library)"
      device = "cpu"
      precision = "bf16"
      """)
    let more = ["--output-dir", world.path("out"), "--from", world.path("plan.toml")]
    let result = try shell([Resources.command, "compare"] + more + flags(seeds: "42"))
    #expect(result.code == 0 && result.output.contains("fixture 1 on a fixture, bf16"), "\(result.errors)")
  }

  @Test(arguments: [
    ("refused", [], 69, "encoder org.example.bag.bag, open: expected a device that is there, found refused"),
    ("cpu", ["--encoder", "absent"], 69, "no encoder is called 'absent'"),
    ("cpu", ["--precision", "f16"], 64, "--precision: expected one of f32, tf32, bf16"),
    ("cpu", ["--encoder", "native"], 64, "--device: expected --encoder with a plugin beside it"),
    ("cpu", ["--vary", "device=cpu,cuda"], 64, "found 'device'"),
  ]) func mistakesAreFoundOnceBeforeTheFirstRun(
    _ device: String, _ more: [String], _ code: Int32, _ text: String
  ) throws {
    let result = try compare("out", device: device, more)
    #expect(result.code == code, "\(result.errors)")
    #expect(result.errors.components(separatedBy: text).count == 2, "\(result.errors)")
    #expect(!world.exists("out/runs"), "a run was begun")
  }

  @Test func variesTheEncoder() throws {
    let result = try shell(
      [Resources.command, "compare", "simcse", "--output-dir", world.path("out")] + flags()
        + ["--vary", "encoder=native,\(library)", "--device", "cpu"])
    try #require(result.code == 0, "\(result.errors)")
    let told = "simcse encoder=native: native; simcse encoder=\(library): fixture 1 on a fixture, f32"
    let output = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(output.contains(told), "\(result.output)")
    let runs = try #require(try object("out/results.json")["runs"] as? [[String: Any]])
    #expect(runs.count == 4 && runs.allSatisfy { $0["outcome"] as? String == "finished" })
    let folders = runs.compactMap { $0["folder"] as? String }
    #expect(Set(folders).count == 4)
    let looks = try #require(try object("out/looks.json")["looks"] as? [[String: Any]])
    let keys = (looks.first?["strategies"] as? [[String: Any]] ?? []).compactMap { $0["key"] as? String }
    #expect(Set(keys).count == 2, "two encoders are two strategies")
  }

  @Test func isOpenedWhereTheRunsAre() throws {
    let lines = try compare("out", device: "refused", ["--launcher", "script"], seeds: "42")
    #expect(lines.code == 75, "\(lines.errors)")
    let commands = lines.output.split(separator: "\n")
    #expect(commands.count == 3 && commands.allSatisfy { $0.contains("--encoder \(library) --device refused") })
    let ended = try shell(["sh", "-c", String(commands[1])])
    #expect(ended.code == 69 && ended.errors.contains("a device that is there, found refused"), "\(ended)")
  }
}
