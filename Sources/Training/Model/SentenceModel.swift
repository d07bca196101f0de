// Encoder, poolers, head and objective as one thing that learns and can be written as a Hugging Face folder.
// Made by TrainingPlan, driven by TrainingRun.

package import Encoder
package import Host
package import Kernels
package import ModelFiles
package import Objective

/// The model of a training run.
package final class SentenceModel: ExportableModel {
  /// How the model is written down.
  package struct ExportSettings: Sendable {
    /// The pooler as typed.
    package var pooler: String
    /// The head serves training only.
    package var dropsHead: Bool
    /// Temperature, strategy and versions for mixcse.json.
    package var record: ModelExport.Record
  }

  /// The folder it came from.
  package let source: ModelFolder
  /// From tokens to hidden states.
  package let encoder: any SentenceEncoder
  /// The same as batches go through it, some texts at a time.
  let passes: any SentenceEncoder
  /// The same with batches whole, for texts to be embedded: shared out where there are several ranks.
  let embedding: any SentenceEncoder
  /// How many texts that is; nil: all.
  let chunkSize: Int?
  /// From hidden states to the loss.
  package let objective: ContrastiveModel
  /// Of encoder, objective and masked language modelling, in this order.
  package var parameters: [Parameter] {
    encoder.parameters + objective.parameters + (masked?.head.parameters ?? [])
  }
  private var export: ExportSettings
  private let seal: ModelSeal?
  private let masked: MaskedLanguageObjective?
  /// Encodings of a batch beside the one that is trained.
  private let further: FurtherEncodings?
  let hiddenDropout, attentionDropout: Float
  /// Of all random numbers of the run.
  let seed: UInt64
  private var gradients: [FloatBuffer] = []

  /// `ranks` is `encoder` where several processes share its work; `dropout` replaces both of the model's own
  /// probabilities; `masked` adds masked language modelling; `further` makes what samplers and losses ask for beside
  /// the embeddings.
  init(
    source: ModelFolder, encoder: any SentenceEncoder, ranks: (any SentenceEncoder)? = nil, chunkSize: Int? = nil,
    objective: ContrastiveModel, dropout: Double?,
    seed: UInt64, export: ExportSettings, seal: ModelSeal? = nil, masked: MaskedLanguageObjective? = nil,
    further: FurtherEncodings? = nil
  ) {
    self.source = source
    (self.encoder, self.chunkSize) = (encoder, chunkSize)
    embedding = ranks ?? encoder
    passes = ChunkedEncoder.of(embedding, size: chunkSize)
    self.objective = objective
    self.export = export
    self.seal = seal
    self.masked = masked
    self.further = further
    self.seed = seed
    hiddenDropout = dropout.map(Float.init) ?? source.shape.hiddenDropout
    attentionDropout = dropout.map(Float.init) ?? source.shape.attentionDropout
  }

  /// The encoder's: a plugin's, or that of all ranks.
  package var device: (any DeviceWeights)? { embedding.device }
  /// Moving averages of the weights.
  package var averages: [CheckpointTensor] { further?.tensors ?? [] }
  /// What plugins keep between steps.
  package var states: [CheckpointTensor] { objective.checkpointTensors }
  /// What shadows and the encoder have to say at the end.
  package var closingLines: [String] {
    let peak = (encoder as? PluginEncoder)?.calls.peakMemory ?? 0
    return objective.closingLines + (peak > 0 ? ["encoder: peak device memory \(mebibytes(Int(peak)))"] : [])
  }

  /// One batch forward and backward; with masked language modelling a second pass over a masked copy.
  package func accumulate(_ batch: TokenBatch, at position: StepPosition, scale: Double) throws -> StepReport {
    try further?.fill(batch, for: self, at: position)
    let hidden = try passes.forward(batch.packed, request: objective.layerRequest, mode: mode(position.batch))
    let dHidden = gradientMatrices(like: hidden)
    var report = try objective.trainStep(batch, hidden: hidden, dHidden: dHidden, at: position, lossScale: scale)
    try passes.backward(dHidden)
    let guessed = try masked?.accumulate(
      batch, through: passes, batchNumber: position.batch, scale: scale, hiddenDropout: hiddenDropout,
      attentionDropout: attentionDropout)
    if let guessed {
      report.loss += guessed.weighted
      report.metrics.append(("mlmLoss", guessed.loss))
    }
    return report
  }

  /// Lets plugins take the batch into their states; returns their metrics. The loop holds a copy of the states.
  package func commit() throws -> [(name: String, value: Double)] { try objective.commit(keepsCopies: false) }

  /// Lets the moving averages follow the weights.
  package func didStep() throws { try further?.follow() }

  /// Lets the samplers and losses of another strategy take over, with the moving averages that they ask for.
  /// - Throws: as `ContrastiveModel.change`; then everything is as it was.
  func change(to configuration: ObjectiveConfiguration, goesOn: Bool) throws -> SentenceModelChange {
    let exchange = try objective.change(to: configuration, goesOn: goesOn)
    do {
      return SentenceModelChange(exchange: exchange, averages: try further?.renew(for: self) ?? [])
    } catch {
      objective.undo(exchange)
      throw error
    }
  }

  /// Takes a change back.
  func undo(_ change: SentenceModelChange) {
    objective.undo(change.exchange)
    further?.restore(change.averages)
  }

  /// Makes what samplers and losses ask for beside the embeddings, for a step that is not this model's own.
  /// - Throws: errors of encoder and data.
  func encodeFurther(_ batch: TokenBatch, at position: StepPosition) throws {
    try further?.fill(batch, for: self, at: position)
  }

  /// The vectors before the head as the training step at `position` would see them, `into` [sequences, outputWidth].
  func pool(_ batch: TokenBatch, at position: StepPosition, into target: Matrix) throws {
    // With the numbers of training, and nothing kept for a backward.
    let hidden = try passes.forward(
      batch.packed, request: objective.layerRequest,
      mode: .reading(step: position.batch, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout))
    try objective.pool(batch, hidden: hidden, at: position, into: target)
  }

  /// Training, with the dropout of batch number `batch` of the run.
  private func mode(_ batch: UInt64) -> EncoderMode {
    .training(step: batch, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout)
  }

  /// Buffers grow to the largest batch met and stay.
  private func gradientMatrices(like hidden: [Matrix]) -> [Matrix] {
    for (index, matrix) in hidden.enumerated() {
      let count = matrix.rows * matrix.columns
      if index == gradients.count { gradients.append(FloatBuffer(count: count, .shared)) }
      if gradients[index].count < count { gradients[index] = FloatBuffer(count: count, .shared) }
    }
    return zip(gradients, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) }
  }

  // MARK: - Export

  /// Names a strategy that was swapped in by hand in the record of what trained the model.
  package func trained(by strategy: String, after step: Int) {
    export.record.strategy = "\(export.record.strategy ?? ""); swapped after step \(step): \(strategy)"
  }

  /// Writes the Hugging Face folder; returns what it cannot hold.
  /// - Throws: `TrainingError.changedFile` where the model's own folder is another than at the start.
  package func export(to folder: String) throws -> [String] {
    try seal?.check()
    try device?.readValues()
    let learned = objective.pooling.parameters.filter { $0.name.hasPrefix("plugin.") }
    return try ModelExport.write(
      to: folder, from: source, encoder: encoder.parameters,
      pooling: objective.pooling.exportPooling(text: export.pooler), head: exportHead, record: export.record,
      pluginWeights: learned, pluginStates: objective.pooling.exportStates)
  }

  private var exportHead: ModelExport.Head {
    let parts = objective.pooling.parameters
    guard let weight = parts.first(where: { $0.name == "head.dense.weight" }),
      let bias = parts.first(where: { $0.name == "head.dense.bias" })
    else { return .none }
    return export.dropsHead ? .dropped : .kept(weight: weight, bias: bias)
  }
}

/// A change of strategy, and what it takes to undo it.
struct SentenceModelChange {
  let exchange: StrategyExchange
  fileprivate let averages: [WeightAverage]
}
