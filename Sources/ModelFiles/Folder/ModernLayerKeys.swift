// What config.json says of layers as ModernBERT has them: which maps have biases, how places turn queries and keys,
// which layers see only near tokens. Both generations of names are read: those of transformers 5 go before the older
// ones. Called by EncoderConfiguration's reader.
// Source: models/modernbert/configuration_modernbert.py of transformers 5.24.

import Encoder
import Files

/// The keys of such layers.
struct ModernLayerKeys: Sendable {
  typealias Key = ArchitectureFormat.Key

  var attentionBias = Key("attention_bias", false)
  var feedForwardBias = Key("mlp_bias", false)
  var normBias = Key("norm_bias", false)
  var headBias = Key("classifier_bias", false)
  var wordBias = Key("decoder_bias", true)
  var headActivation = Key("classifier_activation", "gelu")
  /// The rate before the second feed-forward map; here that of hidden states.
  var activationDropout = Key("mlp_dropout", 0.0)
  /// Tokens that one sees, on both sides together.
  var window = Key("local_attention", 128)
  var globalInterval = Key("global_attn_every_n_layers", 3)
  var globalBase = Key("global_rope_theta", 160_000.0)
  var localBase = Key("local_rope_theta", 10_000.0)

  static let (globalType, localType) = ("full_attention", "sliding_attention")

  /// Keys that are read beside the table, and those of the class that change nothing here.
  static let rules: [String: SettingRules.Rule] = Dictionary(
    uniqueKeysWithValues: [
      "attention_bias", "mlp_bias", "norm_bias", "classifier_bias", "decoder_bias", "classifier_activation",
      "mlp_dropout", "local_attention", "sliding_window", "global_attn_every_n_layers", "global_rope_theta",
      "local_rope_theta", "layer_types", "rope_parameters", "rope_scaling", "head_dim",
    ].map { ($0, .read) }
  ).merging(
    [
      "classifier_pooling": .harmless, "cls_token_id": .harmless, "sep_token_id": .harmless,
      "sparse_prediction": .harmless, "sparse_pred_ignore_index": .harmless, "initializer_cutoff_factor": .harmless,
      "deterministic_flash_attn": .harmless, "reference_compile": .harmless, "layer_norm_eps": .harmless,
    ]
  ) { $1 }
}

extension ConfigurationReader {
  /// Reads the keys of ModernBERT's layers; sizes stand in `configuration` already.
  func read(
    _ keys: ModernLayerKeys, into configuration: inout EncoderConfiguration, _ format: ArchitectureFormat
  ) throws {
    configuration.biases.attention = try flag(keys.attentionBias)
    configuration.biases.feedForward = try flag(keys.feedForwardBias)
    configuration.biases.norms = try flag(keys.normBias)
    configuration.biases.head = try flag(keys.headBias)
    configuration.biases.words = try flag(keys.wordBias)
    configuration.headActivation = try activation(keys.headActivation)
    let dropout = try number(keys.activationDropout, from: 0, below: 1)
    guard dropout == configuration.hiddenDropout else {
      throw ModelFileError.unsupported(
        path: path, what: keys.activationDropout.name, found: "\(dropout)",
        supported: "\(configuration.hiddenDropout), as \(format.hiddenDropout.name)")
    }
    let width = configuration.hiddenSize / configuration.headCount
    guard width % 2 == 0 else {
      throw error(format.headCount.name, expected: "a divisor of \(format.hiddenSize.name) that leaves an even width")
    }
    try refuse("head_dim", unless: width)
    let reach = try integer(keys.window, 0...1 << 24) / 2
    try refuse("sliding_window", unless: reach)
    configuration.rotation = try rotation(keys)
    configuration.localAttention = EncoderConfiguration.LocalAttention(
      layers: try localLayers(keys, count: configuration.layerCount), reach: reach)
  }

  /// Refuses another number than the one that follows from other keys.
  private func refuse(_ key: String, unless number: Int) throws {
    guard let value = object[key], value != .null, value != .integer(number) else { return }
    throw ModelFileError.unsupported(path: path, what: key, found: value.summary, supported: "\(number)")
  }

  private func localLayers(_ keys: ModernLayerKeys, count: Int) throws -> Set<Int> {
    guard let value = object["layer_types"], value != .null else {
      let interval = try integer(keys.globalInterval, 1...1 << 16)
      return Set((0..<count).filter { $0 % interval != 0 })
    }
    guard let list = value.array, list.count == count else {
      throw error("layer_types", expected: "a list with one entry for each of \(count) layers")
    }
    return Set(
      try list.enumerated().compactMap { layer, type in
        switch type.string {
        case ModernLayerKeys.globalType: return nil
        case ModernLayerKeys.localType: return layer
        default:
          throw ModelFileError.unsupported(
            path: path, what: "layer_types", found: type.summary,
            supported: "\"\(ModernLayerKeys.globalType)\", \"\(ModernLayerKeys.localType)\"")
        }
      })
  }

  /// The bases of both kinds of layers: those of `rope_parameters`, by kind, else the older keys. `rope_scaling`
  /// changes both.
  private func rotation(_ keys: ModernLayerKeys) throws -> EncoderConfiguration.Rotation {
    let types = [ModernLayerKeys.globalType, ModernLayerKeys.localType]
    let parameters = try member("rope_parameters")
    for key in parameters?.members ?? [] where key.value != .null && !types.contains(key.key) {
      throw ModelFileError.unsupported(
        path: path, what: "rope_parameters", found: "\"\(key.key)\"",
        supported: types.map { "\"\($0)\"" }.joined(separator: ", "))
    }
    let scaling = try member("rope_scaling")
    func base(_ type: String, _ key: ArchitectureFormat.Key<Double>) throws -> Float {
      let own = try parameters.flatMap { try member(type, of: $0, "rope_parameters") }
      try refuseScaling(own, "rope_parameters")
      for object in [scaling, own] {
        guard let value = object?["rope_theta"] else { continue }
        guard let base = value.double, base > 0, base < 1e30 else {
          throw error(
            object == scaling ? "rope_scaling" : "rope_parameters", expected: "a \"rope_theta\" above 0")
        }
        return Float(base)
      }
      return try number(key, above: 0, below: 1e30)
    }
    try refuseScaling(scaling, "rope_scaling")
    return EncoderConfiguration.Rotation(
      globalBase: try base(types[0], keys.globalBase), localBase: try base(types[1], keys.localBase))
  }

  /// Angles that are stretched for long texts are not built.
  private func refuseScaling(_ object: JSONObject?, _ key: String) throws {
    guard let kind = object?["rope_type"] ?? object?["type"], kind != .string("default") else { return }
    throw ModelFileError.unsupported(
      path: path, what: key, found: "\"rope_type\" \(kind.text(indent: nil))", supported: "\"default\"")
  }

  private func member(_ key: String) throws -> JSONObject? { try member(key, of: object, key) }

  /// The object under a key; nil where there is none.
  private func member(_ key: String, of object: JSONObject, _ named: String) throws -> JSONObject? {
    guard let value = object[key], value != .null else { return nil }
    guard let inner = value.object else { throw error(named, expected: "an object with \"rope_theta\"") }
    return inner
  }
}
