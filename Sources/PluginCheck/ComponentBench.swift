// Makes instances and batches of one component for the tests.

package import Host
import Kernels
import Logging

/// A component under test, and the seed of everything random about it.
package struct ComponentBench: Sendable {
  /// What is tested.
  package let component: PluginComponent
  /// The seed of batches, weights and directions; a failure repeats with it.
  package let seed: UInt64

  /// A bench without any instance yet: each test makes its own.
  package init(_ component: PluginComponent, seed: UInt64) {
    self.component = component
    self.seed = seed
  }

  var isStrategy: Bool { component.kind != .other }

  func services(threads: Int = 2, isNewer: Bool = false) -> HostServices {
    HostServices(
      pool: ThreadPool(threads: threads), logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
      isNewer: isNewer)
  }

  func instance(
    _ settings: [(String, String)] = [], threads: Int = 2, seed: UInt64? = nil, name: String? = nil,
    isNewer: Bool = false
  ) throws -> PluginInstance {
    try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: settings), name: name ?? component.name,
      services: services(threads: threads, isNewer: isNewer), seed: seed ?? self.seed)
  }

  func rig(
    _ shape: RigShape = RigShape(), settings: [(String, String)] = [], threads: Int = 2, seed: UInt64? = nil,
    on given: PluginInstance? = nil
  ) throws -> Rig {
    let instance = try given ?? self.instance(settings, threads: threads, seed: seed, isNewer: shape.isNewer)
    let rows = max(shape.maxRows ?? 0, shape.rows)
    let tokens = max((shape.tokens ?? []).reduce(0, +), rows * 4)
    let limits = PluginLimits(
      maxRows: rows, width: shape.width, maxTokens: tokens, maxSequences: rows, layerCount: 7, viewCount: 3,
      supervision: [.scores, .classes])
    switch component.kind {
    case .pooler: return try PoolerRig(instance, shape, seed: self.seed, limits: limits)
    case .sampler: return try SamplerRig(instance, shape, seed: self.seed, limits: limits)
    case .loss where instance.scoresLogits: return try LogitsRig(instance, shape, seed: self.seed, limits: limits)
    case .loss, .other: return try EmbeddingLossRig(instance, shape, seed: self.seed, limits: limits)
    }
  }

  /// Runs forward and backward once on a batch.
  @discardableResult
  func once(_ rig: Rig) throws -> Double {
    rig.clearGradients()
    let value = try rig.run(gradients: true)
    try rig.checkEdges()
    return value
  }

  /// Whether a gradient comes from this component at all.
  func hasGradient(_ rig: Rig) -> Bool {
    component.kind != .sampler || rig.instance.plan.vectors.contains(where: \.isLive)
  }

  /// All gradients of a rig, one after the other.
  func gradients(_ rig: Rig) -> [[Float]] { rig.differentiable.map { $0.gradient() } }

  func expectFinite(_ rig: Rig, _ value: Double, _ what: String) throws {
    try expect(value.isFinite, "with \(what) the loss is \(value)")
    // Outputs that are vectors; edited cells may be -infinity.
    for output in rig.outputs where !output.label.hasPrefix("bias") {
      if let index = output.values.firstIndex(where: { !$0.isFinite }) {
        throw CheckProblem("with \(what) \(output.label) holds \(output.values[index]) at \(index)")
      }
    }
    for gradient in rig.gradients {
      if let index = gradient.values.firstIndex(where: { !$0.isFinite }) {
        throw CheckProblem("with \(what) \(gradient.label) holds \(gradient.values[index]) at \(index)")
      }
    }
  }
}
