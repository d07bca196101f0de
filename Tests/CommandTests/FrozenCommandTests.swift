// `mixcse train --frozen`: only what lies above the pooler learns, on the numbers a usual run would see; the same bits
// for any number of threads and after a resume; and what is refused.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct FrozenCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func losses(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "loss") }

  private func frozen(_ output: String, _ more: [String] = []) throws -> ShellResult {
    let result = try world.train(output, ["--frozen"] + more)
    try #require(result.code == 0, "\(result.errors)")
    return result
  }

  /// With a learning rate of 0 the encoder of a usual run stays as it is as well: the first epoch (19 steps) is the
  /// same.
  @Test(arguments: [["--pooler", "cls"], ["--pooler", "avg", "--head", "mlp", "--gradient-accumulation", "2"]])
  func theFirstEpochIsThatOfAnEncoderThatDoesNotMove(more: [String]) throws {
    let still = ["--learning-rate", "0", "--max-steps", "9"] + more
    _ = try frozen("frozen", still)
    try #require(try world.train("usual", still).code == 0)
    #expect(try losses("frozen") == losses("usual") && losses("frozen").count == 9)
    _ = try frozen("moved", ["--max-steps", "60"] + more)
    #expect(try world.data("moved/model.safetensors") == world.data("usual/model.safetensors"), "the encoder moved")
    #expect(try world.data("moved/2_Dense/model.safetensors") != world.data("usual/2_Dense/model.safetensors"))
  }

  /// Without a queue, whose old vectors a moving head leaves behind.
  @Test(arguments: ["cls", "avg"])
  func theHeadLearns(pooler: String) throws {
    func last(_ output: String, rate: String) throws -> Double {
      let result = try shell([
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--method", "simcse", "--frozen", "--pooler", pooler, "--head", "mlp",
        "--max-steps", "60", "--batch-size", "8", "--learning-rate", rate,
      ])
      try #require(result.code == 0, "\(result.errors)")
      return try losses(output).suffix(10).reduce(0, +)
    }
    #expect(try last("moved", rate: "1e-3") < last("still", rate: "0"))
  }

  @Test func pairsAndTripletsKeepEveryView() throws {
    let lines = world.tiny.sentences(90)
    let rows = (0..<30).map { "\(lines[3 * $0]),\(lines[3 * $0 + 1]),\(lines[3 * $0 + 2])" }
    try world.write("triplets.csv", "sent0,sent1,hard_neg\n" + rows.joined(separator: "\n") + "\n")
    let still = ["--train-file", world.path("triplets.csv"), "--learning-rate", "0", "--max-steps", "4"]
    let result = try frozen("frozen", still)
    #expect(result.errors.contains("30 of 30 rows in 3 views of 32 numbers"), "\(result.errors)")
    try #require(try world.train("usual", still).code == 0)
    #expect(try losses("frozen") == losses("usual"))
  }

  @Test func onlyVisitedRowsAreEmbedded() throws {
    let few = try frozen("few", ["--max-steps", "3"])
    #expect(few.errors.contains("embedding 24 of 150 rows in 2 views of 32 numbers, 6 KiB"), "\(few.errors)")
    let many = try frozen("many", ["--max-steps", "40"])
    #expect(many.errors.contains("embedding 150 of 150 rows"), "\(many.errors)")
    let (first, all) = (try losses("few"), try losses("many"))
    #expect(first[0] == all[0], "how many rows are embedded changes no vector")
  }

  @Test func anyThreadsAndResumeTheSameBits() throws {
    let more = ["--max-steps", "50", "--seed", "3"]
    _ = try frozen("two", more + ["--threads", "2"])
    _ = try frozen("three", more + ["--threads", "3"])
    _ = try frozen("other", ["--max-steps", "50", "--seed", "4"])
    func files(_ output: String) throws -> [Data] {
      try ["2_Dense/model.safetensors", "model.safetensors"].map { try world.data("\(output)/\($0)") }
    }
    #expect(try files("two") == files("three"))
    #expect(try world.metrics("two") == world.metrics("three"))
    #expect(try files("two")[0] != files("other")[0])

    try world.write("stop", "")
    let failing = more + ["--sampler", "fails:from=33,file=\(world.path("stop"))"]
    #expect(try world.train("halted", ["--frozen"] + failing).code == 69)
    try FileManager.default.removeItem(atPath: world.path("stop"))
    let usual = try world.train("halted", failing + ["--resume"])
    #expect(usual.code == 64 && usual.errors.contains("--frozen"), "\(usual.errors)")
    _ = try frozen("halted", failing + ["--resume"])
    _ = try frozen("whole", failing)
    #expect(try files("halted") == files("whole"))
    #expect(try world.metrics("halted") == world.metrics("whole"))
  }

  @Test func evaluationGoesThroughTheHeadAndTheExportAgrees() throws {
    let result = try frozen("run", ["--json", "--learning-rate", "1e-2"])
    let document = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    func spearman(_ name: String) throws -> Double {
      try #require((document[name] as? [String: Any])?["spearman"] as? Double, "\(name) in \(result.output)")
    }
    #expect(try spearman("baseline") != spearman("best"), "the head is part of the score")
    func evaluate(_ model: String, _ pooler: String) throws -> Double {
      let scored = try shell([
        Resources.command, "evaluate", "--model", world.path(model), "--pooler", pooler, "--pairs",
        world.path("pairs.tsv"), "--json",
      ])
      let json = try #require(
        try JSONSerialization.jsonObject(with: Data(scored.output.utf8)) as? [String: Any], "\(scored.errors)")
      let pairs = try #require((json["pairs"] as? [String: [String: Any]])?.values.first)
      return try #require(pairs["spearman"] as? Double)
    }
    #expect(isClose(try evaluate("run", "cls"), try spearman("best"), absolute: 1e-9))
    #expect(isClose(try evaluate("model", "cls"), try spearman("withoutHead"), absolute: 1e-9))
    #expect(result.errors.contains("pairs without the head"), "\(result.errors)")
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data("run/run.json")) as? [String: Any])
    #expect((record["frozen"] as? [String: Any])?["rows"] as? Int == 150)
    #expect(record["evalPooler"] as? String == "cls")
  }

  @Test func shadowsLookOnHere() throws {
    let plain = try frozen("plain", ["--max-steps", "20"])
    let watched = try frozen("watched", ["--max-steps", "20", "--shadow", "simcse"])
    #expect(!plain.errors.contains("shadows:") && watched.errors.contains("\nsimcse "), "\(watched.errors)")
    let head = "/2_Dense/model.safetensors"
    #expect(try world.data("plain" + head) == world.data("watched" + head))
  }

  @Test func whatFrozenRunsRefuse() throws {
    let fixed = ["--method", "simcse"]
    let cases: [(arguments: [String], text: String)] = [
      (["--mlm"], "--frozen --mlm"), (["--head-train-only"], "--frozen --head-train-only"),
      (["--eval-pooler", "avg"], "--frozen --eval-pooler"),
      (["--pooler", "weighted", "--head", "mlp"], "a pooler that neither learns nor remembers"),
    ]
    for (arguments, text) in cases {
      let result = try world.train("refused", ["--frozen"] + arguments)
      #expect(result.code == 64 && result.errors.contains(text), "\(arguments): \(result.errors)")
    }
    let nothing = try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path("nothing"), "--frozen", "--pooler", "avg",
      ] + fixed)
    #expect(nothing.code == 64 && nothing.errors.contains("Add --head mlp"), "\(nothing.errors)")
    let temperature = try frozen("temperature", ["--head", "none", "--max-steps", "5"])
    #expect(temperature.errors.contains("frozen: embedding"))
  }
}
