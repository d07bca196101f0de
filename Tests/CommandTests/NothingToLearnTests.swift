// Runs that can learn nothing, or be scored by nothing: refused, or said with the reason; what is no number is null and
// never the best.

import Foundation
import TestSupport
import Testing

@Suite(.serialized)
struct NothingToLearnTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try world.write("one.txt", "w1 w2 w3\n")
    try world.write("nine.txt", world.tiny.sentences(9).joined(separator: "\n") + "\n")
    // All gold scores alike; and pairs whose cosines are all 1, whatever the model.
    try world.write("gold.tsv", world.tiny.sentences(6).map { "\($0)\tw1\t3" }.joined(separator: "\n") + "\n")
    let same = world.tiny.sentences(6).enumerated().map { "\($1)\t\($1)\t\($0)" }
    try world.write("cosines.tsv", same.joined(separator: "\n") + "\n")
  }

  private func train(_ output: String, _ more: [String]) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--output-dir", world.path(output),
        "--plugin-path", try CommandPlugins.folder.get(), "--batch-size", "4", "--threads", "1", "--method", "simcse",
      ] + more)
  }

  private func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  // MARK: - Nothing to compare a row with

  @Test func oneRowIsRefused() throws {
    let nine = ["--train-file", world.path("nine.txt")]
    let cases: [(arguments: [String], code: Int32, text: String)] = [
      (["--train-file", world.path("one.txt")], 65, "one.txt: expected at least two rows to tell apart, found one"),
      (nine + ["--batch-size", "1"], 64, "--batch-size: expected at least 2 rows to tell apart, found 1"),
      (nine + ["--batch-size", "1", "--gradient-accumulation", "4"], 64, "--gradient-accumulation adds none"),
      // Its mixture is of the row itself and masked: known after a step only.
      (nine + ["--batch-size", "1", "--method", "mixcse"], 64, "--batch-size: expected at least 2 rows"),
      (nine + ["--batch-size", "1", "--dry-run"], 64, "--batch-size: expected at least 2 rows"),
    ]
    for (arguments, code, text) in cases {
      let result = try train("refused", arguments + ["--overwrite"])
      #expect(result.code == code && result.errors.contains(text), "\(arguments): \(result.code) \(result.errors)")
      #expect(!world.exists("refused/model.safetensors"))
    }
  }

  /// Known before the first of many runs, and not by each of them.
  @Test func aComparisonOfSingleRowsIsRefused() throws {
    for (more, code) in [
      (["--train-file", world.path("nine.txt"), "--batch-size", "1"], Int32(64)),
      (["--train-file", world.path("one.txt"), "--batch-size", "4"], 65),
    ] {
      let result = try shell(
        [
          Resources.command, "compare", "infonce", "dcl", "--seeds", "1,2", "--model", world.path("model"),
          "--eval-data", world.path("pairs.tsv"), "--output-dir", world.path("compared"), "--max-steps", "2",
          "--threads", "1",
        ] + more)
      #expect(result.code == code && result.errors.contains("rows to tell apart"), "\(result.code) \(result.errors)")
      #expect(!world.exists("compared/runs"))
    }
  }

  @Test func oneRowWithNegativesOfItsOwnTrains() throws {
    let triples = world.tiny.sentences(9).enumerated().map { "\($1)\tw\($0 + 1) w2\tw\($0 + 5) w7" }
    try world.write("triples.tsv", triples.joined(separator: "\n") + "\n")
    for (index, more) in [
      ["--train-file", world.path("triples.tsv")],
      ["--train-file", world.path("nine.txt"), "--sampler", "fifo:size=8"],
      ["--train-file", world.path("nine.txt"), "--mlm"],
    ].enumerated() {
      let result = try train("alone-\(index)", more + ["--batch-size", "1", "--max-steps", "4"])
      #expect(result.code == 0, "\(more): \(result.errors)")
      let norms = try world.metrics("alone-\(index)").compactMap { try object($0)["gradNorm"] as? Double }
      #expect(norms.count == 4 && norms[3] > 0, "\(more): \(norms)")
    }
  }

  @Test func aRowLeftOverIsSaid() throws {
    let nine = ["--train-file", world.path("nine.txt"), "--no-shuffle"]
    let said = "9 rows in batches of 4 leave one over"
    let result = try train("over", nine)
    #expect(result.code == 0 && result.errors.contains(said) && result.errors.contains("gave no gradient"))
    for (index, more) in [["--batch-size", "3"], ["--max-steps", "2"]].enumerated() {
      let other = try train("none-\(index)", nine + more)
      #expect(other.code == 0 && !other.errors.contains("over"), "\(other.errors)")
    }
  }

  // MARK: - Nothing to score by

  @Test func constantGoldIsRefusedBeforeTraining() throws {
    try world.write("one.tsv", "w1\tw2\t3\n")
    let data = ["--train-file", world.path("nine.txt")]
    let result = try train("gold", data + ["--eval-data", world.path("gold.tsv")])
    #expect(result.code == 65 && !world.exists("gold/run.json"))
    #expect(result.errors.contains("gold.tsv: expected gold scores that differ, found that all 6 gold scores are 3.0"))
    let single = try train("gold", data + ["--eval-data", world.path("one.tsv")])
    #expect(single.code == 65 && single.errors.contains("there is one pair only"), "\(single.errors)")
    let compared = try shell([
      Resources.command, "compare", "simcse", "mixcse:lambda=0.1", "--model", world.path("model"), "--output-dir",
      world.path("c"), "--plugin-path",
      try CommandPlugins.folder.get(), "--seeds", "1", "--train-file", world.path("nine.txt"),
      "--eval-data", world.path("gold.tsv"),
    ])
    #expect(compared.code == 65 && compared.errors.contains("expected gold scores that differ"), "\(compared.errors)")
  }

  @Test func aScoreThatIsNoNumberIsNeverTheBest() throws {
    let result = try train(
      "nan", ["--train-file", world.path("nine.txt"), "--eval-data", world.path("cosines.tsv"), "--eval-steps", "1"])
    #expect(result.code == 65 && !result.errors.contains("best so far") && !result.errors.contains("Spearman nan"))
    #expect(result.errors.contains("Spearman undefined (all cosines are 1.0) on 6 pairs"), "\(result.errors)")
    #expect(result.errors.contains("no evaluation gave a score (all cosines are 1.0)"), "\(result.errors)")
    let evaluations = try world.metrics("nan").map(object).filter { $0["pairs"] != nil }
    #expect(evaluations.count == 4)
    for line in evaluations {
      #expect(line["spearman"] is NSNull && line["pearson"] is NSNull && line["isBest"] as? Bool == false)
      #expect(line["undefined"] as? String == "all cosines are 1.0")
    }
    let record = try object(String(decoding: world.data("nan/run.json"), as: UTF8.self))["result"] as? [String: Any]
    #expect(record?["best"] is NSNull && (record?["last"] as? [String: Any])?["spearman"] is NSNull)
    #expect(world.exists("nan/model.safetensors"))
    // The same after a pause: a checkpoint holds scores that are no numbers.
    let stop = ["--train-file", world.path("nine.txt"), "--eval-data", world.path("cosines.tsv"), "--eval-steps", "1"]
    #expect(try train("paused", stop + ["--stop-after", "2"]).code == 75)
    let resumed = try train("paused", stop + ["--resume"])
    #expect(resumed.code == 65 && resumed.errors.contains("no evaluation gave a score"), "\(resumed.errors)")
    #expect(try world.metrics("paused") == world.metrics("nan"))
  }

  @Test func figuresThatAreUndefinedAreNullWithTheReason() throws {
    func evaluate(_ files: [String], _ more: [String] = []) throws -> ShellResult {
      try shell(
        [Resources.command, "evaluate", "--model", world.path("model"), "--pooler", "avg", "--threads", "1"]
          + files.flatMap { ["--pairs", world.path($0)] } + more)
    }
    for (file, reason) in [
      ("gold.tsv", "all 6 gold scores are 3.0: nothing is ranked"), ("cosines.tsv", "all cosines are 1.0"),
    ] {
      let alone = try evaluate([file], ["--json"])
      #expect(alone.code == 65 && alone.errors.contains("nothing was scored") && alone.errors.contains(reason))
      let both = try evaluate([file, "pairs.tsv"], ["--json"])
      #expect(both.code == 0 && both.errors.contains("\(file): the correlation is undefined with avg: \(reason)"))
      for text in [alone.output, both.output] {
        let pairs = try object(text)["pairs"] as? [String: [String: Any]]
        let figures = try #require(pairs?[world.path(file)])
        #expect(figures["spearman"] is NSNull && figures["pearson"] is NSNull && figures["pairs"] as? Int == 6)
        #expect(figures["undefined"] as? String == reason)
      }
      #expect(try evaluate([file]).output.contains("undefined"))
    }
  }
}
