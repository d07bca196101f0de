// `--frozen`: the head, the temperature and the weights of samplers and losses learn on vectors that were pooled once.
// Made by TrainingPlan, driven by TrainingRun like any other model.

package import Host
package import Kernels
package import Objective

/// A model whose encoder stays as it is.
package final class FrozenModel: ExportableModel {
  private let model: SentenceModel
  private let vectors: RowVectors
  private let batchVectors = ScratchBuffer()
  /// Head, learned temperatures, sampler and loss weights.
  package var parameters: [Parameter] { model.objective.parameters }

  /// - Parameters:
  ///   - model: what is exported, and whose objective learns; its poolers learn and remember nothing.
  ///   - vectors: of every row that will come.
  init(_ model: SentenceModel, vectors: RowVectors) {
    (self.model, self.vectors) = (model, vectors)
  }

  /// Those of the model.
  package var states: [CheckpointTensor] { model.states }
  /// Those of the model.
  package var closingLines: [String] { model.closingLines }
  /// Those of the model.
  package var exportedBytes: Int { model.exportedBytes }

  /// The step of the objective alone, on the vectors of the batch's rows.
  package func accumulate(_ batch: TokenBatch, at position: StepPosition, scale: Double) throws -> StepReport {
    let width = vectors.width
    let pooled = Matrix(
      batchVectors.reserve(batch.sequences * width), rows: batch.sequences, columns: width)
    vectors.gather(batch.rowIDs, into: pooled)
    try model.encodeFurther(batch, at: position)
    return try model.objective.trainStep(batch, pooled: pooled, at: position, lossScale: scale)
  }

  /// Those of the model.
  package func commit() throws -> [(name: String, value: Double)] { try model.commit() }

  /// As the model's.
  package func trained(by strategy: String, after step: Int) { model.trained(by: strategy, after: step) }

  /// The usual export, with the head.
  package func export(to folder: String) throws -> [String] { try model.export(to: folder) }
}
