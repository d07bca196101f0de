// What a mixcse_objective is: a strategy on embeddings that the caller computed. The numbers are EmbeddingObjective's;
// here arguments are checked, and the last report is kept for questions about it.

import Glibc
import Host
import Kernels
import LibraryAPI
import Objective

/// A strategy that takes batches.
final class ObjectiveHandle: Handle, Callable {
  let strategy: Strategy
  let objective: EmbeddingObjective
  let width: Int
  /// By the names of metrics.jsonl; of the last batch.
  private(set) var metrics: [(name: String, value: Double)] = []
  /// What the rows of the last batch were compared with.
  private(set) var blocks: [BlockReport] = []

  override class var name: String { "objective" }

  /// - Throws: `CallError`, `PluginError`, `UsageError`, `PluginFailure`, `ObjectiveError`.
  init(_ options: mixcse_objective_options, in context: Context) throws {
    let flags = try Argument.flags(options.flags, known: Int(MIXCSE_LEARN_TEMPERATURE), "options")
    width = try Argument.count(options.width, in: 1...1 << 20, "options->width")
    let rows = try options.rows == 0 ? 64 : Argument.count(options.rows, in: 1...65_536, "options->rows")
    let guides = try (0..<Int(options.n_guides)).map { index in
      try Argument.count(
        Argument.pointer(options.guide_widths, "options->guide_widths")[index], in: 1...1 << 20,
        "options->guide_widths[\(index)]")
    }
    guard options.temperature >= 0, options.temperature.isFinite else {
      throw CallError.argument(
        "options->temperature", expected: "a number above 0, or 0 for the loss's own", found: "\(options.temperature)")
    }
    let text = try Argument.text(options.strategy, "options->strategy")
    guard StrategySequence(text).changes.isEmpty else {
      throw CallError.notHere(
        "'\(text)' is strategies one after the other, which only mixcse train has: open an objective for each, and "
          + "pass its batches from that step on")
    }
    strategy = try StrategyRequest.resolve(comparison: text, with: context.registry).strategy
    try Self.check(strategy, in: context)
    var configuration = ObjectiveConfiguration(
      strategy: strategy, temperature: options.temperature == 0 ? nil : options.temperature, seed: options.seed)
    configuration.learnTemperature = flags & UInt32(MIXCSE_LEARN_TEMPERATURE) != 0
    configuration.hardNegativeWeight = try Argument.finite(
      options.hard_negative_weight, "options->hard_negative_weight")
    objective = try Self.objective(
      configuration, options, width: width, rows: rows, guides: guides, services: context.services)
  }

  /// Refuses what only a run of the program has, and says what changes nothing.
  private static func check(_ strategy: Strategy, in context: Context) throws {
    if let augmenter = strategy.augmenters.first {
      throw CallError.notHere(
        "augmenter \(augmenter.name) edits tokens before the encoder sees them, and an objective is given embeddings: "
          + "leave it out and edit your texts, or train with mixcse train")
    }
    for sampler in strategy.unseenSamplers {
      context.note(
        "sampler \(sampler.name) changes nothing: \(strategy.losses.map(\.name).joined(separator: ", ")) looks at "
          + "embeddings, not at candidates; leave it out or add a loss such as infonce")
    }
  }

  /// With as many views as asked for; where that was left open two, or three if the strategy refuses two.
  private static func objective(
    _ configuration: ObjectiveConfiguration, _ options: mixcse_objective_options, width: Int, rows: Int, guides: [Int],
    services: HostServices
  ) throws -> EmbeddingObjective {
    func make(_ views: Int) throws -> EmbeddingObjective {
      try checkMemory(rows: rows, width: width, views: views)
      // What the batches will really come with, each says for itself.
      return try EmbeddingObjective(
        configuration, width: width, rows: rows, views: views, supervision: [.scores, .classes], guideWidths: guides,
        services: services)
    }
    guard options.views == 0 else { return try make(Argument.count(options.views, in: 2...3, "options->views")) }
    do { return try make(2) } catch let refusal as PluginFailure {
      // What it says of two views is the better reason where three do not help either.
      do { return try make(3) } catch { throw refusal }
    }
  }

  /// What views and their products take, before any of it is asked for: without memory the process ends.
  private static func checkMemory(rows: Int, width: Int, views: Int) throws {
    let room = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let bytes = 4 * (6 * views * rows * width + 5 * (views - 1) * rows * rows)
    guard bytes <= room else {
      throw CallError.argument(
        "rows", expected: "a batch that fits into \(room >> 20) MiB, this machine's memory",
        found: "\(views) views of [\(rows), \(width)], which take \(bytes >> 20) MiB")
    }
  }

  // MARK: Batches

