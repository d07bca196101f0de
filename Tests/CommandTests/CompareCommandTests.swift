// `mixcse compare` for real, with a tiny model: the same numbers whatever runs beside, after a kill, or under another
// name; failures that cost their row only; plan files and wrong usage.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct CompareCommandTests {
  let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private func arguments(_ output: String, _ strategies: [String], _ more: [String] = []) throws -> [String] {
    [Resources.command, "compare"] + strategies + ["--output-dir", world.path(output)] + (try flags()) + more
  }

  private func flags() throws -> [String] {
    [
      "--model", world.path("model"), "--train-file", world.path("train.txt"), "--eval-data", world.path("pairs.tsv"),
      "--plugin-path", try CommandPlugins.folder.get(), "--eval-steps", "4", "--save-steps", "2", "--max-steps", "16",
      "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2", "--seeds", "42,43",
    ]
  }

  private func compare(_ output: String, _ strategies: [String], _ more: [String] = []) throws -> ShellResult {
    try shell(try arguments(output, strategies, more))
  }

  private func expectSame(_ a: String, _ b: String) throws {
    #expect(try world.data(a + "/model.safetensors") == world.data(b + "/model.safetensors"), "\(a), \(b): weights")
    #expect(try world.metrics(a) == world.metrics(b), "\(a), \(b): log")
  }

  @Test func numbersDependOnNothingBeside() throws {
    let first = try compare("a", ["simcse", "mixcse"], ["--jobs", "2"])
    try #require(first.code == 0, "\(first.errors)")
    // Another name, another order, another strategy between, other jobs, and stops at rungs.
    let second = try compare("b", ["infonce+mixcse", "mixcse:lambda=0.9", "mine=simcse"], ["--budget"])
    try #require(second.code == 0, "\(second.errors)")
    for seed in ["42", "43"] {
      try expectSame("a/runs/mixcse-seed\(seed)", "b/runs/infonce_mixcse-seed\(seed)")
      if !second.errors.contains("mine: given up") {
        try expectSame("a/runs/simcse-seed\(seed)", "b/runs/mine-seed\(seed)")
      }
    }
    #expect(!world.exists("a/runs/simcse-seed42/checkpoints"))
    // And a run of `train` by itself, by the command that was written down.
    let record = try #require(
      try JSONSerialization.jsonObject(with: world.data("a/runs/mixcse-seed43/comparison.json")) as? [String: Any])
    let command = try #require(record["command"] as? String)
    let alone = try shell(["sh", "-c", command])
    try #require(alone.code == 0, "\(command): \(alone.errors)")
    try expectSame("a/runs/mixcse-seed43", "a/again/mixcse-seed43")
    // Two records of one run name it by the same hash.
    let hashes = try ["a/runs/mixcse-seed43/comparison.json", "a/again/mixcse-seed43/run.json"].map { file in
      (try JSONSerialization.jsonObject(with: world.data(file)) as? [String: Any])?["hash"] as? String
    }
    #expect(hashes[0] != nil && hashes[0] == hashes[1])

    let again = try compare("a", ["simcse", "mixcse"])
    #expect(again.code == 0 && again.errors.contains("4 of 4 runs are there already"), "\(again.errors)")
    #expect(!again.errors.contains("started"), "\(again.errors)")
    let changed = try compare("a", ["mixcse", "other=simcse"], ["--batch-size", "4", "--seeds", "42"])
    #expect(changed.errors.contains("note: --batch-size is given as 8 and 4; the last counts"), "\(changed.errors)")
    #expect(changed.code == 0 && changed.errors.contains("--batch-size: 8 then, 4 now"), "\(changed.errors)")
    #expect(changed.errors.contains("run again in mixcse-seed42-2"), "\(changed.errors)")
    let renamed = try compare("a", ["other=simcse", "third=simcse"])
    #expect(renamed.code == 0 && renamed.errors.contains("the same run is in simcse-seed42"), "\(renamed.errors)")
    #expect(renamed.errors.contains("third is the same as other"), "\(renamed.errors)")
    #expect(!renamed.errors.contains("started"), "\(renamed.errors)")
  }

  /// Verdicts are about other pairs of sentences, over the mean of the sets; a second look and another reference cost.
  @Test func looksAtTheVerdictsAreCounted() throws {
    let lines = try String(decoding: world.data("pairs.tsv"), as: UTF8.self).split(separator: "\n")
    try world.write("half.tsv", lines.prefix(20).map { $0 + "\n" }.joined())
    try world.write("rest.tsv", lines.dropFirst(16).map { $0 + "\n" }.joined())
    let sets = ["--test-data", world.path("half.tsv"), "--test-data", world.path("rest.tsv"), "--detect", "0.3"]
    let planned = try compare("looks", ["simcse", "mixcse"], sets + ["--dry-run"])
    try #require(planned.code == 0, "\(planned.errors)")
    #expect(planned.output.contains("4 runs (strategies x seeds: 2 x 2), 0 of them finished"))
    #expect(planned.output.contains("  mixcse: 2 x 16 steps, ") && planned.output.contains("  in all: about "))
    #expect(planned.output.contains("To show a difference of 0.3 at the level 0.05 / 1, with deviations"))
    #expect(!world.exists("looks"))

    func results(_ strategies: [String], _ seeds: String) throws -> (said: String, metrics: [[String: Any]]) {
      let result = try compare("looks", strategies, sets + ["--seeds", seeds])
      try #require(result.code == 0, "\(result.errors)")
      let document = try JSONSerialization.jsonObject(with: world.data("looks/results.json")) as? [String: Any]
      let said = result.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      return (said, try #require(document?["metrics"] as? [[String: Any]]))
    }
    let first = try results(["simcse", "mixcse"], "42,43")
    #expect(!first.said.contains(" look "), "\(first.said)")
    #expect(first.metrics.map { $0["metric"] as? String } == ["mean of 2 sets", "half.tsv", "rest.tsv", "pairs.tsv"])
    #expect(first.metrics.map { $0["kind"] as? String } == ["mean", "test", "test", "dev"])
    #expect(first.said.contains("40 of the 40 pairs of pairs.tsv, by which each run chose its checkpoint"))
    #expect(first.said.contains("8 of the 44 test pairs stand in more than one set"), "\(first.said)")
    // The same seeds again are the same look.
    #expect(!(try results(["simcse", "mixcse"], "43,42")).said.contains(" look "))
    let second = try results(["simcse", "mixcse"], "42,43,44")
    #expect(second.said.contains("look 2 of 1 planned at these verdicts, after 2 seeds (42, 43): the level is 5 % / 8"))
    let turned = try results(["mixcse", "simcse", "0.5*simcse"], "42,43,44")
    #expect(
      turned.said.contains("compared with simcse before") && turned.said.contains("all 3 pairs"), "\(turned.said)")

    let known = try compare("looks", ["simcse", "mixcse"], sets + ["--dry-run", "--seeds", "42,43,44"])
    #expect(known.output.contains("  mixcse, by 3 seeds: "), "\(known.output)")
    try world.write("looks/looks.json", "{}")
    let broken = try compare("looks", ["simcse", "mixcse"], sets)
    #expect(broken.code == 66 && broken.errors.contains("looks.json: expected the looks"), "\(broken.errors)")
  }

  /// Rows differ in a flag, are compared with one another, and come out as a table for a paper.
  @Test func whatVariesIsARow() throws {
    let varied = ["--vary", "batch-size=4,8", "--seeds", "42,43", "--max-steps", "4", "--against", "all"]
    let result = try compare("vary", ["simcse", "mixcse"], varied + ["--table", "latex"])
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.output.hasPrefix("% ") && result.output.hasSuffix("\\end{tabular}\n"), "\(result.output)")
    for label in ["before training", "simcse batch-size=4", "simcse batch-size=8", "mixcse batch-size=8"] {
      #expect(result.output.contains("\n\(label) & "), "\(label): \(result.output)")
    }
    let document = try #require(
      try JSONSerialization.jsonObject(with: world.data("vary/results.json")) as? [String: Any])
    let metrics = try #require(document["metrics"] as? [[String: Any]])
    #expect((metrics[0]["comparisons"] as? [Any])?.count == 6 && metrics[0]["before"] is Double)
    for (name, batch) in [("simcse_batch-size=4-seed42", 4), ("mixcse_batch-size=8-seed43", 8)] {
      let run = try JSONSerialization.jsonObject(with: world.data("vary/runs/\(name)/run.json")) as? [String: Any]
      #expect((run?["run"] as? [String: Any])?["batch-size"] as? Int == batch)
    }
    // The dev scores before training are those that training itself found.
    let log = try world.metrics("vary/runs/simcse_batch-size=4-seed42").first.map { Data($0.utf8) }
    let first = try log.flatMap { try JSONSerialization.jsonObject(with: $0) as? [String: Any] }?["spearman"] as? Double
    #expect(isClose(try #require(first), metrics[0]["before"] as? Double ?? .nan, relative: 1e-9))
    for (flags, said) in [
      (["--vary", "batch-size=4"], "two values or more"), (["--decide-by", "STS99"], "a metric that is scored"),
      (["--metric", "mean(pairs.tsv)"], "two different sets"), (["--task-set", "full"], "SentEval's folder"),
      (["--table", "latex", "--json"], "one of the two"), (["--tune-seeds", "1"], "--tune"),
      (["--vary", "max-steps=4,8", "--budget"], "runs of the same steps"),
      (["--pooler", "cls", "--pooler=avg"], "--pooler: expected one value, found cls and avg; --vary pooler=cls,avg"),
    ] {
      let refused = try compare("refused", ["simcse", "mixcse"], flags)
      #expect(refused.code == 64 && refused.errors.contains(said), "\(flags): \(refused.errors)")
    }
  }

  /// The rate of each strategy is chosen by runs with other seeds, and the report says which.
  @Test func eachStrategyAtItsBest() throws {
    let tuned = ["--tune", "learning-rate=0,1e-3", "--seeds", "42,43", "--tune-seeds", "7", "--max-steps", "4"]
    let preview = try compare("tune", ["simcse", "mixcse"], tuned + ["--dry-run"])
    try #require(preview.code == 0, "\(preview.errors)")
    #expect(preview.output.contains("First, to choose values:\n4 runs") && !world.exists("tune"), "\(preview.output)")
    let result = try compare("tune", ["simcse", "mixcse"], tuned)
    try #require(result.code == 0, "\(result.errors)")
    let document = try #require(
      try JSONSerialization.jsonObject(with: world.data("tune/results.json")) as? [String: Any])
    let choices = try #require(document["tuning"] as? [[String: Any]])
    #expect(choices.map { $0["label"] as? String } == ["simcse", "mixcse"])
    for (index, choice) in choices.enumerated() {
      let candidates = try #require(choice["candidates"] as? [[String: Any]])
      let scores = candidates.compactMap { $0["dev"] as? Double }
      let chosen = try #require(choice["chosen"] as? Int)
      #expect(scores.count == 2 && scores[chosen] == scores.max())
      let name = ["simcse", "mixcse"][index]
      let run =
        try JSONSerialization.jsonObject(with: world.data("tune/runs/\(name)-seed42/run.json")) as? [String: Any]
      #expect((run?["run"] as? [String: Any])?["learning-rate"] as? Double == [0, 1e-3][chosen])
    }
    #expect(result.output.contains("Chosen for each strategy by the dev score"), "\(result.output)")
    let overlap = try compare("tune", ["simcse"], tuned + ["--tune-seeds", "42"])
    #expect(
      overlap.code == 64 && overlap.errors.contains("seeds that the comparison does not use"), "\(overlap.errors)")
  }

  /// Without learning, logits differ by the temperature alone: batches, their order and dropout are the same.
  @Test func batchesAndDropoutAreTheSame() throws {
    let result = try compare(
      "still", ["infonce", "infonce:temperature=0.1"], ["--learning-rate", "0", "--seeds", "42", "--jobs", "2"])
    try #require(result.code == 0, "\(result.errors)")
    let logits = try ["infonce-seed42", "infonce_temperature=0.1-seed42"].map { name in
      try world.metrics("still/runs/" + name).compactMap {
        (try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["positiveLogit"] as? Double
      }
    }
    #expect(logits[0].count == 16 && logits[1].count == 16 && Set(logits[0]).count == 16)
    for (a, b) in zip(logits[0], logits[1]) { #expect(isClose(a, 2 * b, relative: 1e-5), "\(a), \(b)") }
  }

  /// Where gold scores are the untrained model's own cosines, and the rate ruins every model, what does not learn wins,
  /// and the other is given up at the first rung.
  @Test func aClearLoserIsGivenUp() throws {
    let scored = try shell([
      Resources.command, "evaluate", "--model", world.path("model"), "--pooler", "avg", "--pairs",
      world.path("pairs.tsv"), "--pair-scores", world.path("scores.json"),
    ])
    try #require(scored.code == 0, "\(scored.errors)")
    let document = try JSONSerialization.jsonObject(with: world.data("scores.json")) as? [String: Any]
    let cosines = try #require((document?["sets"] as? [[String: Any]])?.first?["cosine"] as? [Double])
    let lines = try String(decoding: world.data("pairs.tsv"), as: UTF8.self).split(separator: "\n")
    let pairs = zip(lines, cosines).map { line, cosine in
      line.split(separator: "\t").dropLast().joined(separator: "\t") + "\t\(2.5 + 2.5 * cosine)\n"
    }
    try world.write("own.tsv", pairs.joined())
    let flags = [
      "--eval-data", world.path("own.tsv"), "--pooler", "avg", "--learning-rate", "0.3", "--seeds", "42,43,44",
    ]
    let result = try compare("budget", ["still=0*infonce", "simcse"], flags + ["--budget"])
    try #require(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("simcse: given up after step 4: dev "), "\(result.errors)")
    #expect(!world.exists("budget/runs/simcse-seed42/model.safetensors"))
    let results = try #require(
      try JSONSerialization.jsonObject(with: world.data("budget/results.json")) as? [String: Any])
    let outcomes = try #require(results["runs"] as? [[String: Any]]).map { $0["outcome"] as? String }
    #expect(outcomes == ["finished", "finished", "finished", "dropped", "dropped", "dropped"])
    try #require(try compare("free", ["still=0*infonce"], flags).code == 0)
    for seed in ["42", "43"] { try expectSame("budget/runs/still-seed" + seed, "free/runs/still-seed" + seed) }
  }

  /// One rule for both: the best dev score of training is the score of the verdict, also where a kept head of another
  /// pooler than cls stands behind the vectors.
  @Test(arguments: [
    ["--pooler", "avg", "--head", "mlp"], ["--pooler", "avg", "--head", "mlp", "--eval-pooler", "avg"],
    ["--pooler", "avg", "--head", "mlp", "--eval-pooler", "avg", "--before-head"], ["--pooler", "cls"],
  ])
  func theVerdictIsAboutWhatTheDevScoresWereAbout(flags: [String]) throws {
    let result = try compare("scored", ["simcse"], flags + ["--seeds", "42", "--learning-rate", "1e-2"])
    try #require(result.code == 0, "\(result.errors)")
    let results = try #require(
      try JSONSerialization.jsonObject(with: world.data("scored/results.json")) as? [String: Any])
    let run = try #require((results["runs"] as? [[String: Any]])?.first)
    let score = try #require((run["scores"] as? [String: Any])?["pairs.tsv"] as? Double)
    let log = try String(decoding: world.data("scored/runs/simcse-seed42/metrics.jsonl"), as: UTF8.self)
    // The evaluation before training is no candidate.
    let dev = try log.split(separator: "\n").compactMap { line -> Double? in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      guard object?["evaluation"] != nil, object?["step"] as? Int ?? 0 > 0 else { return nil }
      return object?["spearman"] as? Double
    }
    let best = try #require(dev.max())
    #expect(isClose(score, best, absolute: 1e-9), "dev \(dev), verdict \(score)")
  }

  /// Kills, interrupts and kills a comparison in one run after the other; false where a run was over before it was met.
  private func isStopped(_ output: String, _ strategies: [String]) throws -> Bool {
    let slow = try arguments(output, strategies)
    for (run, signal) in [("simcse-seed42", SIGKILL), ("mixcse-seed42", SIGINT), ("simcse-seed43", SIGKILL)] {
      let end = try world.run(slow, until: { _ in self.world.lines("\(output)/runs/" + run) >= 3 }, signal: signal)
      guard end.wasSignalled, end.code == 128 + signal else { return false }
    }
    return true
  }

  @Test func killedAndInterruptedRunsGoOn() throws {
    let strategies = ["simcse", "mixcse"]
    try #require(try compare("whole", strategies).code == 0)
    let killed = try #require(
      (1...CommandWorld.attempts).lazy.map { "killed-\($0)" }.first { (try? self.isStopped($0, strategies)) == true },
      "in \(CommandWorld.attempts) comparisons a moment was missed")
    let last = try shell(try arguments(killed, strategies))
    #expect(last.code == 0, "\(last.errors)")
    for run in ["simcse-seed42", "simcse-seed43", "mixcse-seed42", "mixcse-seed43"] {
      try expectSame("whole/runs/" + run, "\(killed)/runs/" + run)
    }
  }

  @Test func aFailingPluginCostsItsRow() throws {
    try world.write("broken", "")
    let strategies = [
      "simcse", "bad=infonce+fails:from=3,file=\"\(world.path("broken"))\"", "crash=infonce+crashes:from=5", "mixcse",
    ]
    let result = try compare("rows", strategies, ["--seeds", "42", "--jobs", "3"])
    #expect(result.code == 69, "\(result.errors)")
    #expect(result.errors.contains("the file is there") && result.errors.contains("SIGSEGV"), "\(result.errors)")
    #expect(result.errors.contains("2 of 4 runs failed: bad seed 42, crash seed 42"), "\(result.errors)")
    #expect(world.exists("rows/runs/mixcse-seed42/model.safetensors"))
    try FileManager.default.removeItem(atPath: world.path("broken"))
    let again = try compare("rows", strategies, ["--seeds", "42"])
    #expect(again.code == 69 && again.errors.contains("1 of 4 runs failed: crash seed 42"), "\(again.errors)")
    #expect(world.exists("rows/runs/bad-seed42/model.safetensors"))
  }

  @Test func aPluginThatCrashesWhenLoadedCostsItsRow() throws {
    let library = world.path("libloads.so")
    let built = try shell([
      "cc", "-O2", "-shared", "-fPIC", "-DAT_LOADING", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      Resources.fixture("training/crashes.c"), "-o", library,
    ])
    try #require(built.code == 0, "\(built.errors)")
    let result = try compare("loads", ["simcse", "bad=infonce+\(library):crashes"], ["--seeds", "42"])
    #expect(result.code == 69 && result.errors.contains("bad seed 42: failed: loading its plugin"), "\(result.errors)")
    #expect(world.exists("loads/runs/simcse-seed42/model.safetensors"))
  }

  @Test func planFiles() throws {
    let output = world.path("planned")
    let lines =
      ["strategies = [\"simcse\", \"mixcse:lambda=0.1|0.3\"]", "output-dir = \"\(output)\"", "seeds = [7]"]
      + stride(from: 0, to: try flags().count - 2, by: 2).map { index in
        (try? flags()).map { "\($0[index].dropFirst(2)) = \"\($0[index + 1])\"" } ?? ""
      }
    try world.write("plan.toml", lines.joined(separator: "\n") + "\n")
    let result = try shell([
      Resources.command, "compare", "--from", world.path("plan.toml"), "--max-steps", "4", "--jobs=3",
    ])
    try #require(result.code == 0, "\(result.errors)")
    #expect(
      Set(world.names("planned/runs")) == ["simcse-seed7", "mixcse_lambda=0.1-seed7", "mixcse_lambda=0.3-seed7"])
    #expect(try world.metrics("planned/runs/simcse-seed7").count == 6)

    for (text, said) in [
      ("batch-sze = 8\n", "batch-sze"), ("batch-size = \"many\"\n", "batch-size"), ("mlm-weight = 1.0\n", "mlm-weight"),
    ] {
      try world.write("bad.toml", text)
      let bad = try shell([Resources.command, "compare", "simcse", "--from", world.path("bad.toml")])
      #expect(bad.code == 65 && bad.errors.contains("bad.toml: \(said): "), "\(bad.errors)")
    }
    let missing = try shell([Resources.command, "compare", "--from", world.path("none.toml")])
    #expect(missing.code == 66 && missing.errors.contains("none.toml"), "\(missing.errors)")
  }

  @Test func wrongUsageIsSaidBeforeAnyRun() throws {
    let cases: [(strategies: [String], more: [String], code: Int32, said: String)] = [
      ([], [], 64, "expected strategies"), (["simcse"], ["--seeds", "1,x"], 64, "--seeds"),
      (["simcse"], ["--seeds", "1,1"], 64, "twice"), (["simcse"], ["--jobs", "0"], 64, "--jobs"),
      (["simcse"], ["--looks", "0"], 64, "--looks"), (["simcse"], ["--detect", "-1"], 64, "--detect"),
      (["simcse"], ["--dry-run", "--json"], 64, "--dry-run --json"),
      (["mixse"], [], 69, "mixcse"), (["mixcse:lambd=1"], [], 64, "lambda"),
      (["mixcse:lambda=0.1|"], [], 64, "column"), (["simcse"], ["--test-data", "none.tsv"], 66, "none.tsv"),
      (["simcse"], ["--batch-size", "0"], 64, "--batch-size"),
    ]
    for (strategies, more, code, said) in cases {
      let result = try compare("wrong", strategies, more)
      #expect(
        result.code == code && result.errors.contains(said), "\(strategies) \(more): \(result.code) \(result.errors)")
    }
    #expect(!world.exists("wrong/runs"))
  }

  @Test func stopAfterStopsWithACheckpoint() throws {
    let stopped = try world.train("stopped", ["--stop-after", "10"])
    #expect(stopped.code == 75 && stopped.errors.contains("stopped after step 10"), "\(stopped.errors)")
    #expect(world.names("stopped/checkpoints").contains("step-00000010.ckpt"))
    #expect(try world.train("stopped", ["--resume"]).code == 0)
    #expect(try world.train("straight").code == 0)
    try expectSame("stopped", "straight")
  }

  /// Spearman of the pairs in the file, computed here, is the figure that is printed.
  @Test func pairScoresAreThoseOfTheFigure() throws {
    let result = try shell([
      Resources.command, "evaluate", "--model", world.path("model"), "--pooler", "avg", "--pairs",
      world.path("pairs.tsv"), "--json", "--pair-scores", world.path("scores.json"),
    ])
    try #require(result.code == 0, "\(result.errors)")
    let document = try JSONSerialization.jsonObject(with: world.data("scores.json")) as? [String: Any]
    let set = try #require((document?["sets"] as? [[String: Any]])?.first)
    let gold = try #require(set["gold"] as? [Double]), cosine = try #require(set["cosine"] as? [Double])
    #expect(gold.count == 40 && set["name"] as? String == world.path("pairs.tsv"))
    let printed = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    let figure = ((printed?["pairs"] as? [String: Any])?[world.path("pairs.tsv")] as? [String: Any])?["spearman"]
    let expected = try #require(figure as? Double)
    #expect(isClose(100 * correlation(ranks(gold), ranks(cosine)), expected, absolute: 1e-9))
  }

  private func ranks(_ values: [Double]) -> [Double] {
    values.map { value in
      Double(values.count { $0 < value }) + Double(values.count { $0 == value } + 1) / 2
    }
  }

  private func correlation(_ a: [Double], _ b: [Double]) -> Double {
    let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
    func product(_ x: [Double], _ mx: Double, _ y: [Double], _ my: Double) -> Double {
      zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
    }
    return product(a, meanA, b, meanB) / (product(a, meanA, a, meanA) * product(b, meanB, b, meanB)).squareRoot()
  }
}
