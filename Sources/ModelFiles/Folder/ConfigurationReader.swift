// Typed values out of config.json, with errors that name key and file. Called by EncoderConfiguration's reader.

import Encoder
import Files

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
    guard let value = object[key] else {
      return .malformed(
        path: path, place: "key \"\(key)\"", expected: expected, found: "no such key", advice: "Add it to the file")
    }
    return .malformed(path: path, place: "key \"\(key)\"", expected: expected, found: value.summary)
  }

  func integer(_ key: String, _ range: ClosedRange<Int>, default standard: Int) throws -> Int {
    guard let value = (object[key] ?? .integer(standard)).integer, range.contains(value) else {
      throw error(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// The token that fills up batches elsewhere. BERT does without where it is null: no row is set apart then.
  func padTokenID(_ family: EncoderConfiguration.Family, below vocabularySize: Int) throws -> Int {
    if family == .bert, object["pad_token_id"] == .null { return 0 }
    return try integer("pad_token_id", 0...vocabularySize - 1, default: family == .bert ? 0 : 1)
  }

  func number(
    _ key: String, above: Double = -.infinity, from: Double = -.infinity, below: Double, default standard: Double
  ) throws -> Float {
    guard let value = (object[key] ?? .number(standard)).double, value > above, value >= from, value < below,
      Float(value) > Float(above)
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
    guard let name = (object["hidden_act"] ?? .string("gelu")).string else {
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