  /// - Throws: `CallError`, `ObjectiveError` for numbers, `PluginFailure`.
  func evaluate(_ batch: mixcse_batch) throws -> Double {
    let viewCount = try Argument.count(batch.n_views, in: 2...3, "batch->n_views")
    let rowCount = try Argument.count(batch.rows, in: 1...65_536, "batch->rows")
    try Self.checkMemory(rows: rowCount, width: width, views: viewCount)
    let z = try Argument.pointer(batch.z, "batch->z")
    let views = try (0..<viewCount).map {
      Argument.rows(try Argument.pointer(z[$0], "batch->z[\($0)]"), rowCount, width)
    }
    let targets = try batch.dz.map { dz in
      try (0..<viewCount).map {
        Matrix(try Argument.pointer(dz[$0], "batch->dz[\($0)]"), rows: rowCount, columns: width)
      }
    }
    func numbers<Number>(_ pointer: UnsafePointer<Number>?) -> [Number]? {
      pointer.map { Array(UnsafeBufferPointer(start: $0, count: rowCount)) }
    }
    let labels = RowLabels(scores: numbers(batch.scores), classes: numbers(batch.classes))
    if let row = labels.scores?.firstIndex(where: { !$0.isFinite }) {
      throw ObjectiveError.inputNotFinite(what: "scores", row: row)
    }
    (metrics, blocks) = ([], [])
    for parameter in objective.parameters { parameter.clearGradient() }
    let made = try encodings(batch, rows: rowCount)
    let report = try withExtendedLifetime(made) {
      try objective.evaluate(
        views, position: Self.position(batch), rowIDs: numbers(batch.row_ids), textIDs: numbers(batch.text_ids),
        labels: labels, encoded: made.mapValues(\.matrix), wantsGradients: targets != nil)
    }
    for (index, target) in (targets ?? []).enumerated() { copy(objective.gradient(index), to: target) }
    metrics = report.figures + report.metrics
    blocks = report.blocks
    return report.loss
  }

  /// - Throws: `PluginFailure`; then no state has changed.
  func commit() throws {
    try objective.commit()
    for (name, value) in reportedMetrics(of: objective.instances) {
      if let place = metrics.firstIndex(where: { $0.name == name }) { metrics[place].value = value }
    }
  }

  private static func position(_ batch: mixcse_batch) throws -> StepPosition {
    let steps = 0...Int.max
    let step = Int64(try Argument.count(batch.step, in: steps, "batch->step"))
    let number = UInt64(try Argument.count(batch.batch, in: steps, "batch->batch"))
    return StepPosition(
      step: step, totalSteps: Int64(try Argument.count(batch.total_steps, in: steps, "batch->total_steps")),
      epoch: try Argument.finite(batch.epoch, "batch->epoch"), batch: number == 0 ? nil : number)
  }

  /// Vectors of a batch beside its embeddings, copied.
  private struct Vectors {
    let buffer: FloatBuffer
    let matrix: Matrix
  }

  private func encodings(_ batch: mixcse_batch, rows rowCount: Int) throws -> [PlannedEncoding: Vectors] {
    let wanted = objective.wantedEncodings
    guard Int(batch.n_encodings) == wanted.count else {
      let list = wanted.map { "\($0)" }.joined(separator: ", ")
      throw CallError.argument(
        "batch->n_encodings", expected: wanted.isEmpty ? "0, the strategy asks for none" : "\(wanted.count): \(list)",
        found: "\(batch.n_encodings)")
    }
    guard !wanted.isEmpty else { return [:] }
    let given = try Argument.pointer(batch.encodings, "batch->encodings")
    var result: [PlannedEncoding: Vectors] = [:]
    for (index, encoding) in wanted.enumerated() {
      let columns = encoding.width(objective.limits)
      let source = Argument.rows(try Argument.pointer(given[index], "batch->encodings[\(index)]"), rowCount, columns)
      let buffer = FloatBuffer(count: rowCount * columns)
      let matrix = buffer.matrix(rows: rowCount, columns: columns)
      copy(source, to: matrix)
      if case .guide = encoding.source { scaleToUnitLength(matrix) }
      result[encoding] = Vectors(buffer: buffer, matrix: matrix)
    }
    return result
  }

  // MARK: Settings

  /// Sets `INSTANCE.parameter`.
  /// - Throws: `UsageError`, `CallError`.
  func set(_ name: String, to value: String) throws {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let owner = parts.dropLast().joined(separator: ".")
    guard let instance = objective.instances.first(where: { $0.name == owner }), let parameter = parts.last else {
      throw UsageError.unusedSetting(
        text: "\(name)=\(value)", component: owner, inUse: objective.instances.map(\.name),
        nearest: nearestNames(to: owner, among: objective.instances.map(\.name)))
    }
    let learned = "temperature.\(instance.name)"
    if parameter == "temperature", objective.parameters.contains(where: { $0.name == learned }) {
      throw CallError.argument(
        name, expected: "a parameter that nobody learns", found: "one that is; write the logarithm to \(learned)")
    }
    try instance.values.set(parameter, to: value)
  }
}
