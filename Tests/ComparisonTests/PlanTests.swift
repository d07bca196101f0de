// Strategies as texts, plan files with good and bad input, and the order of runs.

import Comparison
import Testing
import Training

@Suite struct PlanTests {
  private func request(_ path: String, _ text: String) throws -> ComparisonRequest {
    var request = ComparisonRequest()
    try request.read(DescriptionFile(path: path, text: text))
    return request
  }

  @Test func gridsAndLabels() throws {
    let strategies = try StrategyText.expand(
      ["simcse", "mixcse:lambda=0.1|0.2", "ours=./lib.so:a=1", "simcse", "simcse"])
    let labels = ["simcse", "mixcse:lambda=0.1", "mixcse:lambda=0.2", "ours", "simcse#2", "simcse#3"]
    #expect(strategies.map(\.label) == labels)
    #expect(strategies[3].text == "./lib.so:a=1")
    #expect(throws: (any Error).self) { try StrategyText.expand(["mixcse:lambda=0.1|"]) }
  }

  @Test func aLabelMayLookLikeANumberedOne() throws {
    let labels = try StrategyText.expand(["a#2=x", "a=x", "a=y"]).map(\.label)
    #expect(Set(labels).count == 3 && labels.first == "a#2")
  }

  @Test func tomlAndJSONSayTheSame() throws {
    let toml = """
      # a comparison
      strategies = ["simcse", 'mixcse:lambda=0.1|0.2',  # two
        "ours=./lib\\"x.so",
      ]
      seeds = [42, 43]
      learning-rate = 3e-5
      "max-steps" = 1_000
      no-shuffle = true
      mlm = false
      test-data = ["a.tsv", "b.tsv"]
      """
    let json = """
      {"strategies": ["simcse", "mixcse:lambda=0.1|0.2", "ours=./lib\\"x.so"], "seeds": [42, 43],
       "learning-rate": 3e-5, "max-steps": 1000, "no-shuffle": true, "mlm": false, "test-data": ["a.tsv", "b.tsv"]}
      """
    for (path, text) in [("plan.toml", toml), ("plan.json", json)] {
      let request = try request(path, text)
      #expect(request.strategies == ["simcse", "mixcse:lambda=0.1|0.2", "ours=./lib\"x.so"])
      #expect(request.seeds == [42, 43] && request.testData == ["a.tsv", "b.tsv"])
      let training = request.run.training
      #expect(training.learningRate == 3e-5 && training.maximumSteps == 1000 && training.keepsOrder)
      #expect(!training.trainsMaskedLanguage && request.planText == text)
      // All else is as without a file.
      var usual = RunDescription()
      (usual.training.maximumSteps, usual.training.keepsOrder) = (1000, true)
      #expect(request.run == usual)
    }
  }

  @Test(arguments: [
    ("seeds = 42\nmodel = x\n", "line 2", "in quotes"), ("[table]\n", "line 1", "table"),
    ("a = \"x\n", "line 1", "end of a string"), ("a = 1\n\na = 2", "line 3", "twice"),
    ("a = [1, 2\nb = 3", "line 2", "',' or ']'"), ("a.b = 1", "line 1", "dotted"),
    ("a = 1 b = 2", "line 1", "end of the line"),
    ("a = {x = 1}", "line 1", "inline table"), ("a = \"\\q\"", "line 1", "found \\q"),
    ("a = 1979-05-27", "line 1", "1979"),
    ("= 1", "line 1", "a key"), ("a", "line 1", "'='"), ("a = \"\"\"x\"\"\"", "line 1", "on one line"),
    ("from = \"x\"", "from", "cannot hold"),
  ])
  func badTOML(_ text: String, _ place: String, _ problem: String) {
    #expect {
      _ = try request("plan.toml", text)
    } throws: { error in
      let said = "\(error)"
      return said.hasPrefix("plan.toml: \(place): ") && said.contains(problem)
    }
  }

  @Test(arguments: [
    ("{\"a\": 1,\n \"b\" 2}", "line 2"), ("[1]", "an object"), ("{\"strategies\": \"simcse\"}", "a list of strings"),
    ("{\"model\": {\"b\": 1}}", "a string"), ("{\"batch-size\": [[1]]}", "a whole number"),
    ("{\"seeds\": [42, 42]}", "each once"), ("{\"batch-size\": 0}", "from 1 to 65536"),
    ("{\"--seeds\": 1}", "without dashes"), ("{\"batch-sze\": 1}", "batch-size"), ("{\"seed\": 1}", "seeds"),
    ("{\"method\": \"mixcse\"}", "strategies"), ("{\"run\": {}}", "mixcse train --from"),
  ])
  func badJSON(_ text: String, _ problem: String) {
    #expect {
      _ = try request("plan.json", text)
    } throws: { error in
      "\(error)".hasPrefix("plan.json: ") && "\(error)".contains(problem)
    }
  }

  @Test func theFirstSeedOfAllStrategiesComesFirst() {
    let runs: [(strategy: Int, seed: UInt64)] = [(0, 7), (0, 5), (1, 7), (1, 5), (2, 5)]
    #expect(RunOrder.seedsFirst(runs, seeds: [7, 5]) == [0, 2, 1, 3, 4])
  }
}
