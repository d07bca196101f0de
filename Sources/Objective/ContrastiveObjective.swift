// The objective on given embeddings: samplers -> blocks -> similarity -> logits -> losses, and the gradients back to z.
// Made by ContrastiveModel (behind poolers and head) and by EmbeddingObjective (on its own).

package import Host
import Kernels
import PluginAPI

/// What a pass over a batch is asked for.
struct PassOptions {
  /// Gradients of loss * scale; nil computes the loss only.
  var gradientScale: Double?
  /// Row losses, shares and single cells for `probe`.
  var probe: CellProbeOptions?

  var wantsDetails: Bool { probe != nil }
}

/// Samplers and losses over the views of a batch.
final class ContrastiveObjective {
  let samplers: [PluginInstance]
  let losses: [LossStage]
  let pool: ThreadPool
  let hardNegativeWeight: Double
  private(set) var limits: PluginLimits
  private(set) var views: BatchEmbeddings
  /// Further encodings that components asked for.
  let encodings: BatchEncodings
  private(set) var stages: [SamplerStage] = []
  private(set) var groups: [SimilarityMatrix] = []
  private(set) var work = LogitMatrices(cells: 0)
  private var comparedViews: [ComparedVectors] = []
  /// The batch as each instance sees it, in the order of `instances`.
  private var shown: [ShownBatch] = []
  /// The width of the embeddings where this objective sees their first numbers only; nil: it sees all.
  private let wholeWidth: Int?
  private var hasPendingBatch = false
  private var hasEmbeddings = false

  /// Plans every plugin and allocates everything for `limits`.
  /// - Parameters:
  ///   - encodings: shared with the other objectives of a model.
  ///   - wholeWidth: of the embeddings, where the limits' width is less.
  init(
    samplers: [PluginInstance], losses: [LossStage], limits: PluginLimits, encodings: BatchEncodings,
    wholeWidth: Int? = nil, pool: ThreadPool, hardNegativeWeight: Double
  ) throws {
    guard !losses.isEmpty else { throw ObjectiveError.noLoss }
    self.samplers = samplers
    self.losses = losses
    self.pool = pool
    self.limits = limits
    self.encodings = encodings
    self.wholeWidth = wholeWidth
    self.hardNegativeWeight = hardNegativeWeight
    views = BatchEmbeddings(
      count: limits.viewCount, maxRows: limits.maxRows, width: limits.width, scoresEmbeddings: false)
    try prepare(limits, force: true)
  }

  /// Every plugin instance, samplers first.
  var instances: [PluginInstance] { samplers + losses.map(\.instance) }
  /// What samplers and losses ask for of each batch beside its embeddings.
  var wantedEncodings: [PlannedEncoding] { instances.flatMap(\.plan.encodings) }

  /// Plans again where a limit or a parameter that is not live changed.
  func prepare(_ limits: PluginLimits, force: Bool = false) throws {
    guard force || limits != self.limits || instances.contains(where: { $0.needsPlan(for: limits) }) else { return }
    for instance in instances {
      instance.unwatchAll()
      try instance.prepare(limits)
    }
    self.limits = limits
    views = BatchEmbeddings(
      count: limits.viewCount, maxRows: limits.maxRows, width: limits.width,
      scoresEmbeddings: losses.contains { $0.instance.scoresEmbeddings })
    comparedViews = (0..<limits.viewCount).map { ComparedVectors(view: $0, of: views) }
    shown = instances.map { instance in
      let tensors = instance.plan.encodings.map {
        encodings.tensor($0, limits: limits, wholeWidth: wholeWidth ?? limits.width)
      }
      return views.show(
        encodings: TensorList(tensors), size: instance.services.age.size(of: cse_batch.self))
    }
    stages = samplers.enumerated().map {
      SamplerStage(instance: $1, index: $0, batch: shown[$0], maxRows: limits.maxRows, width: limits.width)
    }
    try makeGroups()
    watchBuffers()
    hasPendingBatch = false
  }

  /// Whether a batch of `rows` rows may have more candidates than each row's positive: other rows, real hard negatives,
  /// what samplers bring. A loss that scores embeddings needs none.
  func hasNegatives(rows: Int) -> Bool {
    losses.contains(where: \.instance.scoresEmbeddings)
      || groups.contains { group in group.blocks.reduce(0) { $0 + $1.columnCount(rows: rows) } > 1 }
  }

  /// The embeddings of the batch, to be written before `run`: [views * rows, width].
  func begin(rows: Int, rowIDs: [Int64]?, textIDs: [Int64]?, labels: RowLabels = RowLabels()) {
    views.begin(rows: rows, rowIDs: rowIDs, textIDs: textIDs, labels: labels)
    for (index, side) in comparedViews.enumerated() { side.follow(views, index) }
    hasEmbeddings = true
  }

