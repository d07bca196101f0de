// config.json and the record of pooling: what is read, and how what is wrong is named.

import Encoder
import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite("configuration")
struct ConfigurationTests {
  static let bert: [String: String] = [
    "model_type": #""bert""#, "vocab_size": "30522", "hidden_size": "384", "num_hidden_layers": "6",
    "num_attention_heads": "12", "intermediate_size": "1536", "max_position_embeddings": "512",
    "type_vocab_size": "2", "layer_norm_eps": "1e-12", "hidden_dropout_prob": "0.1",
    "attention_probs_dropout_prob": "0.0", "pad_token_id": "0", "hidden_act": #""gelu""#,
  ]

  private func read(_ changes: [String: String?]) throws -> EncoderConfiguration {
    var keys = Self.bert
    for (key, value) in changes { keys[key] = value }
    let scratch = try Scratch()
    let text = "{" + keys.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    return try EncoderConfiguration(contentsOf: try scratch.file("config.json", text))
  }

  @Test("BERT")
  func readsBERT() throws {
    let expected = EncoderConfiguration(
      family: .bert, vocabularySize: 30522, hiddenSize: 384, layerCount: 6, headCount: 12, intermediateSize: 1536,
      maximumPositions: 512, typeVocabularySize: 2, attentionDropout: 0)
    #expect(try read([:]) == expected)
  }

  @Test("RoBERTa counts positions behind the padding row")
  func readsRoBERTa() throws {
    let read = try read([
      "model_type": #""roberta""#, "pad_token_id": "1", "max_position_embeddings": "514", "hidden_act": #""gelu_new""#,
    ])
    #expect(read.family == .roberta && read.maximumPositions == 512 && read.positionOffset == 2)
    #expect(read.positionRows == 514 && read.activation == .geluTanh)
  }

  /// `BertConfig()` and `RobertaConfig()` of transformers 5.24.
  @Test("keys that are not there have the defaults of transformers")
  func defaults() throws {
    let bert = EncoderConfiguration(
      family: .bert, vocabularySize: 30522, hiddenSize: 768, layerCount: 12, headCount: 12, intermediateSize: 3072,
      maximumPositions: 512, typeVocabularySize: 2, layerNormEpsilon: 1e-12, hiddenDropout: 0.1, attentionDropout: 0.1,
      padTokenID: 0, positionOffset: 0, activation: .gelu)
    let scratch = try Scratch()
    func read(_ text: String) throws -> EncoderConfiguration {
      try EncoderConfiguration(contentsOf: try scratch.file("config.json", text))
    }
    #expect(try read(#"{"model_type": "bert"}"#) == bert)
    #expect(try read(#"{"model_type": "bert", "pad_token_id": null}"#) == bert)
    var roberta = bert
    (roberta.family, roberta.vocabularySize, roberta.padTokenID) = (.roberta, 50265, 1)
    (roberta.positionOffset, roberta.maximumPositions) = (2, 510)
    #expect(try read(#"{"model_type": "roberta"}"#) == roberta)
    // As Google released BERT: neither layer_norm_eps nor pad_token_id.
    let google = try self.read(["layer_norm_eps": nil, "pad_token_id": nil])
    #expect(google.layerNormEpsilon == 1e-12 && google.padTokenID == 0 && google.hiddenSize == 384)
  }

