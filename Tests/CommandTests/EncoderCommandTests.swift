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
    let pooler = more.contains("--pooler") ? [] : ["--pooler", "avg"]
    return try world.train(
      output, ["--encoder", library, "--device", device, "--max-steps", "20"] + pooler + more)
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

  /// Each batch but the first is read while the device computes the one before it, over the end of an epoch and into
  /// another strategy, and none that nobody trains on.
  @Test(arguments: [[], ["--gradient-accumulation", "3"], ["--then", "6:simcse", "--then", "12:shuffle+infonce"]])
  func readsTheNextRowsMeanwhile(_ flags: [String]) throws {
    func calls(_ output: String) throws -> (rows: Int, ahead: Int) {
      let profile = try #require(try object(output + "/run.json")["profile"] as? [String: Any])
      let groups = try #require(profile["groups"] as? [String: Any])
      let phases = try #require((groups["training"] as? [String: Any])?["phases"] as? [String: [String: Any]])
      func count(_ name: String) -> Int { phases[name]?["calls"] as? Int ?? 0 }
      return (count("rows and tokens"), count("next rows"))
    }
    let whole = try train("whole", flags)
    try #require(whole.code == 0, "\(whole.errors)")
    let all = try calls("whole")
    #expect(all.rows >= 20 && all.ahead == all.rows - 1)
    #expect(try train("stopped", flags + ["--stop-after", "9"]).code == 75)
    try #require(try train("stopped", flags + ["--resume"]).code == 0)
    let rest = try calls("stopped")
    #expect(rest.rows >= 11 && rest.ahead == rest.rows - 1)
    // 150 rows are 19 steps of 8, or 7 of 24.
    let last = try #require(try world.loggedNumbers("whole", "epoch").last)
    #expect(last >= 1)
    let own = try world.train("own", flags + ["--max-steps", "20", "--pooler", "avg"])
    try #require(own.code == 0, "\(own.errors)")
    #expect(try calls("own").ahead == 0)
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

  /// A small ModernBERT of the model folders' fixtures.
  private func writeModernBERT() throws {
    let file = URL(fileURLWithPath: Resources.fixture("models/modernbert.json"))
    let all = try #require(try JSONSerialization.jsonObject(with: try Data(contentsOf: file)) as? [String: Any])
    let files = try #require((all["cases"] as? [[String: Any]])?.first?["files"] as? [String: Any])
    for (name, content) in files {
      let path = URL(fileURLWithPath: world.path("modern/" + name))
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      let bytes = (content as? [String: String])?["base64"].flatMap { Data(base64Encoded: $0) }
      try (bytes ?? Data((content as? String ?? "").utf8)).write(to: path)
    }
  }

  @Test func aPluginFromBeforeModernBERTIsToBeBuiltAgain() throws {
    try writeModernBERT()
    let result = try train("refused", ["--model", world.path("modern")])
    #expect(result.code == 69)
    #expect(result.errors.contains("found those of modernbert"), "\(result.errors)")
    #expect(result.errors.contains("has to be built again"), "\(result.errors)")
  }

  @Test func saysWhatModernBERTIs() throws {
    try writeModernBERT()
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library, flags: ["-DFAMILIES=1<<CSE_MODERNBERT"])
    let result = try train("described", ["--model", world.path("modern")])
    #expect(result.code == 69)
    let said = "bases 160000 10000, layers gllg, reach 3, without 7, positions 0, dropout but 2"
    #expect(result.errors.contains("open: " + said), "\(result.errors)")
    // It says that it computes no others.
    let bert = try train("bert")
    #expect(bert.code == 69 && bert.errors.contains("found those of bert"), "\(bert.errors)")
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
    (["--augment", "dropout"], 64, "found a dropout of its own for each text (dropout)"),
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

  /// A pooler that computes the mean and does not say so, which gets the states of all tokens.
  private func silentMean() throws -> String {
    try world.write(
      "mean.c",
      """
      #include <cse_plugin.h>
      #include <string.h>
      static float *row(const DLTensor *t, int64_t i) { return (float *)t->data + i * t->strides[0]; }
      static cse_status pool(const cse_call *call, const cse_tokens *t, DLTensor *out) {
        (void)call;
        for (int64_t s = 0; s < t->n_seqs; s++) {
          float *o = row(out, s), n = (float)(t->offsets[s + 1] - t->offsets[s]);
          memset(o, 0, t->dim * sizeof *o);
          for (int64_t i = t->offsets[s]; i < t->offsets[s + 1]; i++)
            for (int64_t k = 0; k < t->dim; k++) o[k] += row(t->layers[0], i)[k] / n;
        }
        return CSE_OK;
      }
      static cse_status back(const cse_call *call, const cse_tokens *t, const DLTensor *out, const DLTensor *dout) {
        (void)call, (void)out;
        for (int64_t s = 0; s < t->n_seqs; s++) {
          float n = (float)(t->offsets[s + 1] - t->offsets[s]);
          for (int64_t i = t->offsets[s]; i < t->offsets[s + 1]; i++)
            for (int64_t k = 0; k < t->dim; k++) row(t->dlayers[0], i)[k] += row(dout, s)[k] / n;
        }
        return CSE_OK;
      }
      static const cse_component mean = {CSE_COMPONENT(CSE_POOLER), .name = "mean", .doc = "the mean",
                                         .pool = pool, .pool_backward = back};
      CSE_LIBRARY("org.example.mean", "1.0", "MIT", NULL, &mean)
      """)
    try buildPlugin(world.path("mean.c"), to: world.path("libmean.so"))
    return world.path("libmean.so")
  }

  @Test func meansCrossInPlaceOfTokens() throws {
    let all = ["--pooler", try silentMean(), "--head", "none"]
    for pooler in ["avg", "avg_first_last", "weighted", "avg+project"] {
      let means = try train("means", device: "rows", ["--pooler", pooler, "--overwrite"])
      #expect(means.code == 0, "\(pooler): \(means.errors)")
    }
    let tokens = try train("tokens", device: "rows", all)
    #expect(tokens.code == 69 && tokens.errors.contains("found other rows"), "\(tokens.errors)")
    // The same numbers, whatever crosses.
    for parts in [[], ["--chunk-size", "3"]] {
      let found = try ["avg": ["--pooler", "avg"], "mean": all].mapValues { pooler in
        let result = try train("numbers", pooler + parts + ["--overwrite"])
        try #require(result.code == 0, "\(result.errors)")
        return try losses("numbers")
      }
      let (x, y) = (try #require(found["avg"]), try #require(found["mean"]))
      #expect(x.count == 20 && Set(x).count == 20 && y.count == 20)
      #expect(zip(x, y).allSatisfy { isClose($0, $1, relative: 1e-5) }, "\(zip(x, y).map { $0 - $1 })")
    }
  }

  /// The encoder is only read, with the dropout of training, and exported as it was.
  @Test func trainsTheHeadOnItsEmbeddings() throws {
    let frozen = ["--frozen", "--head", "mlp", "--learning-rate", "1e-2"]
    let kept = try train("kept", device: "reads", frozen)
    #expect(kept.code == 69 && kept.errors.contains("only read"), "\(kept.errors)")
    let run = try train("run", frozen)
    try #require(run.code == 0, "\(run.errors)")
    #expect(run.errors.contains("frozen: embedded in"), "\(run.errors)")
    #expect(Set(try losses("run")).count == 20)
    let own = try world.train("own", frozen + ["--max-steps", "20", "--pooler", "avg"])
    try #require(own.code == 0, "\(own.errors)")
    #expect(try world.data("run/model.safetensors") == world.data("own/model.safetensors"))
    #expect(try losses("run") != losses("own"), "the plugin did not compute")
    let stopped = try train("stopped", frozen + ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    try #require(try train("stopped", frozen + ["--resume"]).code == 0)
    #expect(try world.metrics("stopped") == world.metrics("run"))
  }

  /// The average lives in a second encoder, and in the checkpoint.
  @Test(arguments: [["--sampler", "momentum"], ["--then", "6:momentum+queue:by=average+infonce"]])
  func hasMovingAverages(_ flags: [String]) throws {
    let whole = try train("whole", flags)
    try #require(whole.code == 0, "\(whole.errors)")
    let stopped = try train("stopped", flags + ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    let resumed = try train("stopped", flags + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data("stopped/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics("stopped") == world.metrics("whole"))
  }

  @Test func anAverageThatNeverMovesIsTheStart() throws {
    // With decay 0 the average is the encoder itself, with decay 1 the encoder before training.
    func run(_ decay: String) throws -> [Double] {
      let flags = ["--sampler", "momentum:decay=\(decay)", "--overwrite", "--learning-rate", "1e-2"]
      let result = try train("decay", flags)
      try #require(result.code == 0, "\(result.errors)")
      return try losses("decay")
    }
    let (still, half, same) = (try run("1"), try run("0.5"), try run("0"))
    #expect(still[0] == same[0] && still[0] == half[0], "all begin with the same weights")
    #expect(still[1] != same[1] && half[2] != same[2] && half[2] != still[2])
  }

  @Test func letsRebuiltPluginsIn() throws {
    let run = try WatchedRun(world)
    let first = try run.build()
    try run.replace(with: first)
    func flags(_ library: String) -> [String] {
      ["--encoder", self.library, "--device", "cpu", "--pooler", "avg", "--sampler", library + ":lambda=0.3"]
        + ["--loss", "infonce"]
    }
    try run.start(flags(run.library))
    try run.replace(with: run.build(["FAIL_IN_RUNS"]))
    let refused = try run.reload(after: 0)
    #expect((refused["reason"] as? String ?? "").contains("its first step failed"), "\(refused)")
    try run.replace(with: run.build(["SHIFT=0.5f"]))
    let accepted = try run.reload(after: 1)
    #expect(accepted["accepted"] as? Bool == true, "\(accepted)")
    let at = try #require(accepted["step"] as? Int)
    try run.stop()
    // What the failed step had put on the device is gone.
    try FileManager.default.copyItem(atPath: first, toPath: world.path("work/libcontrol.so"))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: world.path("work/libcontrol.so"))
    let steps = try WatchedRun.steps(world, "watched")
    let control = try WatchedRun.control(world, flags(world.path("work/libcontrol.so")), steps: at + 1)
    #expect(Array(steps.prefix(at)) == Array(control.prefix(at)))
    #expect(steps[at] != control[at], "the first step with the new build has other numbers")
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
