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
  /// Values of parameters that are not the default in any test, but where it sets them itself.
  package let settings: [(String, String)]

  /// A bench without any instance yet: each test makes its own.
  package init(_ component: PluginComponent, seed: UInt64, settings: [(String, String)] = []) {
    self.component = component
    self.seed = seed
    self.settings = settings
  }

  /// Whether its functions run in a process of their own.
  package var isApart: Bool { component.place != nil }

  var isStrategy: Bool { ![.other, .encoder].contains(component.kind) }

  func services(
    threads: Int = 2, isNewer: Bool = false, chunkOrder: HostServices.ChunkOrder = .parallel
  ) -> HostServices {
    HostServices(
      pool: ThreadPool(threads: threads), logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() },
      age: isNewer ? .newer : .today, chunkOrder: chunkOrder)
  }

  /// The parameters with these settings in place of the bench's own.
  func values(_ more: [(String, String)] = []) throws -> ParameterValues {
    let kept = settings.filter { setting in !more.contains { $0.0 == setting.0 } }
    return try ParameterValues(for: component, settings: kept + more)
  }

  func instance(
    _ settings: [(String, String)] = [], threads: Int = 2, seed: UInt64? = nil, name: String? = nil,
    isNewer: Bool = false, chunkOrder: HostServices.ChunkOrder = .parallel
  ) throws -> PluginInstance {
    try PluginInstance(
      component: component, values: values(settings), name: name ?? component.name,
      services: services(threads: threads, isNewer: isNewer, chunkOrder: chunkOrder), seed: seed ?? self.seed)
  }

  /// A rig with other settings; nil where the component refuses them, as it may.
  func acceptedRig(_ shape: RigShape, _ settings: [(String, String)]) throws -> Rig? {
    do {
      let rig = try rig(shape, settings: settings)
      _ = try rig.run(gradients: false)
      return rig
    } catch let failure as PluginFailure {
      guard case .status = failure.reason else { throw failure }
      return nil
    }
  }

  static func limits(_ shape: RigShape) -> PluginLimits {
    let rows = max(shape.maxRows ?? 0, shape.rows)
    let tokens = max((shape.tokens ?? []).reduce(0, +), rows * 4)
    var limits = PluginLimits(
      maxRows: rows, width: shape.width, maxTokens: tokens, maxSequences: rows, layerCount: 7, viewCount: 3,
      supervision: [.scores, .classes], guideWidths: RigEncodings.guideWidths)
    (limits.vocabularySize, limits.documents) = (PoolerRig.vocabularySize, .text(PoolerRig.documents))
    (limits.texts, limits.vocabulary) = (.madeUp, AugmenterRig.vocabulary)
    return limits
  }

  func rig(
    _ shape: RigShape = RigShape(), settings: [(String, String)] = [], threads: Int = 2, seed: UInt64? = nil,
    on given: PluginInstance? = nil
  ) throws -> Rig {
    let instance = try given ?? self.instance(settings, threads: threads, seed: seed, isNewer: shape.isNewer)
    let limits = Self.limits(shape)
    var shape = shape
    // Pages that nobody may touch are so in this process only.
    if isApart { shape.side = .visible }
    switch component.kind {
    case .pooler: return try PoolerRig(instance, shape, seed: self.seed, limits: limits)
    case .sampler: return try SamplerRig(instance, shape, seed: self.seed, limits: limits)
    case .loss where instance.scoresLogits: return try LogitsRig(instance, shape, seed: self.seed, limits: limits)
    case .augmenter: return try AugmenterRig(instance, shape, seed: self.seed, limits: limits)
    case .loss, .encoder, .other: return try EmbeddingLossRig(instance, shape, seed: self.seed, limits: limits)
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
    switch component.kind {
    case .augmenter: return false
    case .sampler: return rig.instance.plan.vectors.contains(where: \.isLive)
    default: return true
    }
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
