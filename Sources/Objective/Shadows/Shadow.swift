// One strategy that looks on: its objective and its sums over the run. Driven by ShadowPanel.

import Host
import Kernels

/// What one batch says about a shadow, with the leader's numbers of the same batch.
package struct ShadowMeasurement: Sendable {
  /// The shadow's loss.
  package var loss: Double
  /// Frobenius norm of the gradient with respect to the embeddings of all views.
  package var gradNorm: Double
  /// Between that gradient and the leader's; NaN where one of them is 0.
  package var cosine: Double
  /// The leader's loss of the same batch.
  package var leaderLoss: Double
  /// The norm of the leader's gradient.
  package var leaderNorm: Double
}

/// A shadow over a whole run.
package struct ShadowSummary: Sendable {
  /// The shadow's name in metrics.
  package let label: String
  /// Batches that count: all, but for a shadow that was dropped or came later.
  package let batches: Int
  /// The means over them; NaN where there are none.
  package let mean: ShadowMeasurement
  /// Whether a plugin of it failed, so that it looked on no longer.
  package let isDropped: Bool
}

/// A shadow.
final class Shadow {
  let label: String
  let strategy: Strategy
  let objective: ContrastiveObjective
  /// Of the batch that `commit` will count.
  var pending: ShadowMeasurement?
  private let sums: UnsafeMutablePointer<Double>

  private enum Sum: Int, CaseIterable { case batches, loss, gradNorm, cosine, cosines, leaderLoss, leaderNorm, dropped }

  init(_ strategy: ShadowStrategy, _ objective: ContrastiveObjective) {
    label = strategy.label
    self.strategy = strategy.strategy
    self.objective = objective
    sums = .allocate(capacity: Sum.allCases.count)
    sums.initialize(repeating: 0, count: Sum.allCases.count)
  }

  deinit { sums.deallocate() }

  private subscript(_ sum: Sum) -> Double {
    get { sums[sum.rawValue] }
    set { sums[sum.rawValue] = newValue }
  }

  var isDropped: Bool { self[.dropped] != 0 }

  func drop() {
    pending = nil
    self[.dropped] = 1
  }

  /// The loss and the gradient on the leader's embeddings; `norm` is the length of the leader's gradient.
  func measure(
    _ leader: BatchEmbeddings, norm: Double, limits: PluginLimits, at position: StepPosition
  ) throws -> (loss: Double, gradNorm: Double, cosine: Double) {
    pending = nil
    try objective.prepare(limits)
    objective.begin(like: leader)
    let report = try objective.run(at: position, PassOptions(gradientScale: 1))
    let gradient = objective.views.dz.matrix
    let own = innerProduct(gradient, gradient).squareRoot()
    guard report.loss.isFinite, own.isFinite else {
      throw ObjectiveError.notFinite(what: "its loss or the norm of its gradient", row: 0)
    }
    return (report.loss, own, innerProduct(gradient, leader.dz.matrix) / (own * norm))
  }

  /// Counts the batch and lets the plugins take it into their states.
  /// - Throws: `PluginFailure`; then the states are as before.
  func commit() throws {
    try commitAll(objective.takePendingCommits())
    guard let batch = pending else { return }
    pending = nil
    self[.batches] += 1
    self[.loss] += batch.loss
    self[.gradNorm] += batch.gradNorm
    self[.leaderLoss] += batch.leaderLoss
    self[.leaderNorm] += batch.leaderNorm
    if batch.cosine.isFinite {
      self[.cosine] += batch.cosine
      self[.cosines] += 1
    }
  }

  var summary: ShadowSummary {
    let count = self[.batches]
    let mean = ShadowMeasurement(
      loss: self[.loss] / count, gradNorm: self[.gradNorm] / count, cosine: self[.cosine] / self[.cosines],
      leaderLoss: self[.leaderLoss] / count, leaderNorm: self[.leaderNorm] / count)
    return ShadowSummary(label: label, batches: Int(count), mean: mean, isDropped: isDropped)
  }

  /// The sums' name holds the strategy and the libraries, so that another shadow of the same label starts over.
  var tensors: [ShadowTensor] {
    let libraries = objective.instances.map { String($0.component.library.sha256.prefix(16)) }
    let identity = "shadow.\(label) \(strategy.text) \(libraries.joined(separator: " "))"
    let bytes = UnsafeMutableRawBufferPointer(start: sums, count: Sum.allCases.count * MemoryLayout<Double>.stride)
    let states = objective.states.map {
      ShadowTensor(
        group: "shadow \(label)", name: $0.name, type: $0.element == .float32 ? "F32" : "I64", shape: $0.shape,
        memory: $0.bytes)
    }
    return states + [
      ShadowTensor(
        group: "shadow \(label)", name: identity, type: "F64", shape: [Sum.allCases.count], memory: bytes)
    ]
  }
}
