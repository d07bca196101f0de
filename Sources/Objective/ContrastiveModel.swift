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
  /// Another one after a reload.
  var objective: ContrastiveObjective
  private var limits: PluginLimits
  private var pendingPoolers = false

  /// Plans and allocates everything for batches of at most `maxRows` rows and `maxTokens` tokens over all views;
  /// larger ones are planned for when they come. `say` gets what there is to tell about the `shadows`.
  ///
  /// - Throws: `PluginError` for names and settings, `PluginFailure` when a plugin refuses, `ObjectiveError` for
  ///   strategies that make no sense.
  package init(
    _ configuration: ObjectiveConfiguration, pooler: PoolerSpec, head: HeadKind, hiddenWidth: Int, layerCount: Int,
    maxRows: Int, maxTokens: Int, views: Int, registry: PluginRegistry, services: HostServices,
    shadows: [ShadowStrategy] = [], say: @escaping (String) -> Void = { _ in }
  ) throws {
    var factory = InstanceFactory(registry: registry, services: services, seed: configuration.seed)
    limits = PluginLimits(
      maxRows: maxRows, width: hiddenWidth, maxTokens: max(maxTokens, maxRows * views), maxSequences: maxRows * views,
      layerCount: layerCount, viewCount: views)
    pooling = try PoolingStack(pooler: pooler, head: head, factory: &factory, limits: limits)
    let inner = Self.limits(limits, width: pooling.outputWidth)
    objective = try ContrastiveObjective(configuration, factory: &factory, limits: inner)
    self.shadows =
      shadows.isEmpty
      ? nil
      : try ShadowPanel(
        shadows, like: configuration, limits: inner, registry: registry, services: services, say: say)
    try pooling.prepare(limits)
  }

  /// Which hidden states `trainStep` needs.
  package var layerRequest: LayerRequest { pooling.layerRequest }
  package var outputWidth: Int { pooling.outputWidth }
  /// Head, pooler weights, learned temperatures, sampler and loss weights.
  package var parameters: [Parameter] { pooling.parameters + objective.parameters }
  /// What plugins keep between steps; checkpoints save and restore its bytes.
  package var states: [StateTensor] { pooling.states + objective.states }
  /// What learned temperatures began with, by the loss's name.
  package var firstTemperatures: [String: String] {
    let learned = objective.losses.filter { $0.logTemperature != nil }
    return Dictionary(learned.map { ($0.instance.name, $0.firstTemperature ?? "") }) { first, _ in first }
  }
  /// Every plugin instance, poolers first.
  package var instances: [PluginInstance] { pooling.instances + objective.instances }

  /// Computes the loss of a batch, fills `dHidden` and adds to the parameters' gradients. Changes no state.
  ///
  /// Sequences come view by view: sequence `v * rows + i` is view v of row i.
  /// - Parameters:
  ///   - hidden: the layers of `layerRequest`: [tokens, hiddenWidth], or [sequences, hiddenWidth] for first tokens.
  ///   - dHidden: like `hidden`; overwritten.
  ///   - offsets: where each sequence starts in `tokens`; sequences + 1 numbers.
  ///   - tokenFlags: 1 for special tokens.
  ///   - rowIDs: each row's number in the training file; `textIDs`: equal if and only if the anchors' texts are equal.
  ///   - lossScale: multiplies all gradients, not the reported loss (1/K for K batches per step).
  ///   - batch: which batch the random numbers belong to; the step unless several batches make one step.
  /// - Throws: `PluginFailure`, `ObjectiveError`; then nothing of the batch may be applied.
  package func trainStep(
    hidden: [Matrix], dHidden: [Matrix], offsets: [Int], tokens: [Int32], tokenFlags: [UInt8], views: Int,
    rowIDs: [Int64], textIDs: [Int64], step: Int64, totalSteps: Int64 = 0, epoch: Double = 0, lossScale: Double = 1,
    batch: UInt64? = nil
  ) throws -> StepReport {
    pendingPoolers = false
    let input = HiddenBatch(layers: hidden, offsets: offsets, tokens: tokens, tokenFlags: tokenFlags, views: views)
    let rows = try checkedRows(input, rowIDs: rowIDs, textIDs: textIDs, dHidden: dHidden)
    try grow(rows: rows, tokens: tokens.count, views: views)
    let position = StepPosition(step: step, totalSteps: totalSteps, epoch: epoch, batch: batch)
    objective.begin(rows: rows, rowIDs: rowIDs, textIDs: textIDs)
    let z = objective.views.z.matrix
    let profile = pooling.pool.profile
    try profile.measure("objective/pooling and head") { try pooling.forward(input, position: position, into: z) }
    var report = try profile.measure("objective/blocks, logits and report") {
      try score(position, lossScale: lossScale)
    }
    try profile.measure("objective/pooling and head") {
      try pooling.backward(input, z: z, dz: objective.views.dz.matrix, dHidden: dHidden)
    }
    report.metrics = pooling.metrics + report.metrics
    pendingPoolers = true
    return report
  }

  /// Loss and gradients of the embeddings in z, and what the shadows make of them.
  private func score(_ position: StepPosition, lossScale: Double) throws -> StepReport {
    try checkEmbeddings()
    var report = try objective.run(position, PassOptions(gradientScale: lossScale))
    if let shadows {
      report.metrics += pooling.pool.profile.measure("shadows/shadows") {
        shadows.measure(
          objective.views, limits: objective.limits, loss: report.loss, scale: lossScale, position: position)
      }
    }
    return report
  }

  /// The loss of a batch without gradients; no state changes.
  package func loss(
    hidden: [Matrix], offsets: [Int], tokens: [Int32], tokenFlags: [UInt8], views: Int, rowIDs: [Int64],
    textIDs: [Int64], step: Int64
  ) throws -> StepReport {
    let input = HiddenBatch(layers: hidden, offsets: offsets, tokens: tokens, tokenFlags: tokenFlags, views: views)
    let rows = try checkedRows(input, rowIDs: rowIDs, textIDs: textIDs, dHidden: hidden)
    try grow(rows: rows, tokens: tokens.count, views: views)
    objective.begin(rows: rows, rowIDs: rowIDs, textIDs: textIDs)
    try pooling.forward(input, position: StepPosition(step: step), into: objective.views.z.matrix)
    return try objective.run(StepPosition(step: step), PassOptions())
  }

  /// Lets plugins update their states after the batch of the last `trainStep` was accepted; once for each batch.
  /// - Throws: `PluginFailure`; then every state is as it was before.
  package func commit() throws {
    let poolers = pendingPoolers ? pooling.commits : []
    pendingPoolers = false
    try pooling.pool.profile.measure("objective/commit") {
      try commitAll(poolers + objective.takePendingCommits())
      shadows?.commit()
    }
  }

  /// Embeddings of a batch, `into` [sequences, outputWidth]; see `PoolingStack.embed`.
  package func embed(
    hidden: [Matrix], offsets: [Int], tokens: [Int32], tokenFlags: [UInt8], useHead: Bool, into target: Matrix
  ) throws {
    try pooling.embed(
      hidden: hidden, offsets: offsets, tokens: tokens, tokenFlags: tokenFlags, useHead: useHead, into: target)
  }

  // MARK: Frozen vectors

  /// The vectors before the head as a training step computes them, `into` [sequences, outputWidth]. No state changes.
  package func pool(
    hidden: [Matrix], offsets: [Int], tokens: [Int32], tokenFlags: [UInt8], views: Int, batch: UInt64,
    into target: Matrix
  ) throws {
    let input = HiddenBatch(layers: hidden, offsets: offsets, tokens: tokens, tokenFlags: tokenFlags, views: views)
    try grow(rows: input.sequences / views, tokens: tokens.count, views: views)
    copy(try pooling.vectors(of: input, position: StepPosition(batch: batch)), to: target)
  }

  /// `trainStep` on vectors that were pooled before, [views * rows, outputWidth]: gradients reach the head and all that
  /// lies above it, not the poolers.
  /// - Throws: as `trainStep`.
  package func trainStep(
    pooled: Matrix, views: Int, rowIDs: [Int64], textIDs: [Int64], step: Int64, totalSteps: Int64 = 0,
    epoch: Double = 0, lossScale: Double = 1, batch: UInt64? = nil
  ) throws -> StepReport {
    pendingPoolers = false
    guard pooled.rows == views * rowIDs.count, pooled.columns == outputWidth, textIDs.count == rowIDs.count else {
      throw ObjectiveError.shape(
        what: "pooled vectors", expected: "[\(views * rowIDs.count), \(outputWidth)]",
        found: "[\(pooled.rows), \(pooled.columns)] and \(textIDs.count) text ids")
    }
    try grow(rows: rowIDs.count, tokens: pooled.rows, views: views)
    objective.begin(rows: rowIDs.count, rowIDs: rowIDs, textIDs: textIDs)
    let z = objective.views.z.matrix
    pooling.applyHead(pooled, into: z)
    let report = try score(
      StepPosition(step: step, totalSteps: totalSteps, epoch: epoch, batch: batch), lossScale: lossScale)
    pooling.backwardHead(pooled, z: z, dz: objective.views.dz.matrix)
    return report
  }

  // MARK: Parts

  private static func limits(_ limits: PluginLimits, width: Int) -> PluginLimits {
    var limits = limits
    limits.width = width
    return limits
  }

  private func grow(rows: Int, tokens: Int, views: Int) throws {
    var grown = limits
    grown.viewCount = views
    grown.maxRows = max(grown.maxRows, rows)
    grown.maxSequences = max(grown.maxSequences, grown.maxRows * views)
    // Evaluation may have met a longer sequence meanwhile.
    grown.maxTokens = max(grown.maxTokens, tokens, grown.maxSequences, pooling.limits.maxTokens)
    limits = grown
    try pooling.prepare(grown)
    try objective.prepare(Self.limits(grown, width: pooling.outputWidth))
  }

  private func checkedRows(
    _ batch: HiddenBatch, rowIDs: [Int64], textIDs: [Int64], dHidden: [Matrix]
  ) throws -> Int {
    guard (2...16).contains(batch.views), batch.sequences > 0, batch.sequences % batch.views == 0 else {
      throw ObjectiveError.shape(
        what: "the batch", expected: "a whole number of rows in 2 to 16 views",
        found: "\(batch.sequences) sequences in \(batch.views) views")
    }
    let rows = batch.sequences / batch.views
    guard rowIDs.count == rows, textIDs.count == rows else {
      throw ObjectiveError.shape(
        what: "row and text ids", expected: "\(rows) each", found: "\(rowIDs.count) and \(textIDs.count)")
    }
    guard dHidden.count == batch.layers.count,
      zip(dHidden, batch.layers).allSatisfy({ $0.rows == $1.rows && $0.columns == $1.columns })
    else {
      throw ObjectiveError.shape(
        what: "dHidden", expected: "matrices like the hidden states", found: "other sizes")
    }
    return rows
  }

  /// A head's numbers are nobody's fault but the training's.
  private func checkEmbeddings() throws {
    for (index, tensor) in objective.views.z.tensors.enumerated() {
      if let flat = tensor.firstNonFinite {
        throw ObjectiveError.notFinite(what: "embedding z\(index + 1)", row: flat / tensor.width)
      }
    }
  }
}
