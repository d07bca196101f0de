// The objective on given embeddings, without encoder, poolers and head: `mixcse probe`, golden and gradient tests.

package import Host
package import Kernels

/// Samplers and losses on embeddings that come from outside.
package final class EmbeddingObjective {
  let composition: Composition

  /// - Parameters:
  ///   - rows: the largest number of rows; `views`: 2, or 3 with real hard negatives.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError` as ContrastiveModel.
  package init(
    _ configuration: ObjectiveConfiguration, width: Int, rows: Int, views: Int, registry: PluginRegistry,
    services: HostServices
  ) throws {
    var factory = InstanceFactory(registry: registry, services: services, seed: configuration.seed)
    composition = try Composition(
      configuration, factory: &factory,
      limits: PluginLimits(
        maxRows: rows, width: width, maxTokens: rows * views, maxSequences: rows * views, layerCount: 1,
        viewCount: views))
  }

  package var parameters: [Parameter] { composition.parameters }
  package var states: [StateTensor] { composition.states }
  package var instances: [PluginInstance] { composition.instances }

  /// Computes the loss of `views` (anchors, positives, hard negatives; [rows, width] each).
  ///
  /// - Parameters:
  ///   - wantsGradients: then `gradient` gives them, and the parameters' gradients grow.
  ///   - details: row losses, shares of softmax and gradient in the report; `scope` says which cells it names.
  /// - Throws: `ObjectiveError.shape` and `.inputNotFinite` for the input, `PluginFailure`.
  package func evaluate(
    _ views: [Matrix], position: StepPosition = StepPosition(), rowIDs: [Int64]? = nil, textIDs: [Int64]? = nil,
    wantsGradients: Bool = true, details: Bool = false, scope: ScopeOptions = ScopeOptions()
  ) throws -> StepReport {
    let rows = views.first?.rows ?? 0
    let width = composition.limits.width
    guard views.count == composition.limits.viewCount, rows >= 1 else {
      throw ObjectiveError.shape(
        what: "embeddings", expected: "\(composition.limits.viewCount) views of at least one row",
        found: "\(views.count) views of \(rows) rows")
    }
    for (index, view) in views.enumerated() where view.rows != rows || view.columns != width {
      throw ObjectiveError.shape(
        what: "z\(index + 1)", expected: "[\(rows), \(width)] as z1", found: "[\(view.rows), \(view.columns)]")
    }
    var limits = composition.limits
    if rows > limits.maxRows { (limits.maxRows, limits.maxSequences) = (rows, rows * views.count) }
    try composition.prepare(limits)
    composition.begin(rows: rows, rowIDs: rowIDs, textIDs: textIDs)
    for (index, view) in views.enumerated() {
      copy(view, to: composition.views.z.matrix(index))
      if let flat = composition.views.z.tensors[index].firstNonFinite {
        throw ObjectiveError.inputNotFinite(what: "z\(index + 1)", row: flat / width)
      }
    }
    return try composition.run(
      position, PassOptions(gradientScale: wantsGradients ? 1 : nil, scope: details ? scope : nil))
  }

  /// The gradient of the last `evaluate` with respect to view `index`: [rows, width], valid until the next one
  /// and as long as this object lives.
  package func gradient(_ index: Int) -> Matrix { composition.views.dz.matrix(index) }

  /// Lets plugins update their states after the last `evaluate`.
  /// - Throws: `PluginFailure`; then every state is as it was before.
  package func commit() throws { try commitAll(composition.takePendingCommits()) }
}