  /// The same for a batch of tokens that pass through poolers.
  func begin(_ batch: TokenBatch) {
    begin(rows: batch.rows, rowIDs: batch.rowIDs, textIDs: batch.textIDs, labels: batch.labels)
  }

  /// The batch and the embeddings of another objective, instead of `begin(rows:)` and writing z.
  func begin(like leader: BatchEmbeddings) {
    begin(rows: leader.rows, rowIDs: nil, textIDs: nil)
    views.follow(leader)
  }

  /// The embeddings of the last batch, by view; empty before the first.
  var lastEmbeddings: [Matrix] { hasEmbeddings ? views.z.tensors.map(\.matrix) : [] }

  /// Computes the loss of the embeddings in `views.z`, and with a scale their gradients in `views.dz`.
  func run(at position: StepPosition, _ options: PassOptions) throws -> StepReport {
    // What none of the phases below names is the rest of this one.
    try pool.profile.measure("objective/blocks and report") { try pass(at: position, options) }
  }

  private func pass(at position: StepPosition, _ options: PassOptions) throws -> StepReport {
    hasPendingBatch = false
    try start(position)
    for stage in stages {
      computeSimilarities()
      try stage.sample(views, pool: pool, score: scoring(at: position))
    }
    computeSimilarities()
    for group in groups { group.finish() }
    var report = StepReport()
    var sums = try score(options, &report)
    if let probe = options.probe { report.probe = look(probe, &sums) }
    if options.gradientScale != nil {
      try pool.profile.measure("objective/gradients of embeddings") { try propagate() }
      report.gradientNorms = views.dz.tensors.map { innerProduct($0.matrix, $0.matrix).squareRoot() }
    }
    describe(sums, options, &report)
    hasPendingBatch = true
    return report
  }

  /// The calls that `commit` has to make for the last batch; empty when it was taken already.
  func takePendingCommits() -> [PendingCommit] {
    guard hasPendingBatch else { return [] }
    hasPendingBatch = false
    return zip(instances, shown).filter { $0.0.hasCommit }.map {
      PendingCommit(instance: $0, batch: UnsafePointer($1.reading))
    }
  }

  // MARK: The pass

  private func start(_ position: StepPosition) throws {
    views.normalise(pool)
    for instance in instances { try encodings.check(instance.plan.encodings, for: instance.name) }
    for loss in losses { try loss.updateTemperature() }
    for instance in instances { instance.begin(position) }
    for group in groups { group.begin(rows: views.rows, pool) }
    for stage in stages { stage.begin(rows: views.rows) }
  }

  /// What a sampler may ask of vectors that it makes up; nil where no loss looks at logits. A loss that was asked
  /// begins the batch anew, so that its own call is as without the question.
  private func scoring(at position: StepPosition) -> ScoreService.Score? {
    guard losses.contains(where: \.instance.scoresLogits) else { return nil }
    return { [unowned self] vectors, gradient in
      let made = MadeUpVectors(
        blocks: groups[0].blocks.filter(\.hasSimilarities), losses: losses, batches: Array(shown[samplers.count...]),
        rows: views.rows, width: limits.width, pool: pool)
      defer { for loss in losses { loss.instance.begin(position) } }
      return try made.score(vectors, into: gradient)
    }
  }

  private func computeSimilarities() {
    pool.profile.measure("objective/similarities") {
      for group in groups {
        group.computeSimilarities(pool) { block in block.owner.map { self.stages[$0].isReady } ?? true }
      }
    }
  }

  private func score(_ options: PassOptions, _ report: inout StepReport) throws -> [[BlockSums]] {
    let reference = referenceTemperature
    var values = [Double](repeating: 0, count: losses.count)
    var rowLosses = [Double](repeating: 0, count: options.wantsDetails ? views.rows : 0)
    var sums: [[BlockSums]] = []
    for group in groups {
      var made = reference
      pool.profile.measure("objective/logits") {
        group.makeLogits(pool, temperature: reference, into: work)
        sums.append(group.sums(pool, work))
      }
      for (index, loss) in losses.enumerated() where loss.instance.scoresLogits {
        let parts = loss.groupCount(groups.count)
        guard group.number < parts else { continue }
        if loss.temperature != made {
          made = loss.temperature
          group.makeLogits(pool, temperature: made, into: work)
        }
        let scale = options.gradientScale.map { $0 * loss.weight / Double(parts) }
        values[index] +=
          try loss.score(
            group, work, batch: shown[samplers.count + index], scale: scale, wantsRows: options.wantsDetails, pool)
          / Double(parts)
        for row in rowLosses.indices { rowLosses[row] += loss.weight * group.rowLosses[row] / Double(parts) }
      }
    }
    for (index, loss) in losses.enumerated() where loss.instance.scoresEmbeddings {
      values[index] += try loss.scoreEmbeddings(
        views, batch: shown[samplers.count + index], scale: options.gradientScale.map { $0 * loss.weight })
      // What a row adds to such a loss is not defined.
      for row in rowLosses.indices { rowLosses[row] = .nan }
    }
    report.losses = zip(losses, values).map { ($0.instance.name, $0.weight, $1) }
    report.loss = zip(losses, values).reduce(0) { $0 + $1.0.weight * $1.1 }
    report.rowLosses = rowLosses
    return sums
  }

