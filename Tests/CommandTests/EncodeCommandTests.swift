// `mixcse encode` with what a folder says for sentence-transformers: each default against the flag, or the text, that
// says the same.

import Foundation
import TestSupport
import Testing

@Suite struct EncodeCommandTests {
  private let world: CommandWorld
  private let model: String

  init() throws {
    world = try CommandWorld()
    model = world.path("model")
    let long = world.tiny.sentences(3, seed: 5)
    try world.write("lines.txt", (long + [long.joined(separator: " ").uppercased()]).joined(separator: "\n") + "\n")
  }

  private func encode(_ more: [String] = [], input: String = "lines.txt") throws -> ShellResult {
    let result = try shell(
      [
        Resources.command, "encode", "--model", model, "--pooler", "avg", "--json", "--threads", "1", "--input",
        world.path(input),
      ] + more)
    try #require(result.code == 0, "\(result.errors)")
    return result
  }

  /// modules.json of sentence-transformers.
  private func modules(_ list: (path: String, kind: String)...) -> String {
    let items = list.map { #"{"path": "\#($0.path)", "type": "sentence_transformers.models.\#($0.kind)"}"# }
    return "[" + items.joined(separator: ", ") + "]"
  }

  @Test("lines are cut where the folder says, and it is said; the flag goes further")
  func longestLine() throws {
    let whole = try encode()
    let short = try encode(["--max-seq-length", "5"])
    #expect(short.output != whole.output)
    try world.write("model/sentence_bert_config.json", #"{"max_seq_length": 5, "do_lower_case": false}"#)
    let own = try encode()
    #expect(own.output == short.output)
    #expect(own.errors.contains("lines were longer than 5 tokens and were cut"))
    #expect(try encode(["--max-seq-length", "40"]).output == whole.output)
    // Beyond the model's 40 positions, the model's own limit holds.
    try world.write("model/sentence_bert_config.json", #"{"max_seq_length": 512}"#)
    #expect(try encode().output == whole.output)
  }

  @Test("the same holds in evaluate, and in a model trained from the folder")
  func evaluation() throws {
    func spearman(_ model: String, _ more: [String] = []) throws -> String {
      let result = try shell(
        [
          Resources.command, "evaluate", "--model", world.path(model), "--pooler", "avg", "--pairs",
          world.path("pairs.tsv"), "--json", "--threads", "1",
        ] + more)
      try #require(result.code == 0, "\(result.errors)")
      let document = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      let pairs = try #require(document["pairs"] as? [String: [String: Any]])
      return "\(pairs.values.first?["spearman"] ?? "none")"
    }
    let whole = try spearman("model")
    try world.write("model/sentence_bert_config.json", #"{"max_seq_length": 4, "do_lower_case": false}"#)
    #expect(try spearman("model") != whole)
    try #require(
      try world.train("moved", ["--max-steps", "1", "--learning-rate", "1e-9", "--pooler", "avg"]).code == 0)
    #expect(
      try String(contentsOfFile: world.path("moved/sentence_bert_config.json"), encoding: .utf8)
        .contains("\"max_seq_length\": 4"))
  }

  @Test("text is lower-cased first where the folder says so")
  func lowerCase() throws {
    try world.write("model/tokenizer_config.json", #"{"do_lower_case": false}"#)
    let cased = try encode().output
    try world.write("model/sentence_bert_config.json", #"{"do_lower_case": true}"#)
    let lower = try encode().output
    #expect(lower != cased)
    let text = try String(contentsOfFile: world.path("lines.txt"), encoding: .utf8)
    try world.write("lower.txt", text.lowercased())
    #expect(try encode(input: "lower.txt").output == lower)
  }

  @Test("the default prompt is put before every line, and said; embeddings are scaled where a module says so")
  func promptAndLength() throws {
    let text = try String(contentsOfFile: world.path("lines.txt"), encoding: .utf8)
    try world.write("prompted.txt", text.split(separator: "\n").map { "word1 word2 \($0)\n" }.joined())
    let prompted = try encode(input: "prompted.txt")
    let scaled = try encode(["--normalize"], input: "prompted.txt")
    #expect(scaled.output != prompted.output)
    try world.write(
      "model/config_sentence_transformers.json",
      #"{"prompts": {"query": "word1 word2 "}, "default_prompt_name": "query"}"#)
    let own = try encode()
    #expect(own.output == prompted.output && own.errors.contains("\"word1 word2 \" is put before every line"))
    try FileManager.default.createDirectory(atPath: model + "/1_Pooling", withIntermediateDirectories: false)
    try world.write("model/1_Pooling/config.json", #"{"pooling_mode": "mean"}"#)
    try world.write(
      "model/modules.json",
      modules(("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")))
    #expect(try encode().output == scaled.output)
  }

  @Test("a pooler that is asked for goes before a pooling that is not done here, and that is said")
  func anotherPooler() throws {
    let plain = try encode().output
    for folder in ["1_Pooling", "2_Dense"] {
      try FileManager.default.createDirectory(atPath: model + "/" + folder, withIntermediateDirectories: false)
    }
    try world.write("model/1_Pooling/config.json", #"{"pooling_mode": "mean"}"#)
    try world.write(
      "model/2_Dense/config.json", #"{"in_features": 32, "out_features": 8, "activation_function": "x.Identity"}"#)
    try world.write(
      "model/modules.json",
      modules(("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")))
    let result = try encode()
    #expect(result.output == plain && result.errors.contains("a Dense module with the function x.Identity"))
  }

  @Test("the encoder in a folder of its own, as sentence-transformers wrote it first: encoded, trained, told apart")
  func encoderInside() throws {
    let plain = try encode().output
    for folder in ["0_Transformer", "1_Pooling"] {
      try FileManager.default.createDirectory(atPath: model + "/" + folder, withIntermediateDirectories: false)
    }
    for name in ["config.json", "vocab.txt", "model.safetensors"] {
      try FileManager.default.moveItem(atPath: model + "/" + name, toPath: model + "/0_Transformer/" + name)
    }
    try world.write("model/1_Pooling/config.json", #"{"pooling_mode": "mean"}"#)
    try world.write(
      "model/modules.json",
      modules(("0_Transformer", "Transformer"), ("1_Pooling", "Pooling")))
    #expect(try encode().output == plain)
    let tokens = try shell([Resources.command, "tokenize", "--model", model, "--input", world.path("lines.txt")])
    #expect(tokens.code == 0 && tokens.output.hasPrefix("[CLS] word"))
    try #require(try world.train("moved", ["--max-steps", "1"]).code == 0)
    #expect(
      try String(contentsOfFile: world.path("moved/run.json"), encoding: .utf8)
        .contains("--model 0_Transformer/model.safetensors (sha256)"))
  }
}
