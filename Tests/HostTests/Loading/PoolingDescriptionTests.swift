// What poolers say of themselves (the extension cse.pooling/1), as the host reads it: from our own poolers, and from
// those of a third party, some of them wrong.

import Host
import Kernels
import TestSupport
import Testing

@Suite("poolers that describe themselves") struct PoolingDescriptionTests {
  let bench: PluginBench
  private let limits = PluginLimits(
    maxRows: 4, width: 6, maxTokens: 8, maxSequences: 4, layerCount: 5, viewCount: 1)

  init() throws { bench = try PluginBench() }

  private func component(_ name: String) throws -> PluginComponent {
    try bench.registry([bench.folder, Resources.pluginDirectory]).component(.pooler, name)
  }

  private func instance(_ name: String, _ settings: [(String, String)] = []) throws -> PluginInstance {
    let component = try component(name)
    let instance = try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: settings), name: name,
      services: HostServices(pool: ThreadPool(threads: 1), logger: silentLogger()), seed: 1)
    try instance.prepare(limits)
    return instance
  }

  @Test(arguments: [
    ("cls", PoolingDescription.Tokens.first, true), ("avg", .mean, false), ("avg_top2", .mean, false),
    ("avg_first_last", .mean, false), ("max", .max, false), ("weighted", .mean, false),
  ])
  func ours(name: String, tokens: PoolingDescription.Tokens, wantsHead: Bool) throws {
    let pooling = try #require(try component(name).pooling)
    #expect(pooling.tokens == tokens && pooling.wantsHead == wantsHead)
  }

  /// What the extension has no words for says nothing, rather than something near.
  @Test(arguments: ["last", "sqrt_len", "ramp", "attention", "concat"])
  func oursThatNoWordsFit(name: String) throws {
    #expect(try component(name).pooling == nil)
  }

  @Test(
    arguments: [
      ("cls", [], [0, 0, 0, 0, 1]), ("avg_top2", [], [0, 0, 0, 0.5, 0.5]), ("avg_first_last", [], [0.5, 0, 0, 0, 0.5]),
      ("avg_first_last", [("first", "layer1")], [0, 0.5, 0, 0, 0.5]), ("weighted", [], [0.2, 0.2, 0.2, 0.2, 0.2]),
      ("weighted", [("first", "3")], [0, 0, 0, 0.5, 0.5]),
    ] as [(String, [(String, String)], [Float])])
  func weightsOfLayers(name: String, settings: [(String, String)], expected: [Float]) throws {
    let weights = try #require(try instance(name, settings).layerWeights())
    #expect(zip(weights, expected).allSatisfy { abs($0 - $1) < 1e-6 } && weights.count == 5, "\(weights)")
  }

  @Test func learnedWeightsAreThoseOfNow() throws {
    let instance = try instance("weighted", [("first", "3")])
    let weight = instance.weights[0]
    (weight.value[0], weight.value[1]) = (0, 1)
    let weights = try #require(try instance.layerWeights())
    #expect(abs(weights[4] - 0.7310586) < 1e-6 && abs(weights[3] + weights[4] - 1) < 1e-6, "\(weights)")
  }

  @Test func aThirdParty() throws {
    try bench.build("pooling.c", as: "libpooling.so")
    #expect(try component("my_mean").pooling?.tokens == .mean && component("my_plain").pooling == nil)
    #expect(try component("my_head").pooling?.wantsHead == true)
    #expect(try instance("my_mean").layerWeights() == [0, 0, 0, 0, 1] && instance("my_plain").layerWeights() == nil)
    #expect(try instance("my_mixture").layerWeights() == [0, 0, 0, 0.5, 0.5])
    let negative = try instance("my_negative")
    #expect(message { _ = try negative.layerWeights() }.contains("the sum -1.0, expected one above 0"))
  }

  @Test func whatANewerHeaderSaysIsLeftOutWithANote() throws {
    try bench.build("pooling.c", as: "libpooling.so")
    let registry = try bench.registry()
    #expect(try registry.component(.pooler, "my_newer").pooling == nil)
    #expect(registry.libraries.flatMap(\.notes).contains { $0.contains("'my_newer'") && $0.contains("tokens 9") })
  }

  @Test func aFunctionThatPointsNowhereRefusesTheLibrary() throws {
    try bench.build("pooling.c", as: "libwild.so", ["WILD"])
    let registry = try bench.registry()
    #expect(registry.libraries.isEmpty)
    let refusals = registry.refusals.map { "\($0.reason)" }
    #expect(refusals.contains { $0.contains("my_mean: cse.pooling/1.layer_weights") }, "\(refusals)")
  }
}
