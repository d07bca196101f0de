// A BERT of a few thousand weights as a Hugging Face folder, and sentences it has words for: lets tests run the whole
// program in milliseconds, without the real model.

import Foundation
import Kernels

/// A small random model and text for it; the same bytes every time.
public struct TinyModel {
  public var hiddenSize = 32
  public var layers = 2
  public var words = 80

  /// Whether the folder holds BERT's own pooler, `pooler.dense`.
  public var withPooler = false

  public init(hiddenSize: Int = 32, layers: Int = 2, words: Int = 80, withPooler: Bool = false) {
    self.withPooler = withPooler
    self.hiddenSize = hiddenSize
    self.layers = layers
    self.words = words
  }

  /// Writes config.json, model.safetensors and vocab.txt.
  public func write(to folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + (0..<words).map(word)
    try (vocabulary.joined(separator: "\n") + "\n").write(
      toFile: folder + "/vocab.txt", atomically: true, encoding: .utf8)
    let config = """
      {"model_type": "bert", "vocab_size": \(vocabulary.count), "hidden_size": \(hiddenSize), "hidden_act": "gelu",
       "num_hidden_layers": \(layers), "num_attention_heads": 2, "intermediate_size": \(hiddenSize * 2),
       "max_position_embeddings": 40, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0,
       "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
      """
    try config.write(toFile: folder + "/config.json", atomically: true, encoding: .utf8)
    try weights(vocabulary.count).write(to: URL(fileURLWithPath: folder + "/model.safetensors"))
  }

  /// `count` sentences of three to nine words, most of them different.
  public func sentences(_ count: Int, seed: UInt64 = 1) -> [String] {
    let stream = RandomStream(seed: seed, name: "tiny.sentences")
    return (0..<count).map { line in
      let length = 3 + Int(stream.bits(step: UInt64(line), index: 0) % 7)
      return (1...length).map { word(Int(stream.bits(step: UInt64(line), index: UInt64($0)) % UInt64(words))) }
        .joined(separator: " ")
    }
  }

  /// Pairs with scores from 0 to 5, tab-separated: sentence, sentence, score.
  public func pairs(_ count: Int) -> String {
    let lines = sentences(2 * count, seed: 2)
    return (0..<count).map { "\(lines[2 * $0])\t\(lines[2 * $0 + 1])\t\(Double($0 * 7 % 11) / 2.2)\n" }.joined()
  }

  private func word(_ index: Int) -> String { "word" + String(index, radix: 36) }

  private func shapes(_ vocabulary: Int) -> [(name: String, shape: [Int])] {
    let h = hiddenSize
    var result = [
      ("embeddings.word_embeddings.weight", [vocabulary, h]), ("embeddings.position_embeddings.weight", [40, h]),
      ("embeddings.token_type_embeddings.weight", [2, h]), ("embeddings.LayerNorm.weight", [h]),
      ("embeddings.LayerNorm.bias", [h]),
    ]
    for layer in 0..<layers {
      let parts = [
        ("attention.self.query", [h, h]), ("attention.self.key", [h, h]), ("attention.self.value", [h, h]),
        ("attention.output.dense", [h, h]), ("attention.output.LayerNorm", [h]), ("intermediate.dense", [2 * h, h]),
        ("output.dense", [h, 2 * h]), ("output.LayerNorm", [h]),
      ]
      for (name, shape) in parts {
        result.append(("encoder.layer.\(layer).\(name).weight", shape))
        result.append(("encoder.layer.\(layer).\(name).bias", [shape[0]]))
      }
    }
    if withPooler { result += [("pooler.dense.weight", [h, h]), ("pooler.dense.bias", [h])] }
    return result
  }

  private func weights(_ vocabulary: Int) -> Data {
    var header: [String: Any] = [:]
    var body = Data()
    for (name, shape) in shapes(vocabulary) {
      let count = shape.reduce(1, *)
      var values = [Float](repeating: 0, count: count)
      values.withUnsafeMutableBufferPointer { RandomStream(seed: 7, name: name).normal(step: 0, offset: 0, into: $0) }
      let isNorm = name.hasSuffix("LayerNorm.weight")
      values = values.map { isNorm ? 1 + $0 * 0.05 : $0 * 0.15 }
      header[name] = ["dtype": "F32", "shape": shape, "data_offsets": [body.count, body.count + 4 * count]]
      values.withUnsafeBytes { body.append(contentsOf: $0) }
    }
    let text = (try? JSONSerialization.data(withJSONObject: header, options: .sortedKeys)) ?? Data()
    var length = UInt64(text.count).littleEndian
    return Data(bytes: &length, count: 8) + text + body
  }
}
