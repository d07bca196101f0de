// `--encoder transformers`: the native encoder's losses, models that this program does not know, runs that are killed
// and go on, and what a process that fails costs.

import Foundation
import TestSupport
import Testing

@Suite(.serialized, .needs(.transformers)) struct TransformersCommandTests {
  private let world: CommandWorld

  init() throws { world = try CommandWorld() }

  private static let environment = ["MIXCSE_PYTHON": Resources.transformersPython ?? ""]
  private static let tiny = Resources.fixture("python/tiny_models.py")

  private func train(
    _ output: String, steps: Int = 20, pooler: String = "avg", _ more: [String] = [], own: Bool = false,
    environment: [String: String] = [:]
  ) throws -> ShellResult {
    try shell(
      try arguments(output, steps: steps, pooler: pooler, more, own: own),
      environment: Self.environment.merging(environment) { $1 })
  }

  private func arguments(
    _ output: String, steps: Int = 20, pooler: String = "avg", _ more: [String] = [], own: Bool = false
  ) throws -> [String] {
    let encoder = own ? [] : ["--encoder", "transformers", "--device", "cpu"]
    return try world.trainArguments(output, ["--max-steps", "\(steps)", "--pooler", pooler] + encoder + more)
  }

  /// Of steps; evaluations have lines of their own.
  private func losses(_ output: String) throws -> [Double] { try world.loggedNumbers(output, "loss") }

  private func python(_ arguments: [String]) throws -> ShellResult {
    try shell([Resources.transformersPython ?? "python3", Self.tiny] + arguments)
  }

  @Test func hasTheLossesOfTheNativeEncoder() throws {
    // First tokens are nearly alike at first, and AdamW makes steps of the rounding: after some the two have parted.
    let frozen = ["--frozen", "--head", "mlp"]
    let all: [(pooler: String, steps: Int, more: [String])] = [
      ("avg", 20, []), ("avg_first_last", 20, []), ("max", 20, []), ("cls", 3, []), ("avg", 20, frozen),
      ("avg", 20, ["--sampler", "momentum:decay=0.9"]), ("avg", 20, ["--chunk-size", "3"]),
      ("avg", 20, ["--mlm", "--mlm-weight", "0.5"]), ("avg", 20, ["--mlm", "--chunk-size", "3"]),
    ]
    for (pooler, steps, more) in all {
      let flags = ["--dropout", "0", "--overwrite", "--weight-decay", "0.1"] + more
      let other = try train("other", steps: steps, pooler: pooler, flags)
      try #require(other.code == 0, "\(other.errors)")
      #expect(other.errors.contains("encoder transformers: BertModel of transformers"), "\(other.errors)")
      let own = try train("own", steps: steps, pooler: pooler, flags, own: true)
      try #require(own.code == 0, "\(own.errors)")
      let (x, y) = (try losses("other"), try losses("own"))
      #expect(x.count == steps && y.count == steps && Set(x).count == steps)
      #expect(zip(x, y).allSatisfy { abs($0 - $1) < 1e-5 }, "\(pooler) \(more): \(zip(x, y).map { $0 - $1 })")
      guard more.contains("--mlm") else { continue }
      let (a, b) = (try world.loggedNumbers("other", "mlmLoss"), try world.loggedNumbers("own", "mlmLoss"))
      #expect(a.count == steps && b.count == steps && Set(a).count == steps)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }, "\(more): \(zip(a, b).map { $0 - $1 })")
    }
  }

  /// Parts of a batch have dropout of their own, the same when they are computed once more for their gradients.
  @Test func partsOfABatchAreTheSameEachTime() throws {
    for output in ["once", "again"] {
      let run = try train(output, steps: 5, ["--chunk-size", "3", "--dropout", "0.1"])
      try #require(run.code == 0, "\(run.errors)")
    }
    #expect(try world.data("once/model.safetensors") == world.data("again/model.safetensors"))
    #expect(Set(try losses("once")).count == 5)
  }

  @Test(arguments: ["deberta-v2", "roformer"]) func trainsWhatOnlyTransformersKnows(_ kind: String) throws {
    let (model, out) = (world.path("foreign"), world.path("out"))
    let made = try python(["write", kind, world.path("model/vocab.txt"), model])
    try #require(made.code == 0, "\(made.errors)")
    let own = try train("refused", ["--model", model], own: true)
    #expect(own.code == 65 && own.errors.contains("--encoder transformers"), "\(own.errors)")
    let trained = try train("out", steps: 4, ["--model", model, "--dropout", "0.1", "--mlm"])
    try #require(trained.code == 0, "\(trained.errors)")
    #expect(Set(try world.loggedNumbers("out", "mlmLoss")).count == 4)
    // And what it has learned is what evaluations see.
    try world.write("lines.txt", "word1 word2\nword3 word4 word5 word6\n")
    let encoded = try shell(
      [
        Resources.command, "encode", "--model", out, "--input", world.path("lines.txt"), "--output",
        world.path("lines.npy"), "--encoder", "transformers", "--device", "cpu",
      ], environment: Self.environment)
    try #require(encoded.code == 0, "\(encoded.errors)")
    let checked = try python(["check", model, out, world.path("lines.txt"), world.path("lines.npy")])
    #expect(checked.code == 0 && checked.output.contains("agrees"), "\(checked.errors)")
  }

  /// The comparison reads no such model itself, and knows the version that runs are known by before they begin.
  @Test func comparesOnWhatOnlyTransformersKnows() throws {
    let model = world.path("foreign")
    let made = try python(["write", "roformer", world.path("model/vocab.txt"), model])
    try #require(made.code == 0, "\(made.errors)")
    let compared = try shell(
      [
        Resources.command, "compare", "simcse", "--model", model, "--train-file", world.path("train.txt"),
        "--test-data", world.path("pairs.tsv"), "--output-dir", world.path("out"), "--seeds", "42", "--max-steps", "2",
        "--batch-size", "8", "--pooler", "avg", "--encoder", "transformers", "--device", "cpu",
      ], environment: Self.environment)
    try #require(compared.code == 0, "\(compared.errors)")
    #expect(compared.errors.contains("encoder transformers: RoFormerModel of transformers"), "\(compared.errors)")
    let records = try ["comparison.json", "run.json"].map { file in
      try #require(
        try JSONSerialization.jsonObject(with: world.data("out/runs/simcse-seed42/" + file)) as? [String: Any])
    }
    #expect(records[0]["hash"] as? String == records[1]["hash"] as? String)
  }

  @Test func isKilledAndGoesOnBitForBit() throws {
    let whole = try train("whole")
    try #require(whole.code == 0, "\(whole.errors)")
    let killed = try world.stopped("killed", by: SIGKILL) {
      ["/usr/bin/env"] + Self.environment.map { "\($0)=\($1)" } + (try arguments($0))
    } when: {
      world.lines($0) >= 10
    }
    let resumed = try train(killed, ["--resume"])
    try #require(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("resuming after step"), "\(resumed.errors)")
    #expect(!resumed.errors.contains("another encoder"))
    #expect(try world.data(killed + "/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics(killed) == world.metrics("whole"))
    // Another seed draws other dropout.
    let other = try train("seed", steps: 1, ["--seed", "7"])
    try #require(other.code == 0, "\(other.errors)")
    #expect(try losses("seed")[0] != losses("whole")[0])
  }

  @Test(arguments: [
    ("raise", ["encode: RuntimeError: the device fell off the bus"]),
    ("exit", ["its process ended with code 3", "going home"]), ("kill", ["its process died of SIGKILL"]),
    ("hang", ["it did not end within 8 s (--plugin-deadline)"]),
  ]) func aProcessThatFailsLeavesTheLastCheckpoint(_ how: String, _ says: [String]) throws {
    let faulty = [
      "PYTHONPATH": Resources.fixture("python/faulty"), "FAULTY_HOW": how, "FAULTY_PASS": "12",
    ]
    let failed = try train("out", ["--plugin-deadline", "8", "--save-steps", "5"], environment: faulty)
    #expect(failed.code == 69, "\(failed.errors)")
    for text in ["encoder transformers, "] + says { #expect(failed.errors.contains(text), "\(text): \(failed.errors)") }
    let resumed = try train("out", ["--save-steps", "5", "--resume"])
    try #require(resumed.code == 0, "\(resumed.errors)")
    // Where the process still answers, nothing is lost.
    #expect(resumed.errors.contains("resuming after step \(how == "raise" ? 11 : 10)"), "\(resumed.errors)")
    let whole = try train("whole", ["--save-steps", "5"])
    #expect(try world.data("out/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(whole.code == 0)
  }

  @Test(arguments: [
    (["--precision", "tf32"], 64, "--precision: expected f32 or bf16, found tf32"),
    (["--device", "tpu"], 69, "--device: expected cpu, cuda or cuda:N, found 'tpu'"),
    (["--device", "cuda:99"], 69, "--device cpu computes on processors"),
  ]) func refusesByNameWhatItCannotDo(_ flags: [String], _ code: Int32, _ text: String) throws {
    let result = try train("refused", flags)
    #expect(result.code == code)
    #expect(result.errors.contains(text), "\(result.errors)")
    #expect(!world.exists("refused/metrics.jsonl"), "a step was done")
  }

  @Test func saysWhatPythonLacks() throws {
    try FileManager.default.createDirectory(atPath: world.path("bare"), withIntermediateDirectories: true)
    try world.write("bare/torch.py", "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    let bare = try train("refused", environment: ["PYTHONPATH": world.path("bare")])
    #expect(bare.code == 69)
    #expect(bare.errors.contains("has no torch, which --encoder transformers needs"), "\(bare.errors)")
    #expect(bare.errors.contains("-m pip install torch transformers"), "\(bare.errors)")
    let none = try train("refused", environment: ["MIXCSE_PYTHON": world.path("absent")])
    #expect(none.code == 69 && none.errors.contains("expected a Python at"), "\(none.errors)")
  }

  @Test func refusesToGuessWordsWithoutAHead() throws {
    let made = try python(["write", "gpt2", world.path("model/vocab.txt"), world.path("foreign")])
    try #require(made.code == 0, "\(made.errors)")
    let result = try train("refused", ["--model", world.path("foreign"), "--mlm"])
    #expect(result.code == 69)
    #expect(
      result.errors.contains("--mlm: expected a model with a head for masked words, found gpt2"), "\(result.errors)")
    #expect(!world.exists("refused/metrics.jsonl"), "a step was done")
  }

  /// A checkpoint that lacks a tensor would train random numbers in its place.
  @Test func refusesAModelThatLacksWeights() throws {
    let config = String(decoding: try world.data("model/config.json"), as: UTF8.self)
      .replacingOccurrences(of: #""num_hidden_layers": 2"#, with: #""num_hidden_layers": 3"#)
    try world.write("model/config.json", config)
    let result = try train("refused")
    #expect(result.code == 69 && result.errors.contains("encoder.layer.2."), "\(result.errors)")
  }

  @Test func evaluatesAndTrainsInBFloat16() throws {
    let trained = try train("out", ["--precision", "bf16"])
    try #require(trained.code == 0, "\(trained.errors)")
    func score(_ more: [String]) throws -> String {
      let result = try shell(
        [Resources.command, "evaluate", "--model", world.path("out"), "--pairs", world.path("pairs.tsv")] + more,
        environment: Self.environment)
      try #require(result.code == 0, "\(result.errors)")
      return result.output
    }
    #expect(try score(["--encoder", "transformers", "--device", "cpu"]) == score([]))
  }
}
