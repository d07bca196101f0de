// Exported folders: what is in them, what is read back, and that an earlier export is never half replaced.
// Tests/Interop/check_export.py compares them with transformers and sentence-transformers.

import Encoder
import Files
import Foundation
import Kernels
import ModelFiles
import TestSupport
import Testing

@Suite("model export")
struct ModelExportTests {
  /// A source folder with a prefixed encoder, its own pooler, a language-model head and a vocabulary.
  private func source(_ scratch: Scratch) throws -> (ModelFolder, TransformerEncoder) {
    let path = scratch.path + "/source"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    _ = try scratch.file(
      "source/config.json",
      #"""
      {"model_type": "bert", "architectures": ["BertForMaskedLM"], "torch_dtype": "float16", "vocab_size": 30,
       "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "extra": [1],
       "max_position_embeddings": 12, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1,
       "attention_probs_dropout_prob": 0.1, "pad_token_id": 0, "hidden_act": "gelu"}
      """#)
    _ = try scratch.file("source/vocab.txt", "[PAD]\n[UNK]\n")
    _ = try scratch.file("source/README.md", "not copied")
    let configuration = try EncoderConfiguration(contentsOf: path + "/config.json")
    let encoder = TransformerEncoder(configuration: configuration, pool: ThreadPool(threads: 1), seed: 1)
    for (i, parameter) in encoder.parameters.enumerated() {
      for k in 0..<parameter.count { parameter.value[k] = fixtureValue(i, k) }
    }
    let pooler = parameter("pooler.dense.weight", [8, 8], 90)
    let bias = parameter("pooler.dense.bias", [8], 91)
    let mlm = parameter("cls.predictions.bias", [30], 92)
    let tensors = (encoder.parameters + [pooler, bias, mlm]).map { parameter in
      let prefix = parameter.name.hasPrefix("cls.") ? "" : "bert."
      return SafetensorsWriter.Entry(
        name: prefix + parameter.name, shape: parameter.shape, pointer: UnsafePointer(parameter.value))
    }
    try withExtendedLifetime((pooler, bias, mlm)) {
      try SafetensorsWriter.write(to: path + "/model.safetensors", tensors: tensors)
    }
    return (try ModelFolder(path: path), encoder)
  }

  private func parameter(_ name: String, _ shape: [Int], _ i: Int) -> Parameter {
    let parameter = Parameter(name: name, shape: shape, decays: false)
    for k in 0..<parameter.count { parameter.value[k] = fixtureValue(i, k) }
    return parameter
  }

  @Test("the encoder's weights, the source's pooler, tokenizer and configuration, read back bit by bit")
  func roundTrip() throws {
    let scratch = try Scratch()
    let (source, encoder) = try source(scratch)
    for parameter in encoder.parameters { parameter.value[0] += 0.5 }
    let target = scratch.path + "/out/"
    let record = ModelExport.Record(temperature: 0.05, strategy: "mixcse:lambda=0.2", versions: ["mixcse": "0.1.0"])
    let notes = try ModelExport.write(
      to: target, from: source, encoder: encoder.parameters, pooling: pooling("avg", .mean),
      record: record)
    #expect(notes == ["left out, as no part of the encoder: cls.predictions.bias"])
    let folder = try ModelFolder(path: target)
    let table = try folder.openWeights()
    let copy = try TransformerEncoder(
      configuration: folder.configuration, weights: table, pool: ThreadPool(threads: 1), seed: 1)
    for (a, b) in zip(encoder.parameters, copy.parameters) {
      #expect((0..<a.count).allSatisfy { a.value[$0].bitPattern == b.value[$0].bitPattern }, "\(a.name)")
    }
    #expect(table.unused == ["pooler.dense.weight", "pooler.dense.bias"])
    #expect(try table.values("pooler.dense.weight", [8, 8]) == fixtureValues(90, 0..<64))
    let names = try FileManager.default.contentsOfDirectory(atPath: target).sorted()
    #expect(
      names == [
        "1_Pooling", "config.json", "config_sentence_transformers.json", "mixcse.json", "model.safetensors",
        "modules.json", "sentence_bert_config.json", "vocab.txt",
      ])
    let configuration = try String(contentsOfFile: target + "config.json", encoding: .utf8)
    #expect(configuration.contains("\"BertModel\"") && configuration.contains("\"torch_dtype\": \"float32\""))
    #expect(configuration.contains("\"extra\""))
    var expected = SentencePooling(origin: .mixcse, pooler: "avg")
    expected.temperature = 0.05
    expected.strategy = "mixcse:lambda=0.2"
    expected.versions = ["mixcse": "0.1.0"]
    #expect(folder.sentencePooling == expected)
    #expect(try folder.openPluginWeights() == nil)
    #expect(scratch.names == ["out", "source"])
  }

  /// A pooler of the last layer alone.
  private func pooling(_ text: String, _ tokens: ExportPooling.Tokens) -> ExportPooling {
    ExportPooling(text: text, tokens: tokens, layerWeights: [0, 0, 1])
  }

  @Test("weights of layers are put in terms of sentence-transformers, or what stands against it is said")
  func layerWeights() {
    let last = ExportPooling(text: "x", tokens: .max, layerWeights: [0, 0, 3])
    #expect(last.tokens == .max && last.layerWeights == nil && last.obstacle == nil)
    let mixed = ExportPooling(text: "x", tokens: .mean, layerWeights: [1, 0, 3])
    #expect(mixed.tokens == .mean && mixed.layerWeights == [0.25, 0, 0.75] && mixed.obstacle == nil)
    for tokens in [ExportPooling.Tokens.cls, .max] {
      let other = ExportPooling(text: "x", tokens: tokens, layerWeights: [0.5, 0, 0.5])
      #expect(other.tokens == nil && other.obstacle?.contains("mean pooling only") == true)
    }
  }

  @Test("a kept head is a module of its own and comes back; a dropped one leaves a word")
  func heads() throws {
    let scratch = try Scratch()
    let (source, encoder) = try source(scratch)
    let (weight, bias) = (parameter("head.dense.weight", [8, 8], 7), parameter("head.dense.bias", [8], 8))
    let pooling = pooling("cls", .cls)
    let target = scratch.path + "/out"
    try ModelExport.write(
      to: target, from: source, encoder: encoder.parameters, pooling: pooling, head: .kept(weight: weight, bias: bias))
    let folder = try ModelFolder(path: target)
    #expect(folder.sentencePooling?.head == .kept)
    #expect(folder.sentencePooling?.modules == [.dense(.head(folder: "2_Dense", width: 8))])
    let head = try folder.openModule("2_Dense")
    #expect(try head.values("linear.weight", [8, 8]) == fixtureValues(7, 0..<64))
    #expect(try head.values("linear.bias", [8]) == fixtureValues(8, 0..<8))
    #expect(!(try folder.openWeights().names.contains { $0.contains("head") }))
    // Without our own record, sentence-transformers' modules say the same.
    try FileManager.default.removeItem(atPath: target + "/mixcse.json")
    let foreign = try #require(try ModelFolder(path: target).sentencePooling)
    #expect(foreign.origin == .sentenceTransformers && foreign.pooler == "cls")
    #expect(foreign.modules == folder.sentencePooling?.modules)
    let second = scratch.path + "/second"
    try ModelExport.write(to: second, from: source, encoder: encoder.parameters, pooling: pooling, head: .dropped)
    #expect(try ModelFolder(path: second).sentencePooling?.head == .dropped)
    #expect(!FileManager.default.fileExists(atPath: second + "/2_Dense"))
  }

  static let layered: [(String, [Float], String?)] = [
    ("avg_top2", [0, 0.5, 0.5], "avg_top2"),
    ("avg_first_last", [0.5, 0, 0.5], "avg_first_last"),
    ("avg_first_last:first=layer1", [0, 0.5, 0.5], "avg_top2"),
    ("weighted", [0.25, 0.25, 0.5], nil),
  ]

  @Test("poolers of several layers become weights of layers", arguments: layered)
  func layers(text: String, weights: [Float], readBack: String?) throws {
    let scratch = try Scratch()
    let (source, encoder) = try source(scratch)
    let pooling = ExportPooling(text: text, tokens: .mean, layerWeights: weights)
    #expect(pooling.layerWeights == weights)
    let target = scratch.path + "/out"
    let plugin = parameter("plugin.weighted.layers", [3], 3)
    try ModelExport.write(
      to: target, from: source, encoder: encoder.parameters, pooling: pooling, pluginWeights: [plugin])
    let folder = try ModelFolder(path: target)
    #expect(folder.sentencePooling?.pooler == text)
    let stored = try #require(try folder.openPluginWeights())
    #expect(try stored.values("plugin.weighted.layers", [3]) == fixtureValues(3, 0..<3))
    try FileManager.default.removeItem(atPath: target + "/mixcse.json")
    let foreign = try #require(try ModelFolder(path: target).sentencePooling)
    #expect(foreign.pooler == readBack && (foreign.unsupported == nil) == (readBack != nil))
  }

  @Test("a pooler sentence-transformers does not know: no modules.json and a note", arguments: ["avg+whiten", "mine"])
  func unknownPooler(text: String) throws {
    let scratch = try Scratch()
    let (source, encoder) = try source(scratch)
    let target = scratch.path + "/out"
    let notes = try ModelExport.write(
      to: target, from: source, encoder: encoder.parameters, pooling: ExportPooling(text: text, obstacle: "is unknown"))
    #expect(notes.contains { $0.contains("no modules.json") && $0.contains(text) })
    #expect(!FileManager.default.fileExists(atPath: target + "/modules.json"))
    #expect(try ModelFolder(path: target).sentencePooling?.pooler == text)
  }

  @Test("the source's lower case and longest line are kept, whether the pooling can be said or not")
  func textSettings() throws {
    let scratch = try Scratch()
    var (source, encoder) = try source(scratch)
    let target = scratch.path + "/out"
    func settings(_ pooling: ExportPooling) throws -> String? {
      try ModelExport.write(to: target, from: source, encoder: encoder.parameters, pooling: pooling)
      return try? String(contentsOfFile: target + "/sentence_bert_config.json", encoding: .utf8)
        .filter { !$0.isWhitespace }
    }
    let text = ExportPooling(text: "mine", obstacle: "is unknown")
    #expect(try settings(pooling("avg", .mean)) == #"{"max_seq_length":12,"do_lower_case":false}"#)
    #expect(try settings(text) == nil)
    _ = try scratch.file("source/sentence_bert_config.json", #"{"max_seq_length": 8, "do_lower_case": true}"#)
    for pooling in [pooling("avg", .mean), text] {
      #expect(try settings(pooling) == #"{"max_seq_length":8,"do_lower_case":true}"#)
    }
    _ = try scratch.file("source/sentence_bert_config.json", #"{"max_seq_length": 512, "do_lower_case": false}"#)
    #expect(try settings(pooling("avg", .mean)) == #"{"max_seq_length":12,"do_lower_case":false}"#)
    _ = try scratch.file(
      "source/config_sentence_transformers.json", #"{"prompts": {"q": "Q: "}, "default_prompt_name": "q"}"#)
    source = try ModelFolder(path: source.path)
    let notes = try ModelExport.write(
      to: target, from: source, encoder: encoder.parameters, pooling: pooling("avg", .mean))
    #expect(notes.contains { $0.contains("\"Q: \" before every text by default") })
  }

  @Test("an export is replaced as a whole; anything else is not touched")
  func replacement() throws {
    let scratch = try Scratch()
    let (source, encoder) = try source(scratch)
    let target = scratch.path + "/out"
    func export(_ pooler: String) throws {
      try ModelExport.write(
        to: target, from: source, encoder: encoder.parameters, pooling: pooling(pooler, .mean))
    }
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
    try export("avg_top2")
    try export("max")
    #expect(try ModelFolder(path: target).sentencePooling?.pooler == "max")
    #expect(!FileManager.default.fileExists(atPath: target + "/1_WeightedLayerPooling"))
    #expect(scratch.names == ["out", "source"])
    _ = try scratch.file("out/thesis.txt", "mine")
    #expect(throws: FileError.wouldOverwrite(path: target, found: "\"thesis.txt\"")) { try export("avg") }
    try FileManager.default.removeItem(atPath: target + "/thesis.txt")
    try FileManager.default.removeItem(atPath: source.path + "/model.safetensors")
    #expect(throws: ModelFileError.self) { try export("avg") }
    #expect(try ModelFolder(path: target).sentencePooling?.pooler == "max")
    #expect(scratch.names == ["out", "source"])
    let foreign = #expect(throws: FileError.self) {
      try ModelExport.write(
        to: source.path, from: source, encoder: encoder.parameters, pooling: pooling("avg", .mean)
      )
    }
    #expect(foreign?.exitCode == 64)
    #expect(throws: FileError.self) {
      try ModelExport.write(
        to: "/proc/self/out", from: source, encoder: encoder.parameters,
        pooling: pooling("avg", .mean))
    }
  }
}
