// Everything above the encoder in one training step: hidden states -> poolers -> head -> samplers -> losses, and the
// gradients all the way back. Made and driven by Training.

package import Encoder
package import Host
package import Kernels

/// Poolers, head and objective of a run.
package final class ContrastiveModel {
  /// Poolers and head; what evaluation embeds with.
  package let pooling: PoolingStack
  /// Strategies that look on; nil where there are none.
  package let shadows: ShadowPanel?
  /// Samplers and losses; a reload of plugins and a change of strategy put another one here.
  var objective: ContrastiveObjective
  /// The same on fewer dimensions; nil where they are scored as a whole only.
  var nested: NestedDimensions?
  /// What samplers and losses know of a batch beside its embeddings.
  package let encodings = BatchEncodings()
  private var limits: PluginLimits
  private var pendingPoolers = false
  let services: HostServices

  /// Plans and allocates everything for batches of at most `maxRows` rows and `maxTokens` tokens over all views;
  /// larger ones are planned for when they come. `views` counts the `addedViews` of augmenters. `say` gets what there
  /// is to tell about the `shadows`.
  ///
  /// - Throws: `PluginFailure` when a plugin refuses, `ObjectiveError` for strategies that make no sense.
  package init(
    _ configuration: ObjectiveConfiguration, pooler: Pooler, head: HeadKind, hiddenWidth: Int, layerCount: Int,
    maxRows: Int, maxTokens: Int, views: Int, supervision: Supervision = [], guideWidths: [Int] = [],
    vocabularySize: Int = 0, documents: DocumentSource = .none, addedViews: Int = 0, texts: RowTexts? = nil,
    services: HostServices, shadows: [ShadowStrategy] = [],
    say: @escaping (String) -> Void = { _ in }
  ) throws {
    self.services = services
    var factory = InstanceFactory(services: services, seed: configuration.seed)
    limits = PluginLimits(
      maxRows: maxRows, width: hiddenWidth, maxTokens: max(maxTokens, maxRows * views), maxSequences: maxRows * views,
      layerCount: layerCount, viewCount: views, supervision: supervision, guideWidths: guideWidths)
    (limits.vocabularySize, limits.documents) = (vocabularySize, documents)
    (limits.addedViews, limits.texts) = (addedViews, texts)
    pooling = try PoolingStack(pooler: pooler, head: head, factory: &factory, limits: limits)
    let inner = Self.limits(limits, width: pooling.outputWidth)
    objective = try ContrastiveObjective(configuration, factory: &factory, limits: inner, encodings: encodings)
    nested = try configuration.dimensions.map { [encodings] in
      try NestedDimensions($0, configuration, limits: inner, encodings: encodings, services: services)
    }
    self.shadows =
      shadows.isEmpty
      ? nil
      : try ShadowPanel(
        shadows, like: configuration, limits: inner, encodings: encodings, services: services, say: say)
    try pooling.prepare(limits)
  }

  /// Which hidden states `trainStep` needs.
  package var layerRequest: LayerRequest { pooling.layerRequest }
  /// Width of the embeddings, after pooling and head.
  package var outputWidth: Int { pooling.outputWidth }
  /// Head, pooler weights, learned temperatures, sampler and loss weights.
  package var parameters: [Parameter] { pooling.parameters + objectives.flatMap(\.parameters) }
  /// What plugins keep between steps; checkpoints save and restore its bytes.
  package var states: [StateTensor] { pooling.states + objectives.flatMap(\.states) }
  /// What learned temperatures began with, by the loss's name.
  package var firstTemperatures: [String: String] {
    let learned = objectives.flatMap(\.losses).filter { $0.logTemperature != nil }
    return Dictionary(learned.map { ($0.instance.name, $0.firstTemperature ?? "") }) { first, _ in first }
  }
  /// Whether a row of a batch of `rows` may be compared with anything but its positive. A sampler may still mask all
  /// that it brings, which only a step shows.
  package func hasNegatives(rows: Int) -> Bool { objective.hasNegatives(rows: rows) }
  /// What is known of the rows of every batch.
  package var supervision: Supervision { limits.supervision }
  /// What samplers and losses, those that look on among them, need to know of each row.
  package var needs: Supervision {
    let others = shadows?.entries.flatMap(\.instances) ?? []
    return (objective.instances + others).reduce(into: []) { $0.formUnion($1.plan.needs) }
  }
  /// What samplers and losses, those that look on among them, ask for of each batch beside its embeddings; each once.
  package var wantedEncodings: [PlannedEncoding] {
    let others = shadows?.entries.flatMap(\.instances) ?? []
    return (objectives.flatMap(\.instances) + others).flatMap(\.plan.encodings).reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }
  /// The widths of the guides' vectors.
  package var guideWidths: [Int] { limits.guideWidths }
  /// Guides that nobody asks for.
  package var unreadGuides: [Int] {
    limits.guideWidths.indices.filter { index in !wantedEncodings.contains { $0.source == .guide(index) } }
  }
  /// Every plugin instance, poolers first.
  package var instances: [PluginInstance] { pooling.instances + objectives.flatMap(\.instances) }
  /// That on all dimensions first.
  var objectives: [ContrastiveObjective] { [objective] + (nested?.objectives ?? []) }
  /// What samplers and losses of a strategy plan for.
  var objectiveLimits: PluginLimits { Self.limits(limits, width: pooling.outputWidth) }

  /// Computes the loss of a batch, fills `dHidden` and adds to the parameters' gradients. Changes no state.
  ///
  /// - Parameters:
  ///   - hidden: the layers of `layerRequest`: [tokens, hiddenWidth], or [sequences, hiddenWidth] for first tokens and
  ///     means.
  ///   - dHidden: like `hidden`; overwritten.
  ///   - lossScale: multiplies all gradients, not the reported loss (1/K for K batches per step).
  /// - Returns: the report without the plugins' metrics, which `commit` gives.
  /// - Throws: `PluginFailure`, `ObjectiveError`; then nothing of the batch may be applied.
  package func trainStep(
    _ batch: TokenBatch, hidden: [Matrix], dHidden: [Matrix], at position: StepPosition, lossScale: Double = 1
  ) throws -> StepReport {
    pendingPoolers = false
    try batch.checkForTraining()
    try checkGradients(dHidden, like: hidden)
    try grow(for: batch, tokens: batch.packed.tokens.count)
    objective.begin(batch)
    let z = objective.views.z.matrix
    let profile = pooling.pool.profile
    try profile.measure("objective/pooling and head") {
      try pooling.forward(batch, hidden: hidden, at: position, into: z)
    }
    let report = try score(at: position, lossScale: lossScale)
    try profile.measure("objective/pooling and head") {
      try pooling.backward(z: z, dz: objective.views.dz.matrix, dHidden: dHidden)
    }
    pendingPoolers = true
    return report
  }

  /// Loss and gradients of the embeddings in z, and what the shadows make of them.
  private func score(at position: StepPosition, lossScale: Double) throws -> StepReport {
    try checkEmbeddings()
    var report = try objective.run(at: position, PassOptions(gradientScale: lossScale * (nested?.weight ?? 1)))
    try nested?.run(objective.views, at: position, scale: lossScale, into: &report)
    if let shadows {
      report.metrics += try pooling.pool.profile.measure("shadows/shadows") {
        try shadows.measure(
          objective.views, limits: objective.limits, loss: report.loss, scale: lossScale, at: position)
      }
    }
    return report
  }

  /// Lets plugins update their states after the batch of the last `trainStep` was accepted; once for each batch.
  /// - Parameter keepsCopies: off where the caller holds a copy of all states, and puts it back after a failure.
  /// - Returns: what the plugins report of the batch, `mixcse.lambda`, poolers first.
  /// - Throws: `PluginFailure`; then every state is as it was before, if copies were kept.
  @discardableResult
  package func commit(keepsCopies: Bool = true) throws -> [(name: String, value: Double)] {
    let poolers = pendingPoolers ? pooling.commits : []
    pendingPoolers = false
    try pooling.pool.profile.measure("objective/commit") {
      try commitAll(
        poolers + objective.takePendingCommits() + (nested?.takePendingCommits() ?? []), keepsCopies: keepsCopies)
      try shadows?.commit()
    }
    return reportedMetrics(of: instances)
  }

  /// Starts a batch whose further encodings are written next, before its `trainStep`: makes room and forgets those of
  /// the batch before.
  /// - Throws: `PluginFailure` where a plugin cannot plan for so many rows.
  package func beginEncodings(_ batch: TokenBatch) throws {
    try grow(for: batch, tokens: batch.packed.tokens.count)
    encodings.begin(rows: batch.rows)
  }

  // MARK: Frozen vectors

  /// The vectors before the head as a training step at `position` computes them, `into` [sequences, outputWidth]. No
  /// state changes.
  /// - Throws: `PluginFailure`, `ObjectiveError`.
  package func pool(
    _ batch: TokenBatch, hidden: [Matrix], at position: StepPosition, into target: Matrix
  ) throws {
    try grow(for: batch, tokens: batch.packed.tokens.count)
    copy(try pooling.vectors(of: batch, hidden: hidden, at: position), to: target)
  }

  /// `trainStep` on vectors that were pooled before, [sequences, outputWidth]: gradients reach the head and all that
  /// lies above it, not the poolers.
  /// - Throws: as `trainStep`.
  package func trainStep(
    _ batch: TokenBatch, pooled: Matrix, at position: StepPosition, lossScale: Double = 1
  ) throws -> StepReport {
    pendingPoolers = false
    try batch.checkForTraining()
    guard pooled.rows == batch.sequences, pooled.columns == outputWidth else {
      throw ObjectiveError.shape(
        what: "pooled vectors", expected: "[\(batch.sequences), \(outputWidth)]",
        found: "[\(pooled.rows), \(pooled.columns)]")
    }
    try grow(for: batch, tokens: pooled.rows)
    objective.begin(batch)
    let z = objective.views.z.matrix
    let profile = pooling.pool.profile
    profile.measure("objective/pooling and head") { pooling.applyHead(pooled, into: z) }
    let report = try score(at: position, lossScale: lossScale)
    profile.measure("objective/pooling and head") {
      pooling.backwardHead(pooled, z: z, dz: objective.views.dz.matrix)
    }
    return report
  }

  // MARK: Parts

  private static func limits(_ limits: PluginLimits, width: Int) -> PluginLimits {
    var limits = limits
    limits.width = width
    return limits
  }

  private func grow(for batch: TokenBatch, tokens: Int) throws {
    var grown = limits
    grown.viewCount = batch.views
    grown.supervision = batch.labels.supervision
    grown.maxRows = max(grown.maxRows, batch.rows)
    grown.maxSequences = max(grown.maxSequences, grown.maxRows * batch.views)
    // Evaluation may have met a longer sequence meanwhile.
    grown.maxTokens = max(grown.maxTokens, tokens, grown.maxSequences, pooling.limits.maxTokens)
    limits = grown
    try pooling.prepare(grown)
    try objective.prepare(Self.limits(grown, width: pooling.outputWidth))
    try nested?.prepare(Self.limits(grown, width: pooling.outputWidth))
  }

  private func checkGradients(_ dHidden: [Matrix], like hidden: [Matrix]) throws {
    guard dHidden.count == hidden.count,
      zip(dHidden, hidden).allSatisfy({ $0.rows == $1.rows && $0.columns == $1.columns })
    else {
      throw ObjectiveError.shape(
        what: "dHidden", expected: "matrices like the hidden states", found: "other sizes")
    }
  }

  /// Embeddings that are not finite are an error of the training (it diverged), since the poolers' outputs were
  /// checked.
  private func checkEmbeddings() throws {
    for (index, tensor) in objective.views.z.tensors.enumerated() {
      if let flat = tensor.firstNonFinite {
        throw ObjectiveError.notFinite(what: "embedding z\(index + 1)", row: flat / tensor.width)
      }
    }
  }
}
