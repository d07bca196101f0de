// The objective on given embeddings, without encoder, poolers and head: `mixcse probe`, golden and gradient tests.

package import Host
package import Kernels

/// Samplers and losses on embeddings that come from outside.
package final class EmbeddingObjective {
  let objective: ContrastiveObjective
  private let encodings = BatchEncodings()

  /// - Parameters:
  ///   - rows: the largest number of rows; `views`: 2, or 3 with real hard negatives.
  ///   - supervision: what every batch comes with.
  ///   - guideWidths: the widths of the guides' vectors.
  ///   - addedViews: of `views` the last so many are no hard negatives; `texts`: of the rows, where there are any.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError` as ContrastiveModel.
  package init(
    _ configuration: ObjectiveConfiguration, width: Int, rows: Int, views: Int, supervision: Supervision = [],
    guideWidths: [Int] = [], addedViews: Int = 0, texts: RowTexts? = nil, services: HostServices
  ) throws {
    var factory = InstanceFactory(services: services, seed: configuration.seed)
    var limits = PluginLimits(
      maxRows: rows, width: width, maxTokens: rows * views, maxSequences: rows * views, layerCount: 1,
      viewCount: views, supervision: supervision, guideWidths: guideWidths)
    (limits.addedViews, limits.texts) = (addedViews, texts)
    objective = try ContrastiveObjective(configuration, factory: &factory, limits: limits, encodings: encodings)
  }

  /// What samplers and losses ask for of each batch beside its embeddings, each once and always in the same order;
  /// `evaluate` has to be given it.
  package var wantedEncodings: [PlannedEncoding] {
    objective.wantedEncodings.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
  /// What the plugins were last told.
  package var limits: PluginLimits { objective.limits }

  /// Learned temperatures, and the weights of samplers and losses.
  package var parameters: [Parameter] { objective.parameters }
  /// What samplers and losses keep between batches.
  package var states: [StateTensor] { objective.states }
  /// Every plugin instance, samplers first.
  package var instances: [PluginInstance] { objective.instances }

  /// Computes the loss of `views` (anchors, positives, hard negatives; [rows, width] each). A batch of more rows, of
  /// other views or of other labels than before is planned for first.
  ///
  /// - Parameters:
  ///   - encoded: of each of `wantedEncodings` its vectors, [rows, its width].
  ///   - wantsGradients: then `gradient` gives them, and the parameters' gradients grow.
  ///   - details: row losses, shares of softmax and gradient in the report; `probe` says which cells it names.
  /// - Throws: `ObjectiveError.shape`, `.inputNotFinite` and `.encodingMissing` for the input, `PluginFailure`.
  package func evaluate(
    _ views: [Matrix], position: StepPosition = StepPosition(), rowIDs: [Int64]? = nil, textIDs: [Int64]? = nil,
    labels: RowLabels = RowLabels(), encoded: [PlannedEncoding: Matrix] = [:], wantsGradients: Bool = true,
    details: Bool = false,
    probe: CellProbeOptions = CellProbeOptions()
  ) throws -> StepReport {
    let rows = views.first?.rows ?? 0
    let width = objective.limits.width
    guard (2...3).contains(views.count), rows >= 1 else {
      throw ObjectiveError.shape(
        what: "embeddings", expected: "two or three views of at least one row",
        found: "\(views.count) views of \(rows) rows")
    }
    for (index, view) in views.enumerated() where view.rows != rows || view.columns != width {
      throw ObjectiveError.shape(
        what: "z\(index + 1)", expected: "[\(rows), \(width)] as z1", found: "[\(view.rows), \(view.columns)]")
    }
    try labels.check(rows: rows)
    var limits = objective.limits
    (limits.supervision, limits.viewCount) = (labels.supervision, views.count)
    limits.maxRows = max(limits.maxRows, rows)
    limits.maxSequences = limits.maxRows * views.count
    try objective.prepare(limits)
    encodings.begin(rows: rows)
    for (encoding, vectors) in encoded { try encodings.set(encoding, vectors) }
    objective.begin(rows: rows, rowIDs: rowIDs, textIDs: textIDs, labels: labels)
    for (index, view) in views.enumerated() {
      copy(view, to: objective.views.z.matrix(index))
      if let flat = objective.views.z.tensors[index].firstNonFinite {
        throw ObjectiveError.inputNotFinite(what: "z\(index + 1)", row: flat / width)
      }
    }
    var report = try objective.run(
      at: position, PassOptions(gradientScale: wantsGradients ? 1 : nil, probe: details ? probe : nil))
    report.metrics = reportedMetrics(of: instances) + report.metrics
    return report
  }

  /// The gradient of the last `evaluate` with respect to view `index`: [rows, width], valid until the next one
  /// and as long as this object lives.
  package func gradient(_ index: Int) -> Matrix { objective.views.dz.matrix(index) }

  /// Lets plugins update their states after the last `evaluate`.
  /// - Throws: `PluginFailure`; then every state is as it was before.
  package func commit() throws { try commitAll(objective.takePendingCommits()) }
}
