// The description of a run: written and read back, what a file may hold, ranges, and what of an earlier run is lost.

import Files
import TestSupport
import Testing
import Training

@Suite struct RunDescriptionTests {
  private func read(_ text: String, path: String = "run.toml") throws -> RunDescription {
    try RunDescription(DescriptionFile(path: path, text: text))
  }

  /// A description with another value under every name.
  private func changed() -> RunDescription {
    var run = RunDescription()
    (run.model, run.outputFolder, run.threads) = ("bert", "out", 3)
    run.strategy.method = "mixcse:lambda=0.3"
    (run.strategy.samplers, run.strategy.losses) = (["queue:size=40"], ["0.5*infonce"])
    (run.strategy.metrics, run.strategy.settings) = (["./m.so"], ["mixcse.lambda=0.4"])
    (run.strategy.schedules, run.strategy.shadows) = (["learning-rate=linear(0,1)"], ["ours=simcse"])
    run.strategy.changes = ["5:mixcse:lambda=0.3"]
    (run.strategy.temperature, run.strategy.learnsTemperature, run.strategy.hardNegativeWeight) = (0.07, true, 1.5)
    run.strategy.dimensions = "384,128:1,0.5"
    (run.strategy.augmenters, run.strategy.guides) = (["repeat:rate=0.2"], ["teacher:avg"])
    (run.pooling.pooler, run.pooling.head, run.pooling.headTrainOnly) = ("avg", "mlp", true)
    run.pooling.evaluationPooler = "max"
    (run.training.trainFile, run.training.evalData) = ("a.txt", "sts.tsv")
    run.training.columns = "anchor=q,positive=2"
    (run.training.evalSteps, run.training.saveSteps, run.training.batchSize) = (7, 9, 12)
    (run.training.learningRate, run.training.maximumLength, run.training.epochs) = (0.1, 16, 2.5)
    (run.training.maximumSteps, run.training.seed, run.training.dropout) = (100, .max, 0.2)
    (run.training.keepsOrder, run.training.gradientAccumulation, run.training.weightDecay) = (true, 2, 0.01)
    (run.training.chunkSize, run.training.shards) = (3, 4)
    (run.training.warmupSteps, run.training.maximumGradientNorm, run.training.trainsMaskedLanguage) = (5, 0, true)
    (run.training.maskedLanguageWeight, run.training.maskedLanguageProbability) = (0.3, 0.2)
    (run.training.isFrozen, run.training.keepsCheckpoints, run.training.patience) = (true, true, 4)
    (run.plugins.paths, run.plugins.renamed, run.plugins.allowsInsecure) = (["p", "q"], ["a=b.so"], true)
    (run.encoder.name, run.encoder.device, run.encoder.precision) = ("torch", "cuda:1", "bf16")
    (run.plugins.isolate, run.plugins.deadline, run.plugins.memory) = ("x,y", 1.5, 64)
    return run
  }

  /// A name that is missing in the table would come back with its default.
  @Test func everyValueComesBack() throws {
    let run = changed()
    for (name, value) in zip(RunDescription.fields.map(\.name), RunDescription.fields.map { $0.json(run) }) {
      let usual = RunDescription.fields.first { $0.name == name }?.json(RunDescription())
      #expect(value != usual, "\(name) is not changed by this test")
    }
    #expect(try read(run.json.text(), path: "run.json") == run)
    #expect(try read(RunDescription().json.text(), path: "run.json") == RunDescription())
    #expect(Set(RunDescription.fields.map(\.name)).count == RunDescription.fields.count)
  }

  @Test func tomlWithDefaults() throws {
    let run = try read(
      """
      model = "m"  # a folder
      sampler = ['queue:size=4']
      seed = 7
      no-shuffle = true
      learning-rate = 1e-3
      """)
    #expect(run.model == "m" && run.strategy.samplers == ["queue:size=4"] && run.training.seed == 7)
    #expect(run.training.keepsOrder && run.training.learningRate == 1e-3 && run.training.batchSize == 64)
  }

  @Test(arguments: [
    ("batch-sze = 1", "batch-sze", "batch-size"), ("batch-size = \"many\"", "batch-size", "a whole number"),
    ("batch-size = 0", "batch-size", "from 1 to 65536"), ("seed = -1", "seed", "2^64"),
    ("head = \"mpl\"", "head", "mlp or none"), ("temperature = 0", "temperature", "above 0"),
    ("no-shuffle = 1", "no-shuffle", "true or false"), ("strategies = [\"a\"]", "strategies", "compare"),
    ("resume = true", "resume", "type it"), ("sampler = [1]", "sampler", "a list of strings"),
  ])
  func badFiles(_ text: String, _ key: String, _ problem: String) {
    #expect {
      _ = try read(text)
    } throws: { error in
      "\(error)".hasPrefix("run.toml: \(key): ") && "\(error)".contains(problem)
    }
  }

  @Test func recordsOfEarlierVersionsAreNamed() {
    #expect {
      _ = try read("{\"finished\": true, \"totalSteps\": 3, \"flags\": {}}", path: "old/run.json")
    } throws: { error in
      "\(error)".contains("old/run.json") && "\(error)".contains("earlier version")
    }
  }

  @Test func valuesThatNeedEachOther() throws {
    var run = RunDescription()
    run.training.maskedLanguageWeight = 0.5
    #expect(throws: TrainingError.self) { try run.check() }
    run.training.trainsMaskedLanguage = true
    try run.check()
    #expect(throws: TrainingError.self) { try run.check(maximumTokens: 16) }
  }

  /// Paths, threads and spellings decide nothing; numbers do.
  @Test func whatDecides() {
    var other = RunDescription()
    (other.model, other.threads, other.outputFolder, other.training.saveSteps) = ("elsewhere", 7, "x", 3)
    #expect(RunIdentity(other.deciding) == RunIdentity(RunDescription().deciding))
    other.training.dropout = 0.3
    #expect(RunIdentity(other.deciding) != RunIdentity(RunDescription().deciding))
  }

  @Test(arguments: ["anchor", "positive=1", "anchor=0", "score=1", "anchor=1,anchor=2"])
  func columnsAreChecked(_ columns: String) throws {
    let inFile = #expect(throws: TrainingError.self) { _ = try read("columns = \"\(columns)\"\n") }
    #expect(inFile?.exitCode == 65 && inFile?.description.contains("columns: expected") == true)
    var run = RunDescription()
    run.training.columns = columns
    let typed = #expect(throws: TrainingError.self) { try run.check() }
    #expect(typed?.exitCode == 64 && typed?.description.hasPrefix("--columns: expected") == true)
  }

  @Test func aByteOrderMarkIsDropped() throws {
    let scratch = try Scratch()
    for (name, text) in [("run.toml", "model = 'm'\n"), ("run.json", "{\"model\": \"m\"}")] {
      let path = try scratch.file(name, "\u{FEFF}" + text)
      #expect(try RunDescription(DescriptionFile(path: path)).model == "m")
    }
  }
}
