// Tensors that live and learn on a device, as the optimiser and the checkpoints see them: mirrored by parameters here,
// moved there. Implemented by Objective.PluginEncoder; driven by AdamW.

/// A part of a tensor on a device.
package enum DevicePart: Sendable, CaseIterable {
  /// The weights.
  case value
  /// What backward passes added up.
  case gradient
  /// AdamW's moving average of the gradient.
  case firstMoment
  /// AdamW's moving average of its square.
  case secondMoment
}

/// What AdamW does to tensors on a device.
package struct DeviceStep: Sendable, Equatable {
  /// Above or equal to 0.
  package var learningRate: Double
  /// Decoupled; only where a tensor decays.
  package var weightDecay: Double
  /// Gradients are taken times this.
  package var gradientScale: Double
  /// Number of the step, from 1: the bias correction.
  package var number: Int

  /// A step by its settings.
  package init(learningRate: Double, weightDecay: Double, gradientScale: Double, number: Int) {
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.gradientScale = gradientScale
    self.number = number
  }
}

/// Tensors on a device. Every call may fail as the device does.
package protocol DeviceWeights: AnyObject {
  /// A mirror of each tensor, in a fixed order. `value` holds what was read last; gradients are never looked at.
  var mirrors: [Parameter] { get }
  /// Says that a batch comes, and whether it is the last one before the sum of squares is asked for.
  func batchFollows(isLast: Bool)
  /// The sum of squares of all gradients.
  func squaredGradientNorm() throws -> Double
  /// Moves all tensors; their gradients are zero afterwards.
  func step(_ step: DeviceStep) throws
  /// Sets all gradients to zero.
  func clearGradients() throws
  /// Copies a part of tensor `index` to memory with room for it, row-major.
  func read(_ part: DevicePart, of index: Int, into target: UnsafeMutablePointer<Float>) throws
  /// The other way round.
  func write(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws
}

extension DeviceWeights {
  /// Of no interest where gradients have no way to go.
  package func batchFollows(isLast: Bool) {}

  /// Brings the mirrors' values up to date.
  package func readValues() throws {
    for (index, mirror) in mirrors.enumerated() { try read(.value, of: index, into: mirror.value) }
  }
}
