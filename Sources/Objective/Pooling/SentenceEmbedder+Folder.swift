// An embedder out of a model folder: `mixcse encode`, `mixcse evaluate`.

package import Encoder
package import Host
import Kernels
package import ModelFiles
package import Tokenizer

extension SentenceEmbedder {
  /// The pooler a folder records (mixcse.json, else modules.json), or nil where it records none.
  /// - Throws: `ObjectiveError.unsupportedPooling` where the folder asks for a pooling this program does not have.
  package static func recordedPooler(_ folder: ModelFolder) throws -> PoolerSpec? {
    guard let record = folder.sentencePooling else { return nil }
    if let reason = record.unsupported {
      throw ObjectiveError.unsupportedPooling(folder: folder.path, reason: reason)
    }
    guard let text = record.pooler, !text.isEmpty else { return nil }
    return try PoolerSpec(parsing: text)
  }

  /// Whether `open` would put the model's own `pooler.dense` behind the pooler.
  package static func usesModelPooler(
    _ folder: ModelFolder, pooler: Pooler
  ) throws -> Bool {
    try FolderHead(folder, weights: folder.openWeights(), pooler: pooler)?.isModelPooler ?? false
  }

  /// Tokenizer, encoder, pooler, and the head and plugin weights that were stored with the model.
  ///
  /// A head that the folder holds belongs to the pooler the folder records, and is used with that one only. Where the
  /// folder records another one or none, a pooler that wants a head (`cls`) goes through the model's own
  /// `pooler.dense`, if it has one: what the reference calls cls; `cls_before_pooler` leaves it out.
  ///
  /// - Parameters:
  ///   - shared: an encoder of the same folder, not to be loaded twice; `tokenizer` likewise.
  /// - Throws: errors of tokenizer, encoder and plugins; each names the file.
  package static func open(
    _ folder: ModelFolder, pooler: Pooler, services: HostServices, maximumLength: Int? = nil,
    encoder shared: (any SentenceEncoder)? = nil, tokenizer: (any Tokenizer)? = nil
  ) throws -> SentenceEmbedder {
    let limit = folder.configuration.maximumPositions
    if let maximumLength, !(2...limit).contains(maximumLength) {
      throw ObjectiveError.maximumLength(found: maximumLength, limit: limit)
    }
    let weights = try folder.openWeights()
    let encoder: any SentenceEncoder =
      try shared
      ?? TransformerEncoder(configuration: folder.configuration, weights: weights, pool: services.pool, seed: 0)
    let head = try FolderHead(folder, weights: weights, pooler: pooler)
    let pooling = try PoolingStack(
      pooler: pooler, head: head == nil ? .none : .mlp, hiddenWidth: encoder.hiddenSize,
      layerCount: encoder.layerCount, services: services, seed: 0)
    if let head, let loaded = pooling.head { try head.copy(into: loaded) }
    if let stored = try folder.openPluginWeights() {
      for weight in pooling.instances.flatMap(\.weights) where stored.contains(weight.name) {
        try stored.copy(weight.name, shape: weight.shape, into: weight.value)
      }
    }
    return SentenceEmbedder(
      tokenizer: try tokenizer ?? TokenizerFolder.load(folder.path), encoder: encoder, pooling: pooling,
      maximumLength: maximumLength)
  }
}
