// Naming a strategy: flags, recipes, settings, comparisons, and the messages for what cannot be meant.

import Host
import TestSupport
import Testing

@Suite struct StrategyTests {
  private let bench: PluginBench
  private let registry: PluginRegistry

  init() throws {
    bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    registry = try bench.registry()
  }

  private func text(_ request: StrategyRequest) throws -> String { try request.resolve(with: registry).strategy.text }

  @Test func flagsNameComponents() throws {
    let request = StrategyRequest(
      samplers: ["blend:lambda=0.5,mask=exclude", "blend"], losses: ["0.5*score:temperature=0.1", "score"],
      pooler: "first_token")
    let resolved = try request.resolve(with: registry)
    #expect(
      resolved.strategy.text
        == "sampler:blend:lambda=0.5,mask=exclude sampler:blend loss:0.5*score:temperature=0.1 loss:score")
    #expect(resolved.strategy.losses.map(\.weight) == [0.5, 1])
    #expect(resolved.pooler?.text == "first_token")
    #expect(resolved.strategy.expansions.isEmpty)
    #expect(try StrategySpec(parsing: resolved.strategy.text).text == resolved.strategy.text)
  }

  @Test func methodsExpandAndGiveTheirParametersToWhoDeclaresThem() throws {
    let resolved = try StrategyRequest(method: "blended:temperature=0.2,lambda=0.9,mask=exclude").resolve(
      with: registry)
    #expect(resolved.strategy.text == "sampler:blend:lambda=0.9,mask=exclude loss:score:temperature=0.2")
    #expect(
      resolved.strategy.expansions == ["blended = sampler:blend:lambda=0.9,mask=exclude loss:score:temperature=0.2"])
    #expect(try text(StrategyRequest(method: "blended")) == "sampler:blend:lambda=0.3 loss:score")
    #expect(
      message { _ = try text(StrategyRequest(method: "blended:count=2")) }
        == "several components of blended have a parameter 'count'; write --set blend.count=2 or --set score.count=2")
    #expect(
      message { _ = try text(StrategyRequest(method: "blended:lamda=2")) }
        .hasPrefix("blended has no parameter 'lamda'; did you mean 'lambda'? (it has lambda, count, mask"))
    #expect(
      message { _ = try text(StrategyRequest(method: "blend")) }.hasPrefix("no method is called 'blend'; did you mean"))
    #expect(exitCode { _ = try text(StrategyRequest(method: "blendde")) } == 69)
  }

  @Test func aLossFlagMayNameAMethod() throws {
    let resolved = try StrategyRequest(losses: ["0.5*blended:lambda=0.1"]).resolve(with: registry)
    #expect(resolved.strategy.text == "sampler:blend:lambda=0.1 loss:0.5*score")
    #expect(resolved.strategy.expansions.count == 1)
    #expect(
      message { _ = try text(StrategyRequest(losses: ["blend"])) }.contains("but there is a sampler of that name"))
  }

  @Test func setChangesOneComponent() throws {
    let base = StrategyRequest(samplers: ["blend:lambda=0.1"], losses: ["score"], pooler: "first_token")
    func with(_ settings: String...) throws -> String {
      var request = base
      request.settings = settings
      return try text(request)
    }
    #expect(try with("blend.lambda=0.7", "score.count=9") == "sampler:blend:lambda=0.7 loss:score:count=9")
    #expect(try with("org.example.good.blend.count=4") == "sampler:blend:lambda=0.1,count=4 loss:score")
    #expect(try with("blend.note=a, b: c=d") == "sampler:blend:lambda=0.1,note=\"a, b: c=d\" loss:score")
    #expect(
      message { _ = try with("blnd.lambda=1") }
        == "--set blnd.lambda=1: this run has no component 'blnd'; did you mean 'blend'?"
        + " (it has first_token, blend, score)"
    )
    let said = "'lambda=1', column 1: expected COMPONENT.param=value, such as mixcse.lambda=0.2"
    #expect(message { _ = try with("lambda=1") } == said)
    #expect(message { _ = try with("blend.lambda=7") } == "blend.lambda: expected a number in [0, 1], found '7'")
    #expect(
      message { _ = try with("blend.lamda=1") }.hasPrefix("blend has no parameter 'lamda'; did you mean 'lambda'?"))
  }

  @Test func theSameComponentTwiceIsNumbered() throws {
    var request = StrategyRequest(samplers: ["blend", "blend"], losses: ["score"], settings: ["blend#2.lambda=0.4"])
    #expect(try text(request) == "sampler:blend sampler:blend:lambda=0.4 loss:score")
    request.settings = ["blend.lambda=0.4"]
    let said = message { _ = try text(request) }
    #expect(said.contains("--set blend#1.param=value") && said.contains("--set blend#2.param=value"))
    #expect(exitCode { _ = try text(request) } == 64)
  }

  /// One rule names instances, for `--set`, schedules and the run itself.
  @Test func instancesAreNamedAsInTheRun() throws {
    var request = StrategyRequest(
      samplers: ["blend:lambda=linear(0,0.5)", "blend:lambda=cosine(1,0)"], losses: ["score"], pooler: "first_token")
    let strategy = try request.resolve(with: registry, schedulable: true).strategy
    #expect((strategy.samplers + strategy.losses).map(\.name) == ["blend", "blend#2", "score"])
    #expect(strategy.schedules == ["blend.lambda=linear(0,0.5)", "blend#2.lambda=cosine(1,0)"])
    request = StrategyRequest(samplers: ["blend", "blend"], losses: ["score"], settings: ["blend#1.lambda=0.4"])
    #expect(try text(request) == "sampler:blend:lambda=0.4 sampler:blend loss:score")
    request.settings = ["blend#3.lambda=0.4"]
    #expect(message { _ = try text(request) }.hasSuffix("(it has blend, blend#2, score)"))
    request = StrategyRequest(samplers: ["blend"], losses: ["score"], settings: ["blend#1.lambda=0.4"])
    #expect(try text(request) == "sampler:blend:lambda=0.4 loss:score")
  }

  /// What was looked up holds all that an instance is made of; nothing is read from text again.
  @Test func aStrategyHoldsComponentsAndCheckedValues() throws {
    let strategy = try StrategyRequest(
      method: "blended:temperature=0.2", settings: ["blend.mask=exclude"]
    ).resolve(with: registry).strategy
    let (sampler, loss) = (strategy.samplers[0], strategy.losses[0])
    #expect(try sampler.component === registry.component(.sampler, "blend"))
    #expect(sampler.parameters["mask"]?.description == "exclude" && sampler.parameters.isSet("mask"))
    #expect(loss.parameters["temperature"] == .float(0.2) && !loss.parameters.isSet("count"))
    let again = try StrategyRequest.resolve(strategy.spec, with: registry).strategy
    #expect(again.text == strategy.text && again.samplers[0].parameters == sampler.parameters)
    #expect(ParameterValues(loss.parameters).double("temperature") == 0.2)
  }

  @Test func librariesAreNamedByPaths() throws {
    let inner = try bench.makeFolder("c++ = x:y")
    try bench.build("good.c", as: "c++ = x:y/mine.so", ["ID=\"org.example.mine\"", "LAMBDA=\"0.8\""])
    let path = inner + "/mine.so"
    let request = StrategyRequest(samplers: ["\(path):blend:lambda=0.4"], losses: ["\(path):count=2", "score"])
    let resolved = try request.resolve(with: bench.registry())
    #expect(resolved.strategy.samplers[0].spec == ComponentSpec(name: path + ":blend", settings: [("lambda", "0.4")]))
    #expect(resolved.strategy.losses[0].spec == ComponentSpec(name: path, settings: [("count", "2")]))
    // The recipe of a library means the library's own components, even when others go by the same name.
    let method = try StrategyRequest(method: path + ":temperature=0.3").resolve(with: bench.registry())
    #expect(method.strategy.samplers[0].spec.name == path + ":blend")
    #expect(method.strategy.losses[0].spec.name == path + ":score")
  }

  @Test func comparisonsAreOneString() throws {
    func resolved(_ text: String) throws -> Strategy {
      try StrategyRequest.resolve(comparison: text, with: registry).strategy
    }
    #expect(try resolved("blended").text == "sampler:blend:lambda=0.3 loss:score")
    #expect(try resolved("score").text == "loss:score")
    #expect(try resolved("score+blend:lambda=1e-1+blend").text == "sampler:blend:lambda=1e-1 sampler:blend loss:score")
    #expect(
      try resolved("0.5*score+2*score:temperature=1e+0").text == "loss:0.5*score loss:2*score:temperature=\"1e+0\"")
    #expect(try resolved("ours=blended:lambda=0.6").label == "ours")
    #expect(try resolved("ours=blended:lambda=0.6").text == "sampler:blend:lambda=0.6 loss:score")
    #expect(try resolved("blended+blend").samplers.count == 2)
    #expect(try resolved("mine=\(bench.path("good.so"))").text.hasPrefix("sampler:"))
    #expect(message { _ = try resolved("blend") }.hasPrefix("the sampler 'blend' has no loss to be scored by"))
    #expect(message { _ = try resolved("score+2*blend") }.contains("only a loss has a weight, and this is a sampler"))
    #expect(message { _ = try resolved("score+") } == "'score+', column 7: expected a name, found the end of the text")
  }

  @Test(arguments: [
    ("blend:", "'blend:', column 7: expected param=value, found the end of the text"),
    ("blend:lambda", "'blend:lambda', column 13: expected '=' and a value after 'lambda'"),
    ("blend:lambda=", "'blend:lambda=', column 14: 'lambda' has no value; write lambda=\"\" for an empty text"),
    ("blend:lambda=1,", "'blend:lambda=1,', column 16: expected param=value, found the end of the text"),
    ("blend:note=\"a", "'blend:note=\"a', column 14: the quoted value of 'note' has no closing '\"'"),
    (
      "blend=1",
      "'blend=1', column 6: unexpected '=' after the name 'blend'; parameters follow a colon: blend:param=value"
    ),
    ("2*blend", "'2*blend', column 1: only a loss has a weight"),
    ("", "'', column 1: expected a name, found the end of the text"),
    ("b lend", "'b lend', column 2: unexpected ' '"), ("-x", "no sampler is called '-x'"),
    ("b!", "'b!', column 1: 'b!' is neither a name nor a path to a library"),
    ("blend:lambda=1,lambda=2", "blend.lambda is given twice; leave one of them out"),
  ])
  func wrongTextsAreExplained(flag: String, expected: String) throws {
    let said = message { _ = try text(StrategyRequest(samplers: [flag], losses: ["score"])) }
    #expect(said.hasPrefix(expected), "said: \(said)")
  }

  @Test func somethingMustBeNamed() {
    #expect(message { _ = try text(StrategyRequest()) } == "no strategy is named; give --method NAME or --loss NAME")
    #expect(message { _ = try text(StrategyRequest(samplers: ["blend"])) }.hasPrefix("the sampler 'blend' has no loss"))
    #expect(
      message { _ = try text(StrategyRequest(losses: ["x*score"])) }.contains("unexpected '*' after the name 'x'"))
    #expect(exitCode { _ = try text(StrategyRequest()) } == 64)
  }

  @Test func poolersChain() throws {
    let spec = try PoolerSpec(parsing: "avg:layers=4+whiten:rate=1e+2")
    #expect(spec.chain.map(\.name) == ["avg", "whiten"] && spec.chain[1].settings[0] == ("rate", "1e+2"))
    #expect(spec.text == "avg:layers=4+whiten:rate=\"1e+2\"")
    #expect(try PoolerSpec(parsing: spec.text) == spec)
    let bare = try PoolerSpec(parsing: "cls_before_pooler")
    #expect(bare.chain.map(\.name) == ["cls"] && bare.skipsHead && bare.text == "cls_before_pooler")
  }
}
