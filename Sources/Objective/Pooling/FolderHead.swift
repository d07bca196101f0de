// What a model folder holds behind a pooler: the modules it records, or a head among the encoder's weights. Used where
// embedders are opened.

import Host
import Kernels
import ModelFiles

/// What comes behind a pooler where a folder is opened with it.
package struct FolderHead {
  /// The head among the encoder's weights: BERT's `pooler.dense`, or `mlp.dense` of a checkpoint of SimCSE or MixCSE
  /// that was not converted; nil where it is none of these.
  package let layer: String?
  /// Modules that the folder records and that are left out, since they belong to its own pooling.
  package let leftOut: String?
  private let modules: [VectorModule]

  /// - Parameters:
  ///   - weights: the encoder's.
  ///   - keepsLength: leave a Normalize module at the end out.
  /// - Throws: errors of the folder.
  init(_ folder: ModelFolder, weights: WeightTable, pooler: Pooler, keepsLength: Bool = false) throws {
    let record = folder.sentencePooling
    let isOwn = try pooler.spec.chain == SentenceEmbedder.usablePooler(folder)?.chain
    let usesLearned = isOwn && !pooler.spec.skipsHead
    var modules = (record?.modules ?? []).filter { usesLearned || !$0.hasWeights }
    if keepsLength, let last = modules.lastIndex(of: .normalize), !modules[last...].contains(where: \.hasWeights) {
      modules.remove(at: last)
    }
    self.modules = modules
    leftOut = usesLearned || isOwn && record?.origin == .mixcse ? nil : record?.learnedModules
    guard !isOwn, Self.usesModelPooler(folder, pooler),
      let head = Self.layers.first(where: { weights.contains($0 + ".weight") })
    else {
      layer = nil
      return
    }
    layer = head
  }

  /// A head of contrastive training goes before BERT's own, which such checkpoints still carry.
  private static let layers = [
    "mlp.dense", "pooler.dense",
    "pooler",  // ALBERT's
  ]

  /// BERT's pooler.dense belongs to the pooler that wants a head of its shape behind it. A folder trained here keeps
  /// its source's pooler.dense, which has no part in its embeddings.
  private static func usesModelPooler(_ folder: ModelFolder, _ pooler: Pooler) -> Bool {
    folder.sentencePooling?.origin != .mixcse && pooler.wantsHead
  }

  /// The steps with their weights; nil where there are none.
  func chain(_ folder: ModelFolder, weights: WeightTable, width: Int) throws -> VectorChain? {
    guard layer != nil || !modules.isEmpty else { return nil }
    return try VectorChain(
      head: layer.map { ($0, weights) }, modules, inputWidth: width, weights: folder.openModule)
  }
}
