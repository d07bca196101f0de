// The first batch that a training run would see, embedded with dropout as in training; `mixcse probe --model` looks
// at strategies on it.

import Encoder
import FoundationEssentials
package import Host
package import Kernels
package import ModelFiles
package import Objective
import Tokenizer

/// Embeddings of a batch by view, with the texts they come from.
package final class FirstBatch {
  /// z1, z2[, z3]: [rows, width] each; valid as long as this object lives.
  package let views: [Matrix]
  /// By view and row; where the file holds single sentences, positives have the anchors' texts.
  package let texts: [[String]]
  /// Where the rows stand in the file, and numbers that are equal exactly where anchors' texts are.
  package let rowIDs, textIDs: [Int64]
  /// What the file says of the rows beside their texts.
  package let labels: RowLabels
  private let owner: FloatBuffer

  /// Reads the training file, orders it as a run with these options does, and encodes its first batch in training mode.
  ///
  /// - Throws: `TrainingError` for file and sizes, errors of the encoder, `PluginFailure`, `ObjectiveError`.
  package init(
    _ options: TrainingOptions, folder: ModelFolder, pooler: Pooler, services: HostServices
  ) throws {
    let configuration = try folder.configuration
    var run = RunDescription()
    run.training = options
    try run.check()
    try run.check(maximumTokens: configuration.maximumPositions)
    let encoder = try TransformerEncoder(
      configuration: configuration, weights: folder.openWeights(), pool: services.pool, seed: options.seed)
    let embedder = try SentenceEmbedder.open(
      folder, pooler: pooler, services: services, encoder: encoder)
    let data = try TrainingData(
      path: options.trainFile, columns: options.columns, spoolFolder: FileManager.default.temporaryDirectory.path)
    let rows = DataOrder(rows: data.rows, seed: options.seed, isShuffled: options.isShuffled)
      .batch(epoch: 0, position: 0, size: options.batchSize)
    let batch = try BatchMaker(
      data: data, tokenizer: embedder.tokenizer, maximumLength: options.maximumLength, threads: services.pool.threads
    ).batch(rows: rows, at: StepPosition())
    let mode = EncoderMode.training(
      step: 0, hiddenDropout: options.dropout.map(Float.init) ?? configuration.hiddenDropout,
      attentionDropout: options.dropout.map(Float.init) ?? configuration.attentionDropout)
    let hidden: [Matrix]
    do {
      hidden = try encoder.forward(batch.packed, request: embedder.pooling.layerRequest, mode: mode)
    } catch let error as EncoderError {
      throw data.problem(error, ofRow: rows[error.sequence % rows.count])
    }
    let (count, width) = (batch.rows, embedder.width)
    owner = FloatBuffer(count: batch.sequences * width)
    let all = owner.matrix(rows: batch.sequences, columns: width)
    try embedder.pooling.embed(batch, hidden: hidden, useHead: true, into: all)
    views = (0..<batch.views).map { Matrix(all.row($0 * count), rows: count, columns: width) }
    let read = try data.texts(of: rows)
    texts = (0..<batch.views).map { view in
      read.map { String(decoding: $0[min(view, data.columns - 1)], as: UTF8.self) }
    }
    (rowIDs, textIDs, labels) = (batch.rowIDs, batch.textIDs, batch.labels)
  }
}
