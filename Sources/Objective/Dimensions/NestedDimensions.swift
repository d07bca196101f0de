// The objective once more on the first so many dimensions of the embeddings, so that they can be cut there: Matryoshka
// representations. Owned by ContrastiveModel, beside the objective on all dimensions.
// Source: Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022, equation 1.

import Host
import Kernels

/// Narrower objectives of the same strategy, each with instances, states, weights and random numbers of its own.
final class NestedDimensions {
  /// The factor of the loss on all dimensions.
  let weight: Double
  private let parts: [Part]

  private struct Part {
    let share: DimensionShares.Share
    let objective: ContrastiveObjective
  }

  /// - Parameter limits: those of the objective on all dimensions.
  /// - Throws: `ObjectiveError.shape` where the first width is another than the embeddings'; as ContrastiveObjective.
  init(
    _ shares: DimensionShares, _ configuration: ObjectiveConfiguration, limits: PluginLimits,
    encodings: BatchEncodings, services: HostServices
  ) throws {
    let whole = shares.shares[0]
    guard whole.dimension == limits.width else {
      throw ObjectiveError.shape(
        what: "--dims", expected: "\(limits.width), the embeddings' width, as the first",
        found: "\(whole.dimension)")
    }
    weight = whole.weight
    parts = try shares.shares.dropFirst().map { share in
      var factory = InstanceFactory(
        services: services, seed: configuration.seed, prefix: InstanceFactory.prefix(dimension: share.dimension))
      return Part(
        share: share,
        objective: try ContrastiveObjective(
          configuration, factory: &factory, limits: Self.limits(limits, share.dimension), encodings: encodings,
          wholeWidth: limits.width))
    }
  }

  private static func limits(_ limits: PluginLimits, _ width: Int) -> PluginLimits {
    var limits = limits
    limits.width = width
    return limits
  }

  var objectives: [ContrastiveObjective] { parts.map(\.objective) }

  /// Plans again where a limit of the objective on all dimensions changed.
  func prepare(_ limits: PluginLimits) throws {
    for part in parts { try part.objective.prepare(Self.limits(limits, part.share.dimension)) }
  }

  /// Adds the losses on fewer dimensions to a report on all, and their gradients to those of the embeddings.
  func run(_ whole: BatchEmbeddings, at position: StepPosition, scale: Double, into report: inout StepReport) throws {
    report.loss *= weight
    for part in parts {
      part.objective.begin(like: whole)
      let narrow = try part.objective.run(at: position, PassOptions(gradientScale: scale * part.share.weight))
      report.loss += part.share.weight * narrow.loss
      report.metrics.append((InstanceFactory.prefix(dimension: part.share.dimension) + "loss", narrow.loss))
      report.metrics += narrow.metrics
      let (from, to) = (part.objective.views.dz.matrix, whole.dz.matrix)
      for row in 0..<from.rows { addScaled(1, from.row(row), to: to.row(row), from.columns) }
    }
    report.gradientNorms = whole.dz.tensors.map { innerProduct($0.matrix, $0.matrix).squareRoot() }
  }

  /// The calls that `commit` has to make for the last batch.
  func takePendingCommits() -> [PendingCommit] { parts.flatMap { $0.objective.takePendingCommits() } }
}
