// What samplers and losses know of a batch beside its embeddings: encodings without dropout, by moving averages, by
// guides. Owned by SentenceModel, which has them made before each of its own passes.

import Encoder
import Host
import Kernels
import Objective

/// The encoders beside the trained one, and when they run.
final class FurtherEncodings {
  /// What a moving average is made from.
  struct AverageSettings {
    let pooler: Pooler
    let services: HostServices
    /// Opens another one of the encoder beside this program's own that the run computes with.
    var openEncoder: (() throws -> PluginEncoder)?
  }

  private let guides: [Guide]
  private let settings: AverageSettings
  private var averages: [WeightAverage] = []

  init(guides: [Guide], averages settings: AverageSettings) {
    (self.guides, self.settings) = (guides, settings)
  }

  /// Makes the moving averages that are asked for so far.
  /// - Throws: `PluginFailure` where a pooler refuses another instance, `EncoderFailure` where a device has no room.
  func prepare(for model: SentenceModel) throws {
    for encoding in model.objective.wantedEncodings {
      if case .average(let decay, _) = encoding.source { _ = try average(decay, of: model) }
    }
  }

  /// Makes the moving averages that another strategy asks for, which begin at their first use, and gives up those that
  /// nobody asks for any more.
  /// - Returns: the averages until now.
  /// - Throws: as `prepare`; then everything is as it was.
  func renew(for model: SentenceModel) throws -> [WeightAverage] {
    let before = averages
    do { try prepare(for: model) } catch {
      averages = before
      throw error
    }
    let wanted = model.objective.wantedEncodings
    averages.removeAll { average in
      !wanted.contains { if case .average(average.decay, _) = $0.source { true } else { false } }
    }
    return before
  }

  /// Takes `renew` back.
  func restore(_ averages: [WeightAverage]) { self.averages = averages }

  /// For checkpoints.
  var tensors: [CheckpointTensor] { averages.flatMap(\.tensors) }

  /// After each step of the optimiser.
  /// - Throws: `EncoderFailure` where the weights are on a device, and do not come here.
  func follow() throws {
    for average in averages { try average.follow() }
  }

  /// Makes every encoding of `batch` that is asked for, each once. Overwrites the encoder's last pass.
  /// - Throws: errors of encoder, data and poolers.
  func fill(_ batch: TokenBatch, for model: SentenceModel, at position: StepPosition) throws {
    let objective = model.objective
    let wanted = objective.wantedEncodings
    if wanted.isEmpty { return }
    try objective.beginEncodings(batch)
    var sources: [PlannedEncoding.Source] = []
    for encoding in wanted where !sources.contains(encoding.source) { sources.append(encoding.source) }
    for source in sources {
      let encodings = wanted.filter { $0.source == source }
      try settings.services.pool.profile.measure("training/further encodings") {
        switch source {
        case .guide(let index): try fill(encodings, guides[index], batch, objective)
        case .encoder(let dropout):
          let pass = Pass(encoder: model.passes, pooling: objective.pooling, dropout: dropout, stream: 1)
          try fill(encodings, pass, batch, model, at: position)
        case .average(let decay, let dropout):
          let average = try average(decay, of: model)
          try average.begin()
          let pass = Pass(encoder: average.passes, pooling: average.pooling, dropout: dropout, stream: 2)
          try fill(encodings, pass, batch, model, at: position)
        }
      }
    }
  }

  private func average(_ decay: Float, of model: SentenceModel) throws -> WeightAverage {
    if let average = averages.first(where: { $0.decay == decay }) { return average }
    let average = try WeightAverage(of: model, decay: decay, settings)
    averages.append(average)
    return average
  }

  // MARK: One source

  private func fill(
    _ encodings: [PlannedEncoding], _ guide: Guide, _ batch: TokenBatch, _ objective: ContrastiveModel
  ) throws {
    let vectors = try guide.vectors(of: batch.rowIDs.map(Int.init), views: encodings.map(\.view))
    for (encoding, buffer) in zip(encodings, vectors) {
      try objective.encodings.set(encoding, buffer.matrix(rows: batch.rows, columns: guide.width))
    }
  }

  /// One pass of an encoder.
  private struct Pass {
    let encoder: any SentenceEncoder
    let pooling: PoolingStack
    /// Nil for the run's own.
    let dropout: Float?
    /// Its dropout masks are none of the trained pass's, nor of another stream's.
    let stream: UInt64
  }

  private func fill(
    _ encodings: [PlannedEncoding], _ pass: Pass, _ batch: TokenBatch, _ model: SentenceModel,
    at position: StepPosition
  ) throws {
    let (hidden, attention) = pass.dropout.map { ($0, $0) } ?? (model.hiddenDropout, model.attentionDropout)
    let isDeterministic = hidden == 0 && attention == 0
    // Without dropout equal texts have equal vectors.
    let sources = encodings.map(\.view).map { view in
      isDeterministic ? (0..<view).first { batch.hasSameTokens($0, view) } ?? view : view
    }
    let views = Set(sources).sorted()
    // With dropout a view's masks depend on its place in the pass: it has one of its own, so that they are the same
    // whatever other views somebody asks for.
    for part in isDeterministic ? [views] : views.map({ [$0] }) {
      let mode: EncoderMode =
        isDeterministic
        ? .inference
        : .reading(
          step: position.batch | pass.stream << 60 | UInt64(part[0]) << 56, hiddenDropout: hidden,
          attentionDropout: attention)
      let made = try vectors(batch.views(part), pass, mode, at: position)
      for (encoding, source) in zip(encodings, sources) {
        guard let place = part.firstIndex(of: source) else { continue }
        let rows = Matrix(
          made.pointer + place * batch.rows * pass.pooling.outputWidth, rows: batch.rows,
          columns: pass.pooling.outputWidth)
        try withExtendedLifetime(made) { try model.objective.encodings.set(encoding, rows) }
      }
    }
  }

  /// [sequences, width] of a batch.
  private func vectors(
    _ batch: TokenBatch, _ pass: Pass, _ mode: EncoderMode, at position: StepPosition
  ) throws -> FloatBuffer {
    let states = try pass.encoder.forward(batch.packed, request: pass.pooling.layerRequest, mode: mode)
    let width = pass.pooling.outputWidth
    let owner = FloatBuffer(count: batch.sequences * width)
    try pass.pooling.embed(
      batch, hidden: states, useHead: true, at: position, into: owner.matrix(rows: batch.sequences, columns: width))
    return owner
  }
}
