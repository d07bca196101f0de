// An embedder out of a model folder: `mixcse encode`, `mixcse evaluate`.

package import Encoder
package import Host
import Kernels
import Tokenizer

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

  /// Tokenizer, encoder, pooler, and the head and plugin weights that were stored with the model.
  ///
  /// A head that the folder holds belongs to the pooler the folder records, and is used with that one only.
  /// - Throws: errors of tokenizer, encoder and plugins; each names the file.
  package static func open(
    _ folder: ModelFolder, pooler: PoolerSpec, registry: PluginRegistry, services: HostServices,
    maximumLength: Int? = nil
  ) throws -> SentenceEmbedder {
    let limit = folder.configuration.maximumPositions
    if let maximumLength, !(2...limit).contains(maximumLength) {
      throw ObjectiveError.maximumLength(found: maximumLength, limit: limit)
    }
    let encoder = try TransformerEncoder(
      configuration: folder.configuration, weights: folder.openWeights(), pool: services.pool, seed: 0)
    let head = try pooler == recordedPooler(folder) ? folder.openHead() : nil
    let pooling = try PoolingStack(
      pooler: pooler, head: head == nil ? .none : .mlp, hiddenWidth: encoder.hiddenSize,
      layerCount: encoder.layerCount, registry: registry, services: services, seed: 0)
    if let head, let loaded = pooling.head {
      try head.copy("linear.weight", shape: loaded.weight.shape, into: loaded.weight.value)
      try head.copy("linear.bias", shape: loaded.bias.shape, into: loaded.bias.value)
    }
    if let stored = try folder.openPluginWeights() {
      for weight in pooling.instances.flatMap(\.weights) where stored.contains(weight.name) {
        try stored.copy(weight.name, shape: weight.shape, into: weight.value)
      }
    }
    return SentenceEmbedder(
      tokenizer: try TokenizerFolder.load(folder.path), encoder: encoder, pooling: pooling,
      maximumLength: maximumLength)
  }
}
