// `--mlm` beside `--encoder`: the head for masked words lives where the weights live. The encoder is the fixture in C;
// transformers' losses are compared in TransformersCommandTests, torch's by Benchmarks/device.

import Foundation
import TestSupport
import Testing

@Suite(.serialized) struct MaskedEncoderTests {
  private let world: CommandWorld
  private let library: String
  private let masked = ["--mlm", "--mlm-weight", "0.5"]

  init() throws {
    world = try CommandWorld()
    library = world.path("libbag.so")
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library)
  }

  private func train(
    _ output: String, device: String = "cpu", _ more: [String] = [], own: Bool = false
  ) throws -> ShellResult {
    let encoder = own ? [] : ["--encoder", library, "--device", device]
    return try world.train(output, encoder + ["--max-steps", "20", "--pooler", "avg"] + more)
  }

  private func logged(_ output: String, _ name: String) throws -> [Double] { try world.loggedNumbers(output, name) }

  /// What a checkpoint's or a model's table of tensors says of those whose names contain a text, by name.
  private func checksums(_ file: String, of text: String) throws -> [String: Int] {
    let bytes = try world.data(file)
    let start = try #require(bytes.range(of: Data(#"{"state":"#.utf8), options: .backwards)?.lowerBound)
    let end = try #require(bytes.range(of: Data("]}".utf8), options: .backwards)?.upperBound)
    let table = try #require(try JSONSerialization.jsonObject(with: bytes[start..<end]) as? [String: Any])
    let tensors = try #require(table["tensors"] as? [[String: Any]])
    return tensors.reduce(into: [:]) { found, tensor in
      guard let name = tensor["name"] as? String, name.contains(text) else { return }
      found[name] = tensor["crc32"] as? Int
    }
  }

  private func lastCheckpoint(_ output: String) throws -> String {
    let names = world.names(output + "/checkpoints").filter { $0.hasSuffix(".ckpt") }
    return try output + "/checkpoints/" + #require(names.max())
  }

  @Test func addsTheLossAndLearnsToGuess() throws {
    try #require(try train("plain").code == 0)
    let run = try train("run", masked + ["--learning-rate", "1e-2", "--max-steps", "60"])
    try #require(run.code == 0, "\(run.errors)")
    #expect(run.errors.contains("has no head for masked language modelling; it starts from random numbers"))
    let (loss, guessing) = (try logged("run", "loss"), try logged("run", "mlmLoss"))
    #expect(guessing.count == 60 && isClose(guessing[0], Foundation.log(85), relative: 0.01), "\(guessing[0])")
    #expect(isClose(loss[0], try logged("plain", "loss")[0] + 0.5 * guessing[0], relative: 1e-6))
    let (first, last) = (guessing.prefix(10).reduce(0, +), guessing.suffix(10).reduce(0, +))
    // Words are drawn evenly: that there are few of them is all there is to learn.
    #expect(last < 0.99 * first, "\(guessing)")
    #expect(!String(decoding: try world.data("run/model.safetensors"), as: UTF8.self).contains("cls.predictions"))
    #expect(world.names("run").sorted() == world.names("plain").sorted())
  }

  @Test func partsOfABatchAreTheBatch() throws {
    for (name, flags) in [("whole", []), ("parts", ["--chunk-size", "5"])] {
      try #require(try train(name, device: "numbers", masked + flags).code == 0)
    }
    for name in ["loss", "mlmLoss"] {
      let (whole, parts) = (try logged("whole", name), try logged("parts", name))
      #expect(parts.count == 20 && Set(parts).count == 20)
      for (a, b) in zip(whole, parts) { #expect(isClose(a, b, relative: 1e-5), "\(b), not \(a)") }
    }
  }

  /// Several batches a step, and a second encoder for the average, which has no head.
  @Test(arguments: [[], ["--gradient-accumulation", "2"], ["--sampler", "momentum"]])
  func resumesBitForBit(_ flags: [String]) throws {
    let flags = masked + flags
    let whole = try train("whole", flags)
    try #require(whole.code == 0, "\(whole.errors)")
    let stopped = try train("stopped", flags + ["--stop-after", "9"])
    #expect(stopped.code == 75, "\(stopped.errors)")
    let resumed = try train("stopped", flags + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try world.data("stopped/model.safetensors") == world.data("whole/model.safetensors"))
    #expect(try world.metrics("stopped") == world.metrics("whole"))
  }

  /// One encoder's head is the other's: it has the same names and begins with the same numbers.
  @Test func goesOnWithAnotherEncoder() throws {
    for (first, own) in [("plugin", false), ("native", true)] {
      let still = try train(first, masked + ["--learning-rate", "0", "--stop-after", "1"], own: own)
      try #require(still.code == 75, "\(still.errors)")
    }
    let heads = try ["plugin", "native"].map { try checksums(lastCheckpoint($0), of: "value/cls.predictions") }
    #expect(heads[0] == heads[1] && heads[0].count == 5, "\(heads)")
    for (name, first) in [("there", true), ("back", false)] {
      let stopped = try train(name, masked + ["--stop-after", "9"], own: first)
      try #require(stopped.code == 75, "\(stopped.errors)")
      let resumed = try train(name, masked + ["--resume"], own: !first)
      try #require(resumed.code == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("going on with another encoder"), "\(resumed.errors)")
      #expect(try logged(name, "mlmLoss").count == 20)
    }
  }

  @Test func saysWhatFailed() throws {
    let failed = try train("failed", device: "guess", masked)
    #expect(failed.code == 69, "\(failed.errors)")
    let text = "encoder org.example.bag.bag, learn: expected room for the scores of all words, found none"
    #expect(failed.errors.contains(text), "\(failed.errors)")
    let resumed = try train("failed", masked + ["--resume"])
    #expect(resumed.code == 0 && resumed.errors.contains("resuming after step 2"), "\(resumed.errors)")
  }

  /// Before the first step, and in a comparison before the first run.
  @Test func refusesAnEncoderThatCannot() throws {
    try buildPlugin(Resources.fixture("training/encoder.c"), to: library, flags: ["-DNO_MASKED_WORDS"])
    let text = "--mlm: expected an encoder that learns to guess words, found one that learns from hidden states alone"
    let refused = try train("refused", masked)
    #expect(refused.code == 64 && refused.errors.contains(text), "\(refused.errors)")
    #expect(!world.exists("refused/metrics.jsonl"), "a step was done")
    let compared = try shell([
      Resources.command, "compare", "simcse", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--test-data", world.path("pairs.tsv"), "--output-dir", world.path("out"), "--seeds", "42", "--max-steps", "2",
      "--pooler", "avg", "--encoder", library, "--device", "cpu", "--mlm",
    ])
    #expect(compared.code == 64 && compared.errors.components(separatedBy: text).count == 2, "\(compared.errors)")
    #expect(!world.exists("out/runs"), "a run was begun")
  }

  @Test func isCompared() throws {
    let compared = try shell([
      Resources.command, "compare", "simcse", "mixcse", "--model", world.path("model"), "--train-file",
      world.path("train.txt"), "--test-data", world.path("pairs.tsv"), "--output-dir", world.path("out"), "--seeds",
      "42", "--max-steps", "2", "--batch-size", "8", "--pooler", "avg", "--encoder", library, "--device", "cpu",
      "--mlm",
    ])
    try #require(compared.code == 0, "\(compared.errors)")
    #expect(try logged("out/runs/mixcse-seed42", "mlmLoss").count == 2)
  }
}
