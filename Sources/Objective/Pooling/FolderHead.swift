// The head that a model folder holds for a pooler: the one it was trained with, or BERT's own pooler. Used where
// embedders are opened.

import Host
import Kernels
import ModelFiles

/// A Linear and tanh stored in a model folder.
package struct FolderHead {
  /// Whether it is BERT's `pooler.dense` rather than a head of contrastive training.
  package let isModelPooler: Bool
  private let weights: WeightTable
  private let prefix: String

  /// Nil where the folder holds no head for `pooler`.
  /// - Throws: errors of the folder.
  init?(_ folder: ModelFolder, weights: WeightTable, pooler: Pooler) throws {
    if try pooler.spec == SentenceEmbedder.recordedPooler(folder) {
      guard let stored = try folder.openHead() else { return nil }
      (self.weights, prefix, isModelPooler) = (stored, "linear", false)
    } else {
      guard Self.usesModelPooler(folder, pooler), weights.contains("pooler.dense.weight") else {
        return nil
      }
      (self.weights, prefix, isModelPooler) = (weights, "pooler.dense", true)
    }
  }

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
