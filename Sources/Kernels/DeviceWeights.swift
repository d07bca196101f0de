// Tensors that live and learn on a device, as the optimiser and the checkpoints see them: mirrored by parameters here,
// moved there. Implemented by Objective.PluginEncoder, and by Ranks' encoders over several; driven by AdamW.

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
  /// Of each tensor whether it has a gradient: a step leaves the others as they are.
  func haveGradients() throws -> [Bool]
  /// Where the tensors are.
  var place: DevicePlace { get }
  /// How the devices of several processes add up their gradients themselves; nil where they cannot.
  var peers: (any DevicePeers)? { get }
}

/// What tensors are on.
package struct DevicePlace: Sendable, Equatable {
  /// For people: "NVIDIA H100 80GB HBM3".
  package var name: String
  /// What computes there: "torch 2.11.0".
  package var library: String
  /// The same in every process that sees the device; empty: not known.
  package var id: String

  /// A place by what it says of itself.
  package init(name: String, library: String, id: String) {
    (self.name, self.library, self.id) = (name, library, id)
  }
}

/// A device's way to those of other processes. All of a group make the same calls in the same order; every call but
/// `leave` and `connection` may fail as the device does.
package protocol DevicePeers: AnyObject {
  /// Looks whether it could join a group.
  func check() throws
  /// What names a new group, for all of its members.
  func makeID() throws -> [UInt8]
  /// Returns when all have joined; fails after so many seconds, which bound each sum, too.
  func join(_ id: [UInt8], rank: Int, size: Int, seconds: Double) throws
  /// Waits for what was begun, so that what failed is said before others wait for this one.
  func wait() throws
  /// Puts the sum of all members' gradients in the place of each one's.
  func sumGradients() throws
  /// Leaves the group, whatever state it is in.
  func leave()
  /// What connects them, once `check` was passed: "NCCL 2.27.7".
  var connection: String { get }
}

extension DeviceWeights {
  /// Of no interest where gradients have no way to go.
  package func batchFollows(isLast: Bool) {}
  /// The processors of this process.
  package var place: DevicePlace { DevicePlace(name: "cpu", library: "", id: "") }
  /// All of them.
  package func haveGradients() throws -> [Bool] { mirrors.map { _ in true } }
  /// None.
  package var peers: (any DevicePeers)? { nil }

  /// Brings the mirrors' values up to date.
  package func readValues() throws {
    for (index, mirror) in mirrors.enumerated() { try read(.value, of: index, into: mirror.value) }
  }
}
