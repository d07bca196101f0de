// `mixcse evaluate` as users run it: its document, its tables, what it says about models and missing data; on the real
// model the figures that are known.

import Foundation
import TestSupport
import Testing

@Suite(.serialized)
struct EvaluateCommandTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    try SmallData.write(to: world.path("data/downstream"))
  }

  private func evaluate(_ model: String, _ more: [String]) throws -> ShellResult {
    try shell([Resources.command, "evaluate", "--model", world.path(model), "--threads", "2"] + more)
  }

  private func document(_ model: String, _ more: [String]) throws -> [String: Any] {
    let result = try evaluate(model, more + ["--json"])
    try #require(result.code == 0, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private var data: [String] { ["--data", world.path("data")] }

  /// The Spearman of the only file of pairs.
  private func spearman(_ model: String, _ more: [String]) throws -> Double? {
    let pairs = try document(model, more)["pairs"] as? [String: [String: Any]]
    return pairs?.values.first?["spearman"] as? Double
  }

  @Test func documentHoldsEveryTask() throws {
    let file = world.path("pairs.tsv")
    let full = try document("model", data + ["--pooler", "avg", "--task-set", "full", "--pairs", file, "--intervals"])
    #expect(full["pooler"] as? String == "avg" && full["mode"] as? String == "test")
    #expect(full["model"] as? String == world.path("model"))
    let tasks = try #require(full["tasks"] as? [String: [String: Any]])
    #expect(tasks.count == 14)
    let year = try #require(tasks["STS12"])
    #expect(year["pairs"] as? Int == 35 && (year["subsets"] as? [String: Any])?.count == 5)
    for key in ["spearman", "pearson", "meanSpearman", "weightedMeanSpearman"] {
      #expect(year[key] is Double, "\(key)")
    }
    let interval = try #require(year["interval"] as? [Double])
    let spearman = try #require(year["spearman"] as? Double)
    #expect(interval.count == 2 && interval[0] <= spearman && spearman <= interval[1])
    for name in ["MR", "CR", "SUBJ", "MPQA", "SST2", "TREC", "MRPC"] {
      #expect(tasks[name]?["accuracy"] is Double && tasks[name]?["devAccuracy"] is Double, "\(name)")
    }
    #expect(tasks["MRPC"]?["f1"] is Double)
    #expect((full["pairs"] as? [String: [String: Any]])?[file]?["pairs"] as? Int == 40)
    let average = try #require(full["average"] as? [String: Any])
    let figures = tasks.filter { $0.key.hasPrefix("S") }.compactMap { $0.value["spearman"] as? Double }
    let mean = figures.reduce(0, +) / 7
    #expect(figures.count == 7 && abs((average["sts"] as? Double ?? 0) - mean) < 1e-9)
    #expect(average["transfer"] is Double)
    for key in ["alignment", "uniformity", "meanCosine", "effectiveRank"] { #expect(full[key] is Double, "\(key)") }
    #expect((full["warnings"] as? [String])?.contains { $0.contains("rt-polarity.pos: expected 5331") } == true)
  }

  @Test func theProfileHoldsEverySecondOnce() throws {
    let arguments = data + ["--pooler", "avg", "--task-set", "full", "--mode", "fasttest"]
    let plain = try document("model", arguments)
    var full = try document("model", arguments + ["--profile"])
    let profile = try #require(full.removeValue(forKey: "profile") as? [String: Any])
    #expect(NSDictionary(dictionary: full) == NSDictionary(dictionary: plain), "figures are the same with and without")
    let groups = try #require(profile["groups"] as? [String: [String: Any]])
    let names = ["data", "model", "lines", "encoder forward", "plugins", "similarity", "classifiers", "evaluation"]
    #expect(Set(groups.keys) == Set(names))
    let phases = { (group: String) in groups[group]?["phases"] as? [String: [String: Any]] ?? [:] }
    #expect(Set(phases("classifiers").keys) == ["MR", "CR", "SUBJ", "MPQA", "SST2", "TREC", "MRPC"])
    #expect(phases("similarity").count == 9, "seven sets, pairs and the space")
    #expect(phases("classifiers").values.allSatisfy { $0["calls"] as? Int == 1 })
    let seconds = groups.values.compactMap { $0["seconds"] as? Double }
    let whole = try #require(profile["seconds"] as? Double)
    #expect(seconds.count == names.count && abs(seconds.reduce(0, +) - whole) < 1e-9 * max(1, whole))
    #expect(profile["threads"] as? Int == 2 && profile["steps"] == nil)
    let text = try evaluate("model", arguments + ["--profile"])
    #expect(text.output.contains("\nwhole run ") && text.output.contains("On 2 threads."))
    #expect(!text.output.contains("ms/step"))
  }

  @Test func tablesAreTheFamiliarOnesAndPlainInAPipe() throws {
    let result = try evaluate(
      "model",
      data + ["--pooler", "avg", "--task-set", "full", "--mode", "fasttest", "--published", "mixcse-bert-base"])
    #expect(result.code == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.first == "------ fasttest ------")
    #expect(lines.contains("| | STS12 | STS13 | STS14 | STS15 | STS16 | STSBenchmark | SICKRelatedness | Avg. |"))
    #expect(lines.contains("| | MR | CR | SUBJ | MPQA | SST2 | TREC | MRPC | Avg. |"))
    #expect(lines.contains { $0.hasPrefix("| mixcse-bert-base | 71.71+-4.04 | 83.14+-0.72 |") })
    #expect(result.errors.contains("warning:") && result.errors.contains("MR: "))
    #expect(!result.errors.contains("\u{1B}") && !result.errors.contains("\r"), "control sequences in a pipe")
  }

  @Test func devModeShowsDevAccuracyAndNoYears() throws {
    let dev = try evaluate("model", data + ["--pooler", "avg", "--mode", "dev", "--tasks", "STSBenchmark,CR,STS14"])
    #expect(dev.code == 0, "\(dev.errors)")
    #expect(dev.errors.contains("note: STS14 is not scored: it has no development part"))
    let json = try document("model", data + ["--pooler", "avg", "--mode", "dev", "--tasks", "CR,STS-B"])
    let tasks = try #require(json["tasks"] as? [String: [String: Any]])
    let accuracy = try #require(tasks["CR"]?["devAccuracy"] as? Double)
    #expect(tasks["CR"]?["accuracy"] as? Double != accuracy, "equal by accident: the test shows nothing")
    #expect(dev.output.contains(String(format: "%.2f", accuracy)), "\(dev.output)")
    #expect((json["average"] as? [String: Any])?["transfer"] as? Double == accuracy)
  }

  @Test func missingTasksAreSaidAndNotCountedAsZero() throws {
    try FileManager.default.removeItem(atPath: world.path("data/downstream/SICK"))
    let json = try document("model", data + ["--pooler", "avg"])
    let tasks = try #require(json["tasks"] as? [String: [String: Any]])
    let figures = tasks.values.compactMap { $0["spearman"] as? Double }
    #expect(figures.count == 6)
    let average = try #require((json["average"] as? [String: Any])?["sts"] as? Double)
    #expect(abs(average - figures.reduce(0, +) / 6) < 1e-9)
    #expect((json["average"] as? [String: Any])?["transfer"] is NSNull)
    #expect((json["missing"] as? [String: String])?["SICKRelatedness"]?.contains("is not there") == true)
    let text = try evaluate("model", data + ["--pooler", "avg"])
    #expect(text.output.contains("Avg. is over the 6 tasks scored, not over seven; not scored: SICKRelatedness"))
    let named = try evaluate("model", data + ["--pooler", "avg", "--tasks", "SICK-R"])
    #expect(named.code == 66 && named.errors.contains("SICK_test_annotated.txt"), "\(named.errors)")
  }

  @Test func brokenDataEndsBeforeAnyScore() throws {
    try FileManager.default.removeItem(atPath: world.path("data/downstream/STS/STS15-en-test/STS.gs.belief.txt"))
    let result = try evaluate("model", data + ["--pooler", "avg"])
    #expect(result.code == 66 && result.output.isEmpty, "\(result.output)")
    #expect(result.errors.contains("STS.gs.belief.txt: expected the gold scores of belief"))
    #expect(!result.errors.contains("encoding"))
  }

  @Test func usage() throws {
    let cases: [(arguments: [String], code: Int32, text: String)] = [
      ([], 64, "nothing to score"), (["--task-set", "sts"], 64, "--data DIR"),
      (data + ["--task-set", "na"], 64, "nothing to score"),
      (data + ["--task-set", "sts", "--tasks", "MR"], 64, "either --tasks or --task-set"),
      (data + ["--tasks", "STS17"], 64, "Known are: STS12"),
      (data + ["--published", "nobody"], 64, "all-minilm-l6-v2"),
      (data + ["--mode", "dev", "--published", "mixcse-bert-base"], 64, "papers give test figures"),
      (data + ["--all-poolers", "--pooler", "avg"], 64, "either --pooler or --all-poolers"),
      (["--data", world.path("model")], 66, "SentEval's downstream"),
      (["--pairs", world.path("none.tsv")], 66, "none.tsv"),
    ]
    for (arguments, code, text) in cases {
      let result = try evaluate("model", arguments)
      #expect(result.code == code && result.errors.contains(text), "\(arguments): \(result.code) \(result.errors)")
    }
  }

  @Test func referenceSpellingsOfEvaluate() throws {
    let arguments = [
      "evaluate", "--model_name_or_path", world.path("model"), "--pooler", "cls_before_pooler", "--task_set", "na",
      "--tasks", "STS16", "SICKRelatedness", "--mode", "test", "--json",
    ]
    let result = try shell([Resources.command] + arguments + data)
    try #require(result.code == 0, "\(result.errors)")
    let json = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect((json["tasks"] as? [String: Any])?.keys.sorted() == ["SICKRelatedness", "STS16"])
  }

  // MARK: - Models

  @Test func aTrainedModelKnowsItsPoolerAndHead() throws {
    let file = ["--pairs", world.path("pairs.tsv")]
    let common = ["--max-steps", "5", "--learning-rate", "1e-2", "--pooler", "cls"]
    try #require(try world.train("kept", common).code == 0)
    try #require(try world.train("dropped", common + ["--head-train-only"]).code == 0)
    let own = try evaluate("kept", file)
    #expect(own.code == 0 && !own.errors.contains("was trained with"), "\(own.errors)")
    let other = try evaluate("kept", file + ["--pooler", "avg"])
    #expect(other.errors.contains("note: this model was trained with cls and a head; scoring it with avg"))
    #expect(
      try spearman("kept", file) != spearman("kept", file + ["--pooler", "cls_before_pooler"]), "the head did nothing")
    let same = try evaluate("dropped", file + ["--pooler", "cls_before_pooler"])
    #expect(same.code == 0 && !same.errors.contains("was trained with"), "\(same.errors)")
    #expect(try spearman("dropped", file) == spearman("dropped", file + ["--pooler", "cls_before_pooler"]))
    let poolers = try #require(try document("kept", file + ["--all-poolers"])["poolers"] as? [[String: Any]])
    #expect(poolers.filter { $0["recorded"] as? Bool == true }.map { $0["pooler"] as? String } == ["cls (with head)"])
    let bare = try #require(try document("dropped", file + ["--all-poolers"])["poolers"] as? [[String: Any]])
    let marked = bare.filter { $0["recorded"] as? Bool == true }
    #expect(marked.count == 1 && (marked[0]["pooler"] as? String)?.hasPrefix("cls") == true, "\(marked)")
  }

  /// A head that was kept is used, unless the vector before it is asked for; that is the vector of the same model
  /// whose head was dropped.
  @Test func beforeTheHeadCanBeSaidOfEveryPooler() throws {
    let file = ["--pairs", world.path("pairs.tsv")]
    let common = ["--max-steps", "5", "--learning-rate", "1e-2", "--pooler", "avg", "--head", "mlp"]
    try #require(try world.train("kept", common).code == 0)
    try #require(try world.train("dropped", common + ["--head-train-only"]).code == 0)
    let through = try #require(try spearman("kept", file))
    let before = try document("kept", file + ["--before-head"])
    #expect(before["pooler"] as? String == "avg (before the head)")
    let figure = (before["pairs"] as? [String: [String: Any]])?.values.first?["spearman"] as? Double
    #expect(try figure == spearman("dropped", file) && figure != through, "\(through)")
    func vectors(_ model: String, _ more: [String]) throws -> String {
      let result = try shell(
        [Resources.command, "encode", "--model", world.path(model), "--json", "--input", world.path("train.txt")] + more
      )
      try #require(result.code == 0, "\(result.errors)")
      return result.output
    }
    #expect(try vectors("kept", ["--before-head"]) == vectors("dropped", []))
    #expect(try vectors("kept", []) != vectors("dropped", []))
    let both = try evaluate("kept", file + ["--before-head", "--all-poolers"])
    #expect(both.code == 64 && both.errors.contains("--before-head or --all-poolers"), "\(both.errors)")
  }

  @Test func allPoolersGiveWhatEachGivesAlone() throws {
    let file = ["--pairs", world.path("pairs.tsv")]
    let result = try evaluate("model", file + ["--all-poolers"])
    #expect(result.code == 0, "\(result.errors)")
    let poolers = try #require(try document("model", file + ["--all-poolers"])["poolers"] as? [[String: Any]])
    #expect(poolers.count >= 7)
    var seen: Set<Double> = []
    for entry in poolers {
      let name = try #require(entry["pooler"] as? String)
      let figure = try #require((entry["pairs"] as? [String: [String: Any]])?.values.first?["spearman"] as? Double)
      let alone = try #require(try spearman("model", file + ["--pooler", name]))
      #expect(abs(figure - alone) < 1e-3, "\(name): \(figure) in the panel, \(alone) alone")
      #expect(result.output.contains(name))
      seen.insert(figure)
    }
    // Both conventions of the first layer are there, and differ.
    let names = poolers.compactMap { $0["pooler"] as? String }
    #expect(names.contains("avg_first_last") && names.contains("avg_first_last:first=layer1"))
    #expect(seen.count >= 6, "poolers that all give the same: \(seen)")
  }

  @Test func modelPoolerStandsBehindClsAsInTheReference() throws {
    let file = ["--pairs", world.path("pairs.tsv")]
    try TinyModel(withPooler: true).write(to: world.path("bert"))
    let through = try evaluate("bert", file + ["--pooler", "cls"])
    #expect(through.errors.contains("note: cls goes through the model's own pooler.dense"))
    let plain = try #require(try spearman("bert", file + ["--pooler", "cls_before_pooler"]))
    #expect(try spearman("bert", file + ["--pooler", "cls"]) != plain)
    #expect(try spearman("model", file + ["--pooler", "cls"]) == plain, "the same weights without pooler.dense")
  }

  @Test func dropoutIsOff() throws {
    let file = ["--pairs", world.path("pairs.tsv"), "--pooler", "avg"]
    let before = try spearman("model", file)
    let path = world.path("model/config.json")
    let config = try String(contentsOfFile: path, encoding: .utf8)
    try config.replacingOccurrences(of: "_prob\": 0.1", with: "_prob\": 0.9").write(
      toFile: path, atomically: true, encoding: .utf8)
    #expect(try String(contentsOfFile: path, encoding: .utf8) != config)
    #expect(try spearman("model", file) == before)
  }

  @Test func sentencesAreNotCutAtTheTrainingLength() throws {
    // Each pair shares its first ten words and differs behind them: cut at five tokens, every cosine would be 1.
    let words = world.tiny.sentences(60, seed: 9)
    let start = Array(repeating: "word1 word2", count: 5).joined(separator: " ")
    let lines = (0..<20).map { "\(start) \(words[2 * $0])\t\(start) \(words[2 * $0 + 1])\t\($0 % 6)\n" }
    try world.write("long.tsv", lines.joined())
    try #require(try world.train("short", ["--max-steps", "2", "--max-seq-length", "5", "--pooler", "avg"]).code == 0)
    let json = try document("short", ["--pairs", world.path("long.tsv")])
    let pairs = try #require(json["pairs"] as? [String: [String: Any]])
    #expect(pairs.values.first?["spearman"] is Double, "undefined: \(pairs)")
  }

  // MARK: - The real model

  @Test(.needs(.model, .sharedData))
  func developmentFiguresOfEveryPooler() throws {
    let model = try #require(Resources.model)
    let result = try shell([
      Resources.command, "evaluate", "--model", model, "--data", try #require(Resources.shared("data")), "--tasks",
      "STSBenchmark", "--mode", "dev", "--all-poolers", "--json",
    ])
    try #require(result.code == 0, "\(result.errors)")
    let json = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let poolers = try #require(json["poolers"] as? [[String: Any]])
    let known = ["avg": 86.717, "cls_before_pooler": 79.731, "avg_first_last": 87.017, "avg_top2": 86.184]
    for (name, figure) in known {
      let entry = poolers.first { $0["pooler"] as? String == name }
      let task = (entry?["tasks"] as? [String: [String: Any]])?["STSBenchmark"]
      let found = try #require(task?["spearman"] as? Double, "\(name) is missing")
      #expect(abs(found - figure) < 0.01, "\(name): \(found)")
    }
    #expect(poolers.filter { $0["recorded"] as? Bool == true }.map { $0["pooler"] as? String } == ["avg"])
  }

  @Test(.needs(.model, .sharedData))
  func testFiguresOfMeanPooling() throws {
    let model = try #require(Resources.model)
    let result = try shell([
      Resources.command, "evaluate", "--model", model, "--data", try #require(Resources.shared("data")), "--pooler",
      "avg", "--mode", "fasttest", "--tasks", "STS13,STS16,STSBenchmark,CR,TREC", "--json",
    ])
    try #require(result.code == 0, "\(result.errors)")
    let json = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let tasks = try #require(json["tasks"] as? [String: [String: Any]])
    for (name, figure) in ["STS13": 80.603, "STS16": 78.990, "STSBenchmark": 82.033] {
      let found = try #require(tasks[name]?["spearman"] as? Double)
      #expect(abs(found - figure) < 0.01, "\(name): \(found)")
    }
    // The reference evaluator's own figures on the same embeddings.
    for (name, accuracy, dev) in [("CR", 82.07, 82.98), ("TREC", 88.40, 84.87)] {
      #expect(abs((tasks[name]?["accuracy"] as? Double ?? 0) - accuracy) < 0.7, "\(name)")
      #expect(abs((tasks[name]?["devAccuracy"] as? Double ?? 0) - dev) < 0.7, "\(name)")
    }
    #expect(json["warnings"] as? [String] == [])
  }
}
