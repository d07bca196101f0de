// `--encoder`: runs on an encoder plugin whose tensors live elsewhere, resumed, exported, and failing in every place
// where a device can. The plugin is a fixture in C; the one on libtorch is tested where torch is (Tests/Interop).

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct EncoderCommandTests {
  let world: CommandWorld
  let library: String

  init() throws {
    world = try CommandWorld()
    library = world.path("plugins/encoders/libbag.so")
    try FileManager.default.createDirectory(
      atPath: world.path("plugins/encoders"), withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o755])
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library)
  }

  private func train(_ output: String, device: String = "cpu", _ more: [String] = []) throws -> ShellResult {
    // A first token is the same in every sentence, and so is its state here.
    try world.train(
      output, ["--encoder", library, "--device", device, "--max-steps", "20", "--pooler", "avg"] + more)
  }

  /// Of steps; evaluations have lines of their own.
  private func losses(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "loss") }

  private func object(_ name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: world.data(name)) as? [String: Any])
  }

  @Test func trainsAndSaysOnWhat() throws {
    let result = try train("run")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("encoder bag: fixture 1 on a fixture, f32, dropout of its own"))
    #expect(result.errors.contains("encoder: peak device memory 3 MiB"))
    #expect(try losses("run").count == 20)
    let record = try object("run/run.json")
    let encoder = try #require(record["encoder"] as? [String: Any])
    #expect(encoder["id"] as? String == "org.example.bag.bag")
    #expect(encoder["deviceName"] as? String == "a fixture")
    let identity = try #require((record["identity"] as? [String: Any])?["encoder"] as? [String: Any])
    #expect(identity["precision"] as? String == "f32")
    #expect((identity["sha256"] as? String)?.count == 64)
    // What is exported is what the device learned: the program's own encoder reads it, and it is not the start.
    #expect(try world.data("run/model.safetensors") != world.data("model/model.safetensors"))
    let own = try world.train("own", ["--max-steps", "1", "--model", world.path("run")])
    #expect(own.code == 0, "\(own.errors)")
  }

  @Test func resumesBitForBit() throws {
    let whole = try train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    let stopped = try train("stopped", ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    let resumed = try train("stopped", ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(!resumed.errors.contains("another encoder"))
    #expect(try world.data("stopped/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics("stopped") == world.metrics("whole"))
  }

  @Test func partsOfABatchAreTheBatch() throws {
    // Of this device a state depends on the token's number in the whole batch, as dropout does.
    for (name, flags) in [("whole", []), ("parts", ["--chunk-size", "5"])] {
      let run = try train(name, device: "numbers", flags + ["--batch-size", "8"])
      try #require(run.code == 0, "\(run.errors)")
    }
    let (whole, parts) = (try losses("whole"), try losses("parts"))
    #expect(parts.count == 20 && parts[0] == whole[0] && Set(parts).count == 20)
    for (a, b) in zip(whole, parts) { #expect(isClose(a, b, relative: 1e-5), "\(b), not \(a)") }
  }

  @Test func goesOnWithAnotherAndSaysSo() throws {
    let stopped = try train("both", ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    let resumed = try world.train("both", ["--max-steps", "20", "--pooler", "avg", "--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(
      resumed.errors.contains(
        "going on with another encoder: org.example.bag.bag 1.0 cpu f32 up to step 9, native from here"))
    let identity = try #require(try object("both/run.json")["identity"] as? [String: Any])
    let before = try #require((identity["encoders before"] as? [[String: Any]])?.first)
    #expect(before["until step"] as? Int == 9)
  }

  @Test(arguments: [
    ("refused", 69, "encoder org.example.bag.bag, open: expected a device that is there, found refused"),
    ("shapes", 69, "expected a tensor embeddings.word_embeddings.weight of shape"),
    ("memory", 69, "encode: expected room for this batch, found none"),
    ("nan", 69, "the gradient of embeddings.position_embeddings.weight"),
  ]) func saysWhatFailed(_ device: String, _ code: Int32, _ text: String) throws {
    let result = try train("failed", device: device)
    #expect(result.code == code)
    #expect(result.errors.contains(text), "\(result.errors)")
  }

  @Test func refusesLayersThatAPluginDoesNotHave() throws {
    try FileManager.default.copyItem(atPath: world.path("model"), toPath: world.path("electra"))
    let config = String(decoding: try world.data("model/config.json"), as: UTF8.self)
      .replacingOccurrences(of: #""model_type": "bert""#, with: #""model_type": "electra", "embedding_size": 16"#)
    try config.write(toFile: world.path("electra/config.json"), atomically: true, encoding: .utf8)
    let result = try train("refused", ["--model", world.path("electra")])
    #expect(result.code == 69)
    #expect(result.errors.contains("open: expected BERT or RoBERTa, found family 3"), "\(result.errors)")
  }

  @Test func aLostDeviceLeavesTheLastCheckpoint() throws {
    let result = try train("lost", device: "lost", ["--save-steps", "3"])
    #expect(result.code == 69)
    #expect(result.errors.contains("encoder org.example.bag.bag, step: the device is gone"), "\(result.errors)")
    let resumed = try train("lost", ["--save-steps", "3", "--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("resuming after step 3"), "\(resumed.errors)")
    let whole = try train("unbroken", ["--save-steps", "3"])
    try #require(whole.code == 0, "\(whole.errors)")
    #expect(try world.data("lost/model.safetensors") == world.data("unbroken/model.safetensors"))
  }

  @Test(arguments: [
    (["--mlm"], 64, "--mlm: expected one of the two"), (["--frozen"], 64, "--frozen: expected one of the two"),
    (["--watch"], 64, "--watch: expected one of the two"),
    (["--sampler", "momentum"], 64, "for a moving average of it"),
    (["--augment", "dropout"], 64, "found a dropout of its own for each text (dropout)"),
    (["--then", "5:momentum+infonce"], 64, "--then 5:momentum+infonce: --encoder: expected this"),
    (["--then", "5:dropout+infonce"], 64, "found a dropout of its own for each text (dropout)"),
    (["--isolate=*"], 64, "which runs in this process"),
    (["--precision", "f16"], 64, "--precision: expected one of f32, tf32, bf16"),
  ]) func refusesByNameWhatItCannotDo(_ flags: [String], _ code: Int32, _ text: String) throws {
    let result = try train("refused", flags)
    #expect(result.code == code)
    #expect(result.errors.contains(text), "\(result.errors)")
    #expect(!world.exists("refused/metrics.jsonl"), "a step was done")
  }

  /// What the encoder learned goes on under another strategy, and the run is resumed there to the bit.
  @Test func trainsStrategiesOneAfterTheOther() throws {
    let then = ["--then", "6:simcse", "--then", "12:shuffle+mixcse+infonce"]
    let whole = try train("whole", then)
    try #require(whole.code == 0, "\(whole.errors)")
    #expect(whole.errors.contains("step 12: "), "\(whole.errors)")
    let stopped = try train("stopped", then + ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    let resumed = try train("stopped", then + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data("stopped/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics("stopped") == world.metrics("whole"))
  }

  /// A further encoding with the run's dropout is a pass with dropout that no backward follows.
  @Test func encodingsThatAreOnlyReadHaveDropout() throws {
    try world.write(
      "reads.c",
      """
      #include <cse_plugin.h>
      static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
        (void)call, (void)limits;
        plan->encodings[0] = (cse_encoding){.view = CSE_POSITIVE, .by = CSE_BY_ENCODER, .dropout = -1};
        plan->n_encodings = 1;
        return CSE_OK;
      }
      static cse_status sample(const cse_call *call, const cse_batch *batch, const cse_candidates *out) {
        (void)call, (void)batch, (void)out;
        return CSE_OK;
      }
      static const cse_component reads = {
          CSE_COMPONENT(CSE_SAMPLER), .name = "reads", .doc = "reads positives", .plan = plan, .sample = sample};
      CSE_LIBRARY("org.example.reads", "1.0", "MIT", NULL, &reads)
      """)
    try buildPlugin(world.path("reads.c"), to: world.path("libreads.so"))
    let sampler = ["--sampler", world.path("libreads.so") + ":reads"]
    let found = try train("found", device: "reads", sampler)
    #expect(found.code == 69 && found.errors.contains("found one"), "\(found.errors)")
    let without = try train("without", device: "reads", sampler + ["--dropout", "0"])
    #expect(without.code == 0, "\(without.errors)")
  }

  @Test func accumulatesGradients() throws {
    let result = try train("accumulated", ["--gradient-accumulation", "2", "--max-steps", "5"])
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test func isFoundByItsNameInEncoders() throws {
    let path = ["--plugin-path", world.path("plugins")]
    let list = try shell([Resources.command, "plugins", "list"] + path)
    #expect(list.output.contains("encoder") && list.output.contains("A word's vector plus a position's."))
    try world.write("lines.txt", "word1 word2\nword3\n")
    let encode = ["encode", "--model", world.path("model"), "--input", world.path("lines.txt"), "--json"]
    let named = try shell([Resources.command] + encode + path + ["--encoder", "bag", "--device", "cpu"])
    #expect(named.code == 0, "\(named.errors)")
    let own = try shell([Resources.command] + encode)
    #expect(own.code == 0 && own.output != named.output, "the plugin did not compute")
    let absent = try shell([Resources.command] + encode + path + ["--encoder", "torch"])
    #expect(absent.code == 69 && absent.errors.contains("mixcse encoder build torch"), "\(absent.errors)")
  }

  @Test func buildSaysWhatIsMissing() throws {
    func build(_ more: [String], _ environment: [String: String] = [:]) throws -> ShellResult {
      let place = ["--output", world.path("built"), "--sdk", Resources.packageRoot]
      return try shell([Resources.command, "encoder", "build", "torch"] + place + more, environment: environment)
    }
    let python = try build(["--python", world.path("absent")])
    #expect(python.code == 64 && python.errors.contains("expected a Python, found none"), "\(python.errors)")
    // A Python that knows no torch.
    try world.write("python", "#!/bin/sh\necho \"No module named 'torch'\" >&2\nexit 1\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("python"))
    let torch = try build(["--python", world.path("python")])
    #expect(torch.code == 64 && torch.errors.contains("No module named 'torch'"), "\(torch.errors)")
    #expect(torch.errors.contains(world.path("python") + " -m pip install torch"))
  }
}
