// Reads config.json into an EncoderConfiguration, key by key. `model_type` alone decides the family; nothing is guessed
// from a path. A key that is not there has the default of BertConfig or RobertaConfig of transformers, as many released
// files rely on; sizes that are no default's are found out by the shapes of the weights. Called by ModelFolder.

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
    let vocabularySize = try reader.integer(
      "vocab_size", 1...Int(Int32.max), default: family == .bert ? 30_522 : 50_265)
    let hiddenSize = try reader.integer("hidden_size", 1...1 << 16, default: 768)
    let layerCount = try reader.integer("num_hidden_layers", 1...4096, default: 12)
    let headCount = try reader.integer("num_attention_heads", 1...4096, default: 12)
    let intermediateSize = try reader.integer("intermediate_size", 1...1 << 20, default: 3072)
    let typeVocabularySize = try reader.integer("type_vocab_size", 1...1 << 16, default: 2)
    let layerNormEpsilon = try reader.number("layer_norm_eps", above: 0, below: 1, default: 1e-12)
    let hiddenDropout = try reader.number("hidden_dropout_prob", from: 0, below: 1, default: 0.1)
    let attentionDropout = try reader.number("attention_probs_dropout_prob", from: 0, below: 1, default: 0.1)
    let padTokenID = try reader.padTokenID(family, below: vocabularySize)
    let activation = try reader.activation()
    let positionOffset = family == .roberta ? padTokenID + 1 : 0
    let rows = try reader.integer(
      "max_position_embeddings", positionOffset + 1...1 << 24 + positionOffset, default: 512)
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