  /// `ModernBertConfig()` of transformers 5.24, and its keys by both generations of names.
  @Test("layers as ModernBERT has them")
  func modernBERT() throws {
    let scratch = try Scratch()
    func read(_ keys: String) throws -> EncoderConfiguration {
      let text = #"{"model_type": "modernbert""# + keys + "}"
      return try EncoderConfiguration(contentsOf: try scratch.file("config.json", text))
    }
    var standard = EncoderConfiguration(
      family: .modernbert, vocabularySize: 50368, hiddenSize: 768, layerCount: 22, headCount: 12,
      intermediateSize: 1152, maximumPositions: 8192, typeVocabularySize: 0, layerNormEpsilon: 1e-5, hiddenDropout: 0,
      attentionDropout: 0, padTokenID: 50283)
    (standard.headActivation, standard.rotation) = (.gelu, .init(globalBase: 160_000, localBase: 10_000))
    standard.localAttention = .init(layers: Set((0..<22).filter { $0 % 3 != 0 }), reach: 64)
    (standard.biases.attention, standard.biases.feedForward, standard.biases.norms) = (false, false, false)
    (standard.biases.head, standard.biases.words) = (false, true)
    #expect(try read("") == standard)
    // A window counts the token itself on neither side; 9 tokens are four on either side, and so are 8.
    let window = try read(#", "local_attention": 9, "sliding_window": 4, "head_dim": 64"#)
    #expect(window.localAttention?.reach == 4)
    let all = try read(
      #", "num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"], "mlp_bias": true"#
        + #", "embedding_dropout": 0.2, "mlp_dropout": 0.2, "classifier_activation": "relu", "norm_bias": true"#
        + #", "rope_parameters": {"full_attention": {"rope_theta": 5}, "sliding_attention": null}"#
        + #", "local_rope_theta": 7.5, "global_rope_theta": 6, "global_attn_every_n_layers": 1"#)
    #expect(all.localAttention?.layers == [0] && all.rotation == .init(globalBase: 5, localBase: 7.5))
    #expect(all.hiddenDropout == 0.2 && all.headActivation == .relu)
    #expect(all.biases.feedForward && all.biases.norms && !all.biases.attention)
    #expect(try read(#", "rope_scaling": {"type": "default", "rope_theta": 42.0}"#).rotation?.localBase == 42)
  }

  private static let families =
    "bert, roberta, xlm-roberta, camembert, distilbert, mpnet, electra, ernie, albert, modernbert"

  static let wrong: [(String, String?, String)] = [
    ("model_type", nil, "expected one of \(families), found no such key. Add it to the file"),
    ("model_type", #""deberta""#, "model_type is \"deberta\", which is not supported; supported: \(families)"),
    ("model_type", "3", "key \"model_type\": expected one of \(families), found 3"),
    ("hidden_size", "null", "key \"hidden_size\": expected a whole number"),
    ("vocab_size", "0", "found 0"),
    ("hidden_size", "-384", "found -384"),
    ("hidden_size", "384.5", "found 384.5"),
    ("hidden_size", #""384""#, "found \"384\""),
    ("hidden_size", "99999999999999999999", "found 1e+20"),
    ("num_attention_heads", "7", "a divisor of hidden_size 384, found 7"),
    ("num_attention_heads", "0", "found 0"),
    ("layer_norm_eps", "0", "a number above 0"),
    ("layer_norm_eps", "1e-60", "a number above 0"),
    ("layer_norm_eps", "null", "found null"),
    ("hidden_dropout_prob", "1", "at least 0.0 and below 1"),
    ("attention_probs_dropout_prob", "-0.1", "found -0.1"),
    ("hidden_act", #""swish""#, "hidden_act is \"swish\""),
    ("pad_token_id", "30522", "found 30522"),
    ("position_embedding_type", #""relative_key""#, "position_embedding_type is \"relative_key\""),
    ("is_decoder", "true", "is_decoder is true"),
  ]

  @Test("what is wrong is named with key and file", arguments: wrong)
  func problemsNameKeyAndFile(key: String, value: String?, expected: String) throws {
    let text = try #require(errorText { _ = try read([key: value]) })
    #expect(text.contains(expected) && text.contains("config.json"), "\(text)")
  }

  @Test("a missing folder and a folder without config.json")
  func missingModelFolders() throws {
    let scratch = try Scratch()
    let missing = errorText { _ = try ModelFolder(path: scratch.path + "/no") }
    #expect(missing?.contains("a model folder") == true && missing?.contains("Hub") == false)
    let name = errorText { _ = try ModelFolder(path: "an-owner/a-model") }
    #expect(name?.contains("to fetch it once: hf download an-owner/a-model") == true)
    #expect(errorText { _ = try ModelFolder(path: scratch.path) }?.contains("config.json: not found") == true)
  }

  @Test("the real model's folder: configuration, pooling, all tensors", .needs(.model))
  func realModel() throws {
    let folder = try ModelFolder(path: try #require(Resources.model) + "/")
    #expect(folder.shape.hiddenSize == 384 && folder.shape.layerCount == 6)
    let pooling = try #require(folder.sentencePooling)
    #expect(pooling.pooler == "avg" && pooling.normalizes && pooling.head == .none)
    let table = try folder.openWeights()
    #expect(table.shape(of: "encoder.layer.5.output.LayerNorm.weight") == [384])
    #expect(table.contains("pooler.dense.weight") && !table.isLoadable("embeddings.position_ids"))
  }

  private let library = "sentence_transformers."

  @Test("modules.json in either spelling, and what no pooler does")
  func modules() throws {
    func pooling(_ configuration: String, _ more: String = "") throws -> SentencePooling? {
      let scratch = try Scratch()
      _ = try scratch.file(
        "config.json", "{" + Self.bert.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",") + "}")
      _ = try scratch.file(
        "modules.json",
        #"[{"path":"","type":"\#(library)Transformer"},{"path":"1_Pooling","type":"\#(library)y.Pooling"}\#(more)]"#)
      try FileManager.default.createDirectory(atPath: scratch.path + "/1_Pooling", withIntermediateDirectories: true)
      _ = try scratch.file("1_Pooling/config.json", configuration)
      return try ModelFolder(path: scratch.path).sentencePooling
    }
    #expect(try pooling(#"{"pooling_mode":"mean"}"#)?.pooler == "avg")
    #expect(try pooling(#"{"pooling_mode":["cls"]}"#)?.pooler == "cls")
    #expect(try pooling(#"{"pooling_mode_max_tokens":true}"#)?.pooler == "max")
    let both = try pooling(#"{"pooling_mode_max_tokens":true,"pooling_mode_cls_token":true}"#)
    #expect(both?.pooler == "concat:layers=-1,of=first/max")
    #expect(try pooling(#"{"pooling_mode":"middle"}"#)?.unsupported == "the pooling middle")
    let other = try pooling(#"{"pooling_mode":"mean"}"#, #",{"path":"2_CNN","type":"x.CNN"}"#)
    #expect(other?.unsupported == "the module x.CNN" && other?.pooler == nil)
    let prompted = #"{"pooling_mode":"mean","include_prompt":false}"#
    #expect(try pooling(prompted)?.pooler == "avg")
    #expect(errorText { _ = try pooling("{") }?.contains("1_Pooling/config.json: byte 1") == true)
    #expect(errorText { _ = try pooling(#"{"pooling_mode":"mean"}"#, #",{"path":"../x","type":"D"}"#) } != nil)
  }

  /// A folder of these files, each in the folder its path names.
  private func folder(_ scratch: Scratch, _ files: [String: String]) throws -> ModelFolder {
    for (name, text) in files {
      let folder = scratch.path + "/" + name.split(separator: "/").dropLast().joined(separator: "/")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      _ = try scratch.file(name, text)
    }
    return try ModelFolder(path: scratch.path)
  }

  @Test("modules.json says where the encoder is; the default prompt is read")
  func layouts() throws {
    let modules =
      #"[{"path":"0_Transformer","type":"\#(library)Transformer"},{"path":"1_Pooling","type":"\#(library)Pooling"}]"#
    let settings = #"{"prompts": {"query": "query: ", "none": ""}, "default_prompt_name": "query"}"#
    let files = [
      "modules.json": modules, "0_Transformer/config.json": #"{"model_type": "bert"}"#,
      "1_Pooling/config.json": #"{"pooling_mode": "mean"}"#, "config.json": #"{"__version__": "1"}"#,
    ]
    let (first, second, third, fourth) = (try Scratch(), try Scratch(), try Scratch(), try Scratch())
    let old = try folder(first, files)
    #expect(old.encoderPath == first.path + "/0_Transformer" && old.sentencePooling?.pooler == "avg")
    #expect(old.defaultPrompt == nil)
    let prompted = try folder(second, files.merging(["config_sentence_transformers.json": settings]) { $1 })
    #expect(prompted.defaultPrompt == "query: " && prompted.sentencePooling?.unsupported == nil)
    let left = [
      "config_sentence_transformers.json": settings,
      "1_Pooling/config.json": #"{"pooling_mode": "mean", "include_prompt": false}"#,
    ]
    let without = try folder(third, files.merging(left) { $1 })
    #expect(without.sentencePooling?.leavesPromptOut == true && without.defaultPrompt == "query: ")
    let unknown = settings.replacingOccurrences(of: #""query"}"#, with: #""other"}"#)
    let text = errorText {
      _ = try folder(fourth, files.merging(["config_sentence_transformers.json": unknown]) { $1 })
    }
    #expect(text?.contains("default_prompt_name") == true)
  }

  @Test("adapters, pointers of Git LFS and weights of other kinds are named")
  func otherContents() throws {
    let empty = try Scratch()
    let adapter = errorText { _ = try folder(empty, ["adapter_config.json": "{}"]) }
    #expect(adapter?.contains("merge the adapter into its base model") == true)
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 90868376\n"
    for name in ["model.safetensors", "pytorch_model.bin"] {
      let scratch = try Scratch()
      let model = try folder(scratch, ["config.json": #"{"model_type": "bert"}"#, name: pointer])
      #expect(errorText { _ = try model.openWeights() }?.contains("git lfs pull") == true)
    }
    let scratch = try Scratch()
    let onnx = try folder(scratch, ["config.json": #"{"model_type": "bert"}"#, "model.onnx": "x"])
    #expect(errorText { _ = try onnx.openWeights() }?.contains("found only model.onnx (for ONNX Runtime)") == true)
  }
}
