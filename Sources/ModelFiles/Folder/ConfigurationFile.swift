// Reads config.json into an EncoderConfiguration, key by key. `model_type` alone decides the family; nothing is guessed
// from a path, and nothing has a silent default. Called by ModelFolder.

package import Encoder
import Files

extension EncoderConfiguration {
  /// Reads a Hugging Face config.json.
  /// - Throws: `FileError`, `ModelFileError` naming file, key, what was expected and what was found.
  package init(contentsOf path: String) throws {
    try self.init(try InputFile.json(path: path, expected: "a Hugging Face config.json"), path: path)
  }

  /// Interprets parsed config.json; `path` is for messages only.
  init(_ json: JSONValue, path: String) throws {
    let reader = try ConfigurationReader(json, path: path)
    let family = try reader.family()
    try reader.refuseUnsupported()
    let vocabularySize = try reader.integer("vocab_size", 1...Int(Int32.max))
    let hiddenSize = try reader.integer("hidden_size", 1...1 << 16)
    let layerCount = try reader.integer("num_hidden_layers", 1...4096)
    let headCount = try reader.integer("num_attention_heads", 1...4096)
    let intermediateSize = try reader.integer("intermediate_size", 1...1 << 20)
    let typeVocabularySize = try reader.integer("type_vocab_size", 1...1 << 16)
    let layerNormEpsilon = try reader.number("layer_norm_eps", above: 0, below: 1)
    let hiddenDropout = try reader.number("hidden_dropout_prob", from: 0, below: 1)
    let attentionDropout = try reader.number("attention_probs_dropout_prob", from: 0, below: 1)
    let padTokenID = try reader.integer("pad_token_id", 0...vocabularySize - 1)
    let activation = try reader.activation()
    let positionOffset = family == .roberta ? padTokenID + 1 : 0
    let rows = try reader.integer("max_position_embeddings", positionOffset + 1...1 << 24 + positionOffset)
    guard hiddenSize % headCount == 0 else {
      throw reader.error("num_attention_heads", expected: "a divisor of hidden_size \(hiddenSize)")
    }
    self.init(
      family: family, vocabularySize: vocabularySize, hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, intermediateSize: intermediateSize, maximumPositions: rows - positionOffset,
      typeVocabularySize: typeVocabularySize, layerNormEpsilon: layerNormEpsilon, hiddenDropout: hiddenDropout,
      attentionDropout: attentionDropout, padTokenID: padTokenID, positionOffset: positionOffset,
      activation: activation)
  }
}

/// Takes typed values out of config.json, with errors that name key and file.
struct ConfigurationReader {
  private let object: JSONObject
  private let path: String

  init(_ json: JSONValue, path: String) throws {
    guard let object = json.object else {
      throw FileError.malformed(path: path, place: "the file", expected: "a JSON object", found: json.summary)
    }
    self.object = object
    self.path = path
  }

  func error(_ key: String, expected: String) -> FileError {
    let found = object[key].map(\.summary) ?? "no such key"
    return .malformed(path: path, place: "key \"\(key)\"", expected: expected, found: found)
  }

  func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int {
    guard let value = object[key]?.integer, range.contains(value) else {
      throw error(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func number(_ key: String, above: Double = -.infinity, from: Double = -.infinity, below: Double) throws -> Float {
    guard let value = object[key]?.double, value > above, value >= from, value < below, Float(value) > Float(above)
    else {
      let low = from == -.infinity ? "above \(above)" : "at least \(from)"
      throw error(key, expected: "a number \(low) and below \(below)")
    }
    return Float(value)
  }

  func family() throws -> EncoderConfiguration.Family {
    let supported = EncoderConfiguration.Family.allCases.map(\.rawValue).joined(separator: ", ")
    guard let name = object["model_type"]?.string else {
      throw error("model_type", expected: "one of \(supported)")
    }
    guard let family = EncoderConfiguration.Family(rawValue: name) else {
      throw ModelFileError.unsupported(path: path, what: "model_type", found: "\"\(name)\"", supported: supported)
    }
    return family
  }

  func activation() throws -> EncoderConfiguration.Activation {
    guard let name = object["hidden_act"]?.string else {
      throw error("hidden_act", expected: "gelu, gelu_new or relu")
    }
    switch name {
    case "gelu", "gelu_python": return .gelu
    case "gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh": return .geluTanh
    case "relu": return .relu
    default:
      throw ModelFileError.unsupported(
        path: path, what: "hidden_act", found: "\"\(name)\"", supported: "gelu, gelu_new, gelu_pytorch_tanh, relu")
    }
  }

  /// Switches that change the computation and that this encoder does not have.
  func refuseUnsupported() throws {
    if let kind = object["position_embedding_type"], kind != .string("absolute"), kind != .null {
      throw ModelFileError.unsupported(
        path: path, what: "position_embedding_type", found: kind.summary, supported: "absolute")
    }
    for key in ["is_decoder", "add_cross_attention", "is_encoder_decoder"] {
      if let value = object[key], value != .bool(false), value != .null {
        throw ModelFileError.unsupported(path: path, what: key, found: value.summary, supported: "false")
      }
    }
    if let quantization = object["quantization_config"], quantization != .null {
      throw ModelFileError.unsupported(
        path: path, what: "quantization_config", found: quantization.summary, supported: "F32, F16 and BF16 weights")
    }
  }
}
