// Reads config.json into an EncoderConfiguration, key by key. `model_type` alone decides the architecture; nothing is
// guessed from a path. A key that is not there has the default of transformers, as many released files rely on. Called
// by ModelFolder.

package import Encoder
package import Files

extension EncoderConfiguration {
  /// Reads a Hugging Face config.json.
  /// - Throws: `FileError`, `ModelFileError` naming file, key, what was expected and what was found.
  package init(contentsOf path: String) throws {
    let json = try InputFile.json(path: path, expected: "a Hugging Face config.json")
    guard let object = json.object else {
      throw FileError.malformed(path: path, place: "the file", expected: "a JSON object", found: json.summary)
    }
    try self.init(object, path: path)
  }

  /// Interprets parsed config.json; `path` is for messages only.
  /// - Throws: as `init(contentsOf:)`.
  package init(_ object: JSONObject, path: String) throws {
    let reader = ConfigurationReader(object, path: path)
    let format = try reader.format()
    try reader.refuse(by: format.rules)
    let vocabularySize = try reader.integer(format.vocabularySize, 1...Int(Int32.max))
    let hiddenSize = try reader.integer(format.hiddenSize, 1...1 << 16)
    let headCount = try reader.integer(format.headCount, 1...4096)
    let padTokenID = try reader.padTokenID(format, below: vocabularySize)
    let positionOffset = format.countsBehindPadding ? padTokenID + 1 : 0
    let rows = try reader.integer(format.positionRows, positionOffset + 1...1 << 24 + positionOffset)
    guard hiddenSize % headCount == 0 else {
      throw reader.error(format.headCount.name, expected: "a divisor of \(format.hiddenSize.name) \(hiddenSize)")
    }
    let layerCount = try reader.integer(format.layerCount, 1...4096)
    self.init(
      family: format.family, vocabularySize: vocabularySize, hiddenSize: hiddenSize, layerCount: layerCount,
      headCount: headCount, intermediateSize: try reader.integer(format.intermediateSize, 1...1 << 20),
      maximumPositions: rows - positionOffset,
      typeVocabularySize: try format.typeVocabularySize.map { try reader.integer($0, 1...1 << 16) } ?? 0,
      layerNormEpsilon: try format.layerNormEpsilon.map { try reader.number($0, above: 0, below: 1) } ?? 1e-12,
      hiddenDropout: try reader.number(format.hiddenDropout, from: 0, below: 1),
      attentionDropout: try reader.number(format.attentionDropout, from: 0, below: 1), padTokenID: padTokenID,
      positionOffset: positionOffset, activation: try reader.activation(format.activation),
      embeddingSize: try format.embeddingSize.map { try reader.integer($0, 1...1 << 16) },
      taskTypes: try reader.taskTypes(format),
      distanceBuckets: try format.distanceBuckets.map { try reader.integer($0, 32...1 << 16) } ?? 0,
      layerGroups: try format.layerGroups.map { try reader.integer($0, 1...layerCount) })
    if let keys = format.modernLayers { try reader.read(keys, into: &self, format) }
  }
}