  /// What reports divide by: the temperature of the first loss that scores logits.
  private var referenceTemperature: Double { losses.first(where: \.instance.scoresLogits)?.temperature ?? 1 }

  /// Looks at every cell, before the gradients are sent on.
  private func look(_ probe: CellProbeOptions, _ sums: inout [[BlockSums]]) -> CellProbeReport {
    var cells = CellProbe(options: probe, temperature: referenceTemperature)
    for (index, group) in groups.enumerated() {
      group.makeLogits(pool, temperature: referenceTemperature, into: work)
      group.completeGradient()
      cells.add(group, logits: work.logits, names: samplerName, to: &sums[index])
    }
    return cells.report(rows: views.rows * groups.count, views: views)
  }

  private func samplerName(_ block: SimilarityBlock) -> String { block.owner.map { samplers[$0].name } ?? "" }

  private func propagate() throws {
    for group in groups { group.propagate(pool) }
    for stage in stages.reversed() { try stage.sampleBackward(views, pool: pool) }
    views.propagate(pool)
    for (index, tensor) in views.dz.tensors.enumerated() {
      if let flat = tensor.firstNonFinite {
        throw ObjectiveError.notFinite(what: "the gradient of z\(index + 1)", row: flat / tensor.width)
      }
    }
  }

  private func describe(_ sums: [[BlockSums]], _ options: PassOptions, _ report: inout StepReport) {
    let total: Double? =
      options.wantsDetails ? sums.joined().reduce(0) { $0 + $1.gradient + $1.positiveGradient } : nil
    for (group, groupSums) in zip(groups, sums) {
      for (block, sum) in zip(group.blocks, groupSums) {
        report.blocks.append(
          block.report(
            sum, sampler: samplerName(block), group: group.number, rows: views.rows, groups: groups.count,
            gradientTotal: total))
      }
    }
    let positives = sums.compactMap(\.first)
    let count = positives.reduce(0) { $0 + $1.positiveCount }
    report.positive.count = count
    report.positive.meanLogit = positives.reduce(0) { $0 + $1.positiveLogits } / Double(count)
    if let total {
      report.positive.softmaxShare = positives.reduce(0) { $0 + $1.positiveSoftmax } / Double(count)
      report.positive.gradientShare = total > 0 ? positives.reduce(0) { $0 + $1.positiveGradient } / total : 0
    }
    for loss in losses where loss.logTemperature != nil {
      report.metrics.append(("temperature.\(loss.instance.name)", loss.temperature))
    }
  }

  // MARK: The layout

  private func makeGroups() throws {
    let layout = try BlockLayout(
      stages: stages, views: comparedViews, limits: limits, hardNegativeWeight: hardNegativeWeight)
    work = LogitMatrices(cells: layout.groups.map { SimilarityMatrix.cells($0, rows: limits.maxRows) }.max() ?? 0)
    let isSingle = layout.groups.count == 1 && losses.count(where: \.instance.scoresLogits) <= 1
    groups = layout.groups.enumerated().map {
      SimilarityMatrix(number: $0, blocks: $1, maxRows: limits.maxRows, gradientOf: isSingle ? work : nil)
    }
  }

  /// Every buffer a plugin may write to is checked behind each of its calls.
  func watchBuffers() {
    for instance in instances { instance.unwatchAll() }
    let shared = views.guarded + wantedEncodings.compactMap(encodings.guarded)
    for stage in stages { for buffer in shared + stage.guarded { stage.instance.watch(buffer) } }
    for loss in losses { for buffer in shared + work.guarded { loss.instance.watch(buffer) } }
  }
}

/// What plugins reported of the last batch, by `instance.metric`, in the instances' order.
package func reportedMetrics(of instances: [PluginInstance]) -> [(name: String, value: Double)] {
  instances.flatMap { instance in instance.metrics.map { ("\(instance.name).\($0.name)", $0.value) } }
}
