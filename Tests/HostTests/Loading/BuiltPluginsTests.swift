// The plugins this package builds, found and read as a user's would be.

import Host
import TestSupport
import Testing

@Suite struct BuiltPluginsTests {
  private func registry() throws -> PluginRegistry {
    try PluginRegistry(searchPath: PluginSearchPath(folders: [Resources.pluginDirectory]), logger: silentLogger())
  }

  @Test func allAreFoundWithoutComplaint() throws {
    let registry = try registry()
    let ids = registry.libraries.map(\.id)
    #expect(Set(["org.mixcse.mixcse", "org.mixcse.poolers", "org.mixcse.simcse"]).isSubset(of: ids))
    #expect(registry.refusals.isEmpty && registry.warnings.isEmpty)
  }

  @Test func offerWhatTheyAreNamedFor() throws {
    let registry = try registry()
    let poolers = [
      "cls", "avg", "avg_top2", "avg_first_last", "max", "weighted", "last", "sqrt_len", "attention", "concat",
      "ramp",
    ]
    for pooler in poolers {
      #expect(try registry.component(.pooler, pooler).library.id == "org.mixcse.poolers")
    }
    let sampler = try registry.component(.sampler, "mixcse")
    let values = try ParameterValues(for: sampler, settings: [])
    #expect(values.double("lambda") == 0.2)
    #expect(try registry.component(.loss, "infonce").parameters.contains { $0.name == "temperature" })
  }

  @Test func theirMethodsResolve() throws {
    let registry = try registry()
    #expect(try StrategyRequest(method: "simcse").resolve(with: registry).strategy.text == "loss:infonce")
    let mixed = try StrategyRequest(method: "mixcse:lambda=0.4,temperature=0.1", pooler: "cls_before_pooler")
      .resolve(with: registry)
    #expect(mixed.strategy.text == "sampler:mixcse:lambda=0.4 loss:infonce:temperature=0.1")
    #expect(mixed.pooler?.skipsHead == true)
    #expect(try StrategyRequest(losses: ["mixcse"]).resolve(with: registry).strategy.samplers.map(\.name) == ["mixcse"])
    let compared = try StrategyRequest.resolve(comparison: "infonce+mixcse:lambda=0.1", with: registry)
    #expect(compared.strategy.text == "sampler:mixcse:lambda=0.1 loss:infonce")
    for method in ["hncse-pm", "hncse-hnm", "queue", "cross-batch"] {
      let strategy = try StrategyRequest(method: method).resolve(with: registry).strategy
      #expect(strategy.text == "sampler:\(method) loss:infonce")
    }
  }

  @Test func aRemovedLibraryTakesAwayOnlyWhatItOffered() throws {
    let bench = try PluginBench()
    for name in ["libSimCSELoss.so", "libPoolers.so"] {
      _ = try bench.write(try loadedBytes(name), as: name)
    }
    let registry = try bench.registry()
    #expect(try registry.component(.loss, "infonce").name == "infonce")
    let said = message { _ = try StrategyRequest(method: "mixcse").resolve(with: registry) }
    #expect(said.hasPrefix("no method is called 'mixcse'; did you mean 'simcse'?"))
    #expect(said.contains(bench.folder))
  }

  private func loadedBytes(_ name: String) throws -> [UInt8] {
    let bench = try PluginBench()
    _ = try shell(["cp", Resources.pluginDirectory + "/" + name, bench.path(name)])
    return try bench.bytes(of: name)
  }
}
