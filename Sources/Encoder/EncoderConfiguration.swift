// What config.json says about an encoder, checked key by key. `model_type` alone decides the family; nothing is
// guessed from a path, and nothing has a silent default. Read by ModelFolder, used by TransformerEncoder.

import Files

/// The shape and constants of a BERT or RoBERTa encoder.
package struct EncoderConfiguration: Sendable, Equatable {
  package enum Family: String, Sendable, CaseIterable { case bert, roberta }

  package enum Activation: Sendable, Equatable {
    /// x * Phi(x), by the error function.
    case gelu
    /// The tanh approximation of GELU.
    case geluTanh
    case relu
  }

  package var family: Family
  package var vocabularySize: Int
  package var hiddenSize: Int
  /// Transformer layers, without the embedding layer.
  package var layerCount: Int
  package var headCount: Int
  package var intermediateSize: Int
  /// Tokens a sequence may have: the rows of the position table less `positionOffset`.
  package var maximumPositions: Int
  package var typeVocabularySize: Int
  package var layerNormEpsilon: Float
  /// Probabilities in [0, 1).
  package var hiddenDropout: Float
  package var attentionDropout: Float
  package var padTokenID: Int
  /// The row of the position table that the first token uses: 0 for BERT, `padTokenID + 1` for RoBERTa.
  package var positionOffset: Int
  package var activation: Activation

  /// Rows of `embeddings.position_embeddings.weight`.
  package var positionRows: Int { maximumPositions + positionOffset }

  package init(
    family: Family, vocabularySize: Int, hiddenSize: Int, layerCount: Int, headCount: Int, intermediateSize: Int,
    maximumPositions: Int, typeVocabularySize: Int, layerNormEpsilon: Float = 1e-12, hiddenDropout: Float = 0.1,
    attentionDropout: Float = 0.1, padTokenID: Int = 0, positionOffset: Int = 0, activation: Activation = .gelu
  ) {
    self.family = family
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.headCount = headCount
    self.intermediateSize = intermediateSize
    self.maximumPositions = maximumPositions
    self.typeVocabularySize = typeVocabularySize
    self.layerNormEpsilon = layerNormEpsilon
    self.hiddenDropout = hiddenDropout
    self.attentionDropout = attentionDropout
    self.padTokenID = padTokenID
    self.positionOffset = positionOffset
    self.activation = activation
  }

  /// Reads a Hugging Face config.json.
  /// - Throws: `EncoderError` naming file, key, what was expected and what was found.
  package init(contentsOf path: String) throws {
    try self.init(try InputFile.json(path: path, expected: "a Hugging Face config.json"), path: path)
  }

  /// Interprets parsed config.json; `path` is for messages only.
  init(_ json: JSONValue, path: String) throws {
    let reader = try ConfigurationReader(json, path: path)
    family = try reader.family()
    try reader.refuseUnsupported()
    vocabularySize = try reader.integer("vocab_size", 1...Int(Int32.max))
    hiddenSize = try reader.integer("hidden_size", 1...1 << 16)
    layerCount = try reader.integer("num_hidden_layers", 1...4096)
    headCount = try reader.integer("num_attention_heads", 1...4096)
    intermediateSize = try reader.integer("intermediate_size", 1...1 << 20)
    typeVocabularySize = try reader.integer("type_vocab_size", 1...1 << 16)
    layerNormEpsilon = try reader.number("layer_norm_eps", above: 0, below: 1)
    hiddenDropout = try reader.number("hidden_dropout_prob", from: 0, below: 1)
    attentionDropout = try reader.number("attention_probs_dropout_prob", from: 0, below: 1)
    padTokenID = try reader.integer("pad_token_id", 0...vocabularySize - 1)
    activation = try reader.activation()
    positionOffset = family == .roberta ? padTokenID + 1 : 0
    let rows = try reader.integer("max_position_embeddings", positionOffset + 1...1 << 24 + positionOffset)
    maximumPositions = rows - positionOffset
    guard hiddenSize % headCount == 0 else {
      throw reader.error("num_attention_heads", expected: "a divisor of hidden_size \(hiddenSize)")
    }
  }
}

/// Takes typed values out of config.json, with errors that name key and file.
struct ConfigurationReader {
  private let object: JSONObject
  private let path: String

  init(_ json: JSONValue, path: String) throws {
    guard let object = json.object else {
      throw EncoderError.malformed(path: path, place: "the file", expected: "a JSON object", found: json.summary)
    }
    self.object = object
    self.path = path
  }

  func error(_ key: String, expected: String) -> EncoderError {
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
      throw EncoderError.unsupported(path: path, what: "model_type", found: "\"\(name)\"", supported: supported)
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
      throw EncoderError.unsupported(
        path: path, what: "hidden_act", found: "\"\(name)\"", supported: "gelu, gelu_new, gelu_pytorch_tanh, relu")
    }
  }

  /// Switches that change the computation and that this encoder does not have.
  func refuseUnsupported() throws {
    if let kind = object["position_embedding_type"], kind != .string("absolute"), kind != .null {
      throw EncoderError.unsupported(
        path: path, what: "position_embedding_type", found: kind.summary, supported: "absolute")
    }
    for key in ["is_decoder", "add_cross_attention", "is_encoder_decoder"] {
      if let value = object[key], value != .bool(false), value != .null {
        throw EncoderError.unsupported(path: path, what: key, found: value.summary, supported: "false")
      }
    }
    if let quantization = object["quantization_config"], quantization != .null {
      throw EncoderError.unsupported(
        path: path, what: "quantization_config", found: quantization.summary, supported: "F32, F16 and BF16 weights")
    }
  }
}
