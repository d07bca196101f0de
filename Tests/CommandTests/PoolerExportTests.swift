// What is written for sentence-transformers comes from the poolers themselves: a third party's export as ours do, here
// and in processes of their own; one that does not describe itself is kept as text, and that is said.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct PoolerExportTests {
  let world: CommandWorld

  init() throws {
    world = try CommandWorld()
    let library = world.path("libpooling.so")
    try buildPlugin(Resources.fixture("plugins/pooling.c"), to: library)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.folder)
  }

  private func mine(_ name: String) -> String { world.path("libpooling.so") + ":" + name }

  @discardableResult
  private func train(_ output: String, _ pooler: String, _ more: [String] = []) throws -> ShellResult {
    let result = try world.train(output, ["--max-steps", "2", "--pooler", pooler] + more)
    try #require(result.code == 0, "\(result.errors)")
    return result
  }

  private func expectSameFiles(_ names: [String], _ a: String, _ b: String) throws {
    for name in names { #expect(try world.data(a + "/" + name) == world.data(b + "/" + name), "\(a), \(b): \(name)") }
  }

  @Test(arguments: [[], ["--isolate"]])
  func aThirdPartysMeanExportsAsOursDoes(flags: [String]) throws {
    try train("ours", "avg")
    try train("theirs", mine("my_mean"), flags)
    try expectSameFiles(
      ["modules.json", "1_Pooling/config.json", "sentence_bert_config.json", "config_sentence_transformers.json"],
      "ours",
      "theirs")
  }

  @Test(arguments: [[], ["--isolate"]])
  func aThirdPartysMixtureExportsItsLearnedShares(flags: [String]) throws {
    try train("ours", "avg_top2")
    try train("theirs", mine("my_mixture"), flags)
    try expectSameFiles(
      ["modules.json", "2_Pooling/config.json", "1_WeightedLayerPooling/config.json"], "ours", "theirs")
    let weights = try world.data("theirs/1_WeightedLayerPooling/model.safetensors")
    #expect(try weights != world.data("ours/1_WeightedLayerPooling/model.safetensors"), "nothing was learned")
  }

  @Test func aPoolerAsksForItsHead() throws {
    try train("head", mine("my_head"))
    #expect(world.exists("head/2_Dense/model.safetensors"))
    try train("none", mine("my_head"), ["--head", "none"])
    #expect(!world.exists("none/2_Dense") && world.exists("none/modules.json"))
  }

  @Test(arguments: [
    ("my_plain", "does not say what it computes (extension cse.pooling/1)"), ("my_negative", "expected one above 0"),
    ("my_newer", "does not say what it computes"),
  ])
  func whatIsNotDescribedIsKeptAsText(name: String, reason: String) throws {
    let said = try train("run", mine(name)).errors
    #expect(said.contains(reason) && said.contains("kept as text only"), "\(said)")
    #expect(!world.exists("run/modules.json"))
    let record = try JSONSerialization.jsonObject(with: world.data("run/mixcse.json")) as? [String: Any]
    #expect(record?["pooler"] as? String == mine(name))
  }

  /// Poolers of ours that sentence-transformers' modules cannot say, or the extension cannot: never another one's
  /// modules in their place, and read back as what they are, with what they learned.
  @Test(arguments: [("last", 1), ("sqrt_len", 1), ("attention", 1), ("concat:layers=-2/-1", 2)])
  func oursThatAreNotDescribedAreReadBack(pooler: String, widths: Int) throws {
    let said = try train("run", pooler, ["--keep-checkpoints"]).errors
    #expect(said.contains("does not say what it computes") && said.contains("kept as text only"), "\(said)")
    #expect(!world.exists("run/modules.json") && !world.exists("run/1_Pooling"))
    let record = try JSONSerialization.jsonObject(with: world.data("run/mixcse.json")) as? [String: Any]
    #expect(record?["pooler"] as? String == pooler)
    func encode(_ name: String, _ flags: [String]) throws -> Data {
      let result = try shell(
        [Resources.command, "encode", "--model", world.path("run"), "--input", world.path("train.txt")]
          + ["--output", world.path(name)] + flags)
      #expect(result.code == 0, "\(result.errors)")
      return try world.data(name)
    }
    let found = try encode("found.npy", [])
    #expect(found == (try encode("named.npy", ["--pooler", pooler])))
    let mean = try encode("mean.npy", ["--pooler", "avg"])
    #expect(found != mean)
    // Numbers behind a header of at most 128 bytes, and as many times wider.
    #expect(found.count / widths > mean.count - 256 && found.count / widths < mean.count + 256)
  }

  @Test func infoShowsIt() throws {
    let shown = try shell([Resources.command, "plugins", "info", "cls"])
    #expect(
      shown.output.contains("POOLING: first of the tokens in exported models; default head mlp"), "\(shown.output)")
    let json = try shell([Resources.command, "plugins", "info", mine("my_plain"), "--json"])
    #expect(json.code == 0 && !json.output.contains("\"pooling\""), "\(json.output)\(json.errors)")
  }
}
