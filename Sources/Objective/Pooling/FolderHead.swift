// The head that a model folder holds for a pooler: the one it was trained with, or one among the encoder's weights.
// Used where embedders are opened.

import Host
import Kernels
import ModelFiles

/// A Linear and tanh stored in a model folder.
package struct FolderHead {
  /// The head among the encoder's weights: BERT's `pooler.dense`, or `mlp.dense` of a checkpoint of SimCSE or MixCSE
  /// that was not converted; nil for the head that the folder records.
  package let layer: String?
  private let weights: WeightTable
  private let prefix: String

  /// Nil where the folder holds no head for `pooler`.
  /// - Throws: errors of the folder.
  init?(_ folder: ModelFolder, weights: WeightTable, pooler: Pooler) throws {
    if try pooler.spec == SentenceEmbedder.usablePooler(folder) {
      guard let stored = try folder.openHead() else { return nil }
      (self.weights, prefix, layer) = (stored, "linear", nil)
    } else {
      guard Self.usesModelPooler(folder, pooler),
        let head = Self.layers.first(where: { head in weights.contains(head.prefix + ".weight") })
      else { return nil }
      (self.weights, prefix, layer) = (weights, head.prefix, head.layer)
    }
  }

  /// A head of contrastive training goes before BERT's own, which such checkpoints still carry.
  private static let layers = [
    (prefix: "head.dense", layer: "mlp.dense"), (prefix: "pooler.dense", layer: "pooler.dense"),
  ]

  /// BERT's pooler.dense belongs to the pooler that wants a head of its shape behind it. A folder trained here keeps
  /// its source's pooler.dense, which has no part in its embeddings.
  private static func usesModelPooler(_ folder: ModelFolder, _ pooler: Pooler) -> Bool {
    folder.sentencePooling?.origin != .mixcse && pooler.wantsHead
  }

  func copy(into head: MLPHead) throws {
    try weights.copy(prefix + ".weight", shape: head.weight.shape, into: head.weight.value)
    try weights.copy(prefix + ".bias", shape: head.bias.shape, into: head.bias.value)
  }
}
