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

  static let wrong: [(String, String?, String)] = [
    ("model_type", nil, "found no such key"),
    ("model_type", #""distilbert""#, "model_type is \"distilbert\", which is not supported; supported: bert, roberta"),
    ("model_type", "3", "key \"model_type\": expected one of bert, roberta, found 3"),
    ("hidden_size", nil, "key \"hidden_size\": expected a whole number"),
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
    #expect(errorText { _ = try ModelFolder(path: scratch.path + "/no") }?.contains("a model folder") == true)
    #expect(errorText { _ = try ModelFolder(path: scratch.path) }?.contains("config.json: not found") == true)
  }

  @Test("the real model's folder: configuration, pooling, all tensors", .needs(.model))
  func realModel() throws {
    let folder = try ModelFolder(path: try #require(Resources.model) + "/")
    #expect(folder.configuration.hiddenSize == 384 && folder.configuration.layerCount == 6)
    let pooling = try #require(folder.sentencePooling)
    #expect(pooling.pooler == "avg" && pooling.normalizes && pooling.head == .none)
    let table = try folder.openWeights()
    #expect(table.shape(of: "encoder.layer.5.output.LayerNorm.weight") == [384])
    #expect(table.contains("pooler.dense.weight") && !table.isLoadable("embeddings.position_ids"))
  }

  @Test("modules.json in either spelling, and what no pooler does")
  func modules() throws {
    func pooling(_ configuration: String, _ more: String = "") throws -> SentencePooling? {
      let scratch = try Scratch()
      _ = try scratch.file(
        "config.json", "{" + Self.bert.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ",") + "}")
      _ = try scratch.file(
        "modules.json", #"[{"path":"","type":"a.Transformer"},{"path":"1_Pooling","type":"x.y.Pooling"}\#(more)]"#)
      try FileManager.default.createDirectory(atPath: scratch.path + "/1_Pooling", withIntermediateDirectories: true)
      _ = try scratch.file("1_Pooling/config.json", configuration)
      return try ModelFolder(path: scratch.path).sentencePooling
    }
    #expect(try pooling(#"{"pooling_mode":"mean"}"#)?.pooler == "avg")
    #expect(try pooling(#"{"pooling_mode":["cls"]}"#)?.pooler == "cls")
    #expect(try pooling(#"{"pooling_mode_max_tokens":true}"#)?.pooler == "max")
    let both = try pooling(#"{"pooling_mode_max_tokens":true,"pooling_mode_cls_token":true}"#)
    #expect(both?.pooler == nil && both?.unsupported == "the pooling cls + max")
    #expect(
      try pooling(#"{"pooling_mode":"mean"}"#, #",{"path":"2_CNN","type":"x.CNN"}"#)?.unsupported == "the module CNN")
    #expect(errorText { _ = try pooling("{") }?.contains("1_Pooling/config.json: byte 1") == true)
    #expect(errorText { _ = try pooling(#"{"pooling_mode":"mean"}"#, #",{"path":"../x","type":"D"}"#) } != nil)
  }
}
