// Strategies that look on while another one trains (`--shadow`): the same batch's embeddings, their own loss and
// gradient, and how that gradient lies to the leader's. Owned by ContrastiveModel; nothing of it reaches a weight.

package import Host
import Kernels

/// A strategy that looks on, by its name in metrics.
package struct ShadowStrategy: Sendable {
  /// Its name in metrics.
  package var label: String
  /// Its samplers and losses.
  package var strategy: Strategy

  /// A strategy and its name.
  package init(label: String, strategy: Strategy) {
    self.label = label
    self.strategy = strategy
  }
}

/// Memory of a shadow that checkpoints carry; all of one `group` belong together.
package struct ShadowTensor {
  /// The shadow, for messages.
  package let group: String
  /// Unique in the checkpoint.
  package let name: String
  /// The element type as safetensors name it: F32, F64 or I64.
  package let type: String
  /// Its extents.
  package let shape: [Int]
  /// Its bytes, which a checkpoint saves and restores.
  package let memory: UnsafeMutableRawBufferPointer
}

/// All shadows of a run.
///
/// Each has plugin instances, states and random streams of its own (`shadow.LABEL.mixcse`), and embeddings that are
/// copied from the leader's, so the leader's numbers are the same with and without shadows. A shadow whose plugin
/// fails is dropped for the rest of the run.
package final class ShadowPanel {
  let shadows: [Shadow]
  /// Seconds spent here since the panel was made.
  package private(set) var seconds = 0.0
  private let say: (String) -> Void

  /// The leader's temperature and hard negative weight hold for shadows, too, but for a temperature in a shadow's own
  /// text. Weights of shadows and their temperatures are not trained; a note says so.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError` as ContrastiveObjective: a slip is found before
  ///   training starts.
  init(
    _ strategies: [ShadowStrategy], like leader: ObjectiveConfiguration, limits: PluginLimits,
    encodings: BatchEncodings, services: HostServices, say: @escaping (String) -> Void
  ) throws {
    self.say = say
    shadows = try strategies.map { strategy in
      var factory = InstanceFactory(
        services: services, seed: leader.seed, prefix: "shadow.\(strategy.label).")
      let configuration = Self.configuration(of: strategy.strategy, like: leader)
      let objective = try ContrastiveObjective(
        configuration, factory: &factory, limits: limits, encodings: encodings)
      return Shadow(strategy, objective)
    }
    for shadow in shadows where !shadow.strategy.augmenters.isEmpty {
      let names = shadow.strategy.augmenters.map(\.name).joined(separator: ", ")
      say("note: shadow \(shadow.label): \(names) edits nothing; shadows look at the leader's batch")
    }
    for shadow in shadows where !shadow.objective.parameters.isEmpty {
      let names = shadow.objective.parameters.map(\.name).joined(separator: ", ")
      say("note: shadow \(shadow.label): \(names) stay at their first values; what shadows learn is not trained")
    }
    if leader.learnTemperature { say("note: --learn-temperature is the leader's; shadows keep their first one") }
  }

  private static func configuration(
    of strategy: Strategy, like leader: ObjectiveConfiguration
  ) -> ObjectiveConfiguration {
    var configuration = leader.around(strategy)
    configuration.learnTemperature = false
    return configuration
  }

  // MARK: A batch

  /// Scores the leader's embeddings under every shadow, between the leader's gradients and their way back.
  ///
  /// - Parameters:
  ///   - leader: z and dz of the batch; dz is `scale` times the gradient of the leader's `loss`.
  /// - Returns: `embeddingGradNorm` (the leader's), and `shadow.LABEL.loss`, `.gradNorm`, `.cosine`: of gradients with
  ///   respect to the embeddings of all views together.
  /// - Throws: `PluginFailure` where the run was asked to end during a call.
  func measure(
    _ leader: BatchEmbeddings, limits: PluginLimits, loss: Double, scale: Double, at position: StepPosition
  ) throws -> [(name: String, value: Double)] {
    let began = ContinuousClock.now
    defer { count(since: began) }
    let norm = innerProduct(leader.dz.matrix, leader.dz.matrix).squareRoot()
    var metrics = [(name: "embeddingGradNorm", value: norm / scale)]
    for shadow in shadows where !shadow.isDropped {
      try attempt(shadow) {
        let found = try shadow.measure(leader, norm: norm, limits: limits, at: position)
        shadow.pending = ShadowMeasurement(
          loss: found.loss, gradNorm: found.gradNorm, cosine: found.cosine, leaderLoss: loss, leaderNorm: norm / scale)
        let name = "shadow.\(shadow.label)"
        metrics += [
          ("\(name).loss", found.loss), ("\(name).gradNorm", found.gradNorm), ("\(name).cosine", found.cosine),
        ]
      }
    }
    return metrics
  }

  /// Lets shadows take the batch into their states, after the leader did.
  /// - Throws: `PluginFailure` where the run was asked to end during a call.
  func commit() throws {
    let began = ContinuousClock.now
    defer { count(since: began) }
    for shadow in shadows where !shadow.isDropped {
      try attempt(shadow) { try shadow.commit() }
    }
  }

  /// Drops a shadow that fails, but not one that was cancelled.
  private func attempt(_ shadow: Shadow, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let failure as PluginFailure where failure.reason == .cancelled {
      throw failure
    } catch {
      shadow.drop()
      say("warning: shadow \(shadow.label) is dropped, the run goes on without it: \(error)")
    }
  }

  private func count(since began: ContinuousClock.Instant) {
    seconds += (ContinuousClock.now - began).seconds
  }

  // MARK: What is kept and told

  /// For run.json.
  package var entries: [(label: String, strategy: Strategy, instances: [PluginInstance])] {
    shadows.map { ($0.label, $0.strategy, $0.objective.instances) }
  }

  /// States of the plugins and the sums for the table, for checkpoints.
  package var tensors: [ShadowTensor] { shadows.flatMap(\.tensors) }

  /// The means over the run.
  package var summaries: [ShadowSummary] { shadows.map(\.summary) }
}
