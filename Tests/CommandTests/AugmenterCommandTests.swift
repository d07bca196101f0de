// Augmenters in real runs: from the flag and the recipe to the tokens, resumed to the bit, in processes of their own,
// and what one does wrong is said.

import Foundation
import TestSupport
import Testing

struct AugmenterCommandTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try buildPlugin(Resources.fixture("training/augmenter.c"), to: world.path("libaugmenter.so"))
  }

  private var copies: String { world.path("libaugmenter.so") + ":copies" }

  private func train(_ output: String, _ strategy: [String], _ more: [String] = []) throws -> ShellResult {
    try shell(
      [
        Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
        "--output-dir", world.path(output), "--batch-size", "8", "--max-steps", "6", "--threads", "2",
        "--learning-rate", "1e-3",
      ] + strategy + more)
  }

  @Test func editsThatChangeNothingChangeNothing() throws {
    let plain = try train("plain", ["--method", "mixcse"])
    #expect(plain.code == 0, "\(plain.errors)")
    let copied = try train("copied", ["--method", "mixcse", "--augment", copies])
    #expect(copied.code == 0, "\(copied.errors)")
    #expect(try world.values("plain") == world.values("copied"))
    #expect(try world.data("plain/model.safetensors") == world.data("copied/model.safetensors"))
    // [CLS] and [SEP]; in the tiny vocabulary each token is a word, three to nine a sentence.
    #expect(try world.values("copied", "copies.special") == [Double](repeating: 2, count: 6))
    #expect(try world.values("copied", "copies.words").allSatisfy { (3...9).contains($0) })
    let record = try #require(try JSONSerialization.jsonObject(with: world.data("copied/run.json")) as? [String: Any])
    #expect(record["strategy"] as? String == "augmenter:\(copies) sampler:mixcse loss:infonce")
    let other = try train("copied", ["--method", "mixcse"], ["--resume"])
    #expect(other.code == 64 && other.errors.contains("strategy"), "\(other.errors)")
  }

  @Test(arguments: ["esimcse", "consert"]) func resumedToTheBit(_ method: String) throws {
    let strategy = ["--method", method, "--set", method == "esimcse" ? "repeat.rate=0.6" : "shuffle.keep=0.5"]
    let more = ["--max-steps", "30"]
    #expect(try train("whole", strategy, more).code == 0)
    #expect(try train("half", strategy, more + ["--stop-after", "13"]).code == 75)
    let rest = try train("half", strategy, more + ["--resume"])
    #expect(rest.code == 0, "\(rest.errors)")
    #expect(try world.values("half") == world.values("whole"))
    #expect(try world.data("half/model.safetensors") == world.data("whole/model.safetensors"))
    let isolated = try train("isolated", strategy, more + ["--isolate"])
    #expect(isolated.code == 0, "\(isolated.errors)")
    #expect(try world.values("isolated") == world.values("whole"))
  }

  @Test func schedulesRecipesAndComparisons() throws {
    func losses(_ output: String, _ strategy: [String]) throws -> [Double] {
      let result = try train(output, strategy)
      #expect(result.code == 0, "\(result.errors)")
      return try world.values(output)
    }
    let set = try losses("set", ["--method", "simcse", "--augment", "cutoff:rate=0.4"])
    let driven = try losses(
      "driven", ["--method", "simcse", "--augment", "cutoff", "--schedule", "cutoff.rate=linear(0.4,0.4)"])
    #expect(set == driven)
    #expect(try losses("less", ["--method", "simcse", "--augment", "cutoff:rate=0.1"]) != set)
    // One after the other.
    #expect(
      try losses("two", ["--method", "simcse", "--augment", "repeat", "--augment", "shuffle"])
        != losses("other", ["--method", "simcse", "--augment", "shuffle", "--augment", "repeat"]))
    let compared = try shell([
      Resources.command, "compare", "simcse", "infonce+cutoff:rate=0.4", "esimcse:rate=0.5", "--model",
      world.path("model"), "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"),
      "--output-dir", world.path("compared"), "--batch-size", "8", "--max-steps", "4", "--seeds", "1,2",
    ])
    #expect(compared.code == 0, "\(compared.errors)")
    #expect(compared.output.contains("infonce+cutoff") || compared.errors.contains("infonce+cutoff"))
  }

  @Test func whatCannotBeIsSaid() throws {
    for (fault, code, text) in [
      ("id", Int32(69), "sequence 0 holds token 85, expected 0 to 84"),
      ("empty", 69, "sequence 0 goes from token 0 to 0, expected 1 to 40 tokens"),
      ("long", 69, "sequence 0 goes from token 0 to 41, expected 1 to 40 tokens"),
      ("first", 69, "the first token stays first"),
      ("order", 69, "sequence 1 goes from token"),
      ("room", 69, "out_ids"),
      ("state", 69, "n_states is 1, but this kind of component has none"),
      ("view", 69, "it edits view z3, but this run has 2 views"),
    ] {
      let result = try train("refused-\(fault)", ["--method", "simcse", "--augment", "\(copies):fault=\(fault)"])
      #expect(result.code == code && result.errors.contains(text), "\(fault): \(result.code) \(result.errors)")
    }
    for (more, text) in [
      (["--augment", "repeat", "--watch"], "--watch --augment"),
      (["--augment", "mixcse"], "mixcse"), (["--augment", "repaet"], "repeat"),
      (["--sampler", "repeat"], "repeat"), (["--augment", "repeat:rate=2"], "rate"),
    ] {
      let result = try train("refused", ["--method", "simcse"] + more)
      #expect(result.code != 0 && result.errors.contains(text), "\(result.errors)")
    }
    let shadow = try train("shadow", ["--method", "simcse"], ["--shadow", "esimcse"])
    #expect(shadow.code == 0, "\(shadow.errors)")
    #expect(shadow.errors.contains("shadow esimcse: repeat edits nothing; shadows look at the leader's batch"))
    let probed = try shell([
      Resources.command, "probe", "--model", world.path("model"), "--pooler", "avg", "--input",
      world.path("train.txt"), "--batch-size", "8", "--method", "esimcse",
    ])
    #expect(probed.code == 0 && probed.errors.contains("augmenter repeat edits tokens in training"), "\(probed.errors)")
  }
}
