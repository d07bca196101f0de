// What a plan declares about one state or weight: read from cse_tensor_decl, checked, and filled with its first values.

import Kernels
import PluginAPI

/// A checked `cse_tensor_decl`.
package struct TensorDeclaration: Sendable, Equatable {
  /// How the values start.
  package enum Start: Sendable, Equatable {
    case zero
    case constant(Float)
    case normal(mean: Float, deviation: Float)
    case uniform(lower: Float, upper: Float)
    case eye
    /// A share for each token id.
    case documents
  }

  /// Printable, without spaces and slashes; unique among the plan's states or weights.
  package let name: String
  /// One to four extents, each at least 1.
  package let shape: [Int]
  /// Weights are float32; states float32 or int64.
  package let element: ElementType
  /// How its values start.
  package let start: Start
  /// Weights: whether weight decay applies.
  package let decays: Bool
  /// Weights: multiplies the learning rate.
  package let learningRateMultiplier: Float

  /// Number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// Whether an older tensor of this declaration may be taken over with its values.
  func matches(_ other: TensorDeclaration) -> Bool {
    name == other.name && shape == other.shape && element == other.element
  }
}

/// Why a declaration in a plan is refused; becomes a PluginFailure with all the rest.
struct PlanRefusal: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

extension TensorDeclaration {
  /// Reads and checks one declaration. `what`: "states[2]", for messages.
  init(_ raw: cse_tensor_decl, isWeight: Bool, what: String) throws {
    guard let pointer = raw.name, pointer.pointee != 0 else { throw PlanRefusal("\(what) has no name") }
    name = String(cString: pointer)
    let title = "\(what) '\(name)'"
    guard name.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "/") }) else {
      throw PlanRefusal("\(title): a name has printable letters without spaces or slashes")
    }
    shape = try Self.shape(raw, title: title)
    element = try Self.element(raw.dtype, isWeight: isWeight, title: title)
    start = try Self.start(raw, isWeight: isWeight, element: element, rank: shape.count, title: title)
    let known: UInt32 = isWeight ? UInt32(CSE_NO_DECAY) : 0
    guard raw.flags & ~known == 0 else {
      throw PlanRefusal("\(title) has unknown flags 0x\(String(raw.flags & ~known, radix: 16))")
    }
    guard raw.lr_mult.isFinite, raw.lr_mult >= 0 else {
      throw PlanRefusal("\(title): lr_mult is \(raw.lr_mult), expected a finite number of at least 0 (0 means 1)")
    }
    decays = raw.flags & UInt32(CSE_NO_DECAY) == 0
    learningRateMultiplier = raw.lr_mult == 0 ? 1 : raw.lr_mult
  }

  private static func shape(_ raw: cse_tensor_decl, title: String) throws -> [Int] {
    guard (1...4).contains(raw.ndim) else {
      throw PlanRefusal("\(title) has \(raw.ndim) dimensions, expected 1 to 4")
    }
    let all = [raw.shape.0, raw.shape.1, raw.shape.2, raw.shape.3]
    let extents = all.prefix(Int(raw.ndim))
    var count: Int64 = 1
    for extent in extents {
      guard extent > 0 else { throw PlanRefusal("\(title) has shape \(Array(extents)); no extent may be below 1") }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= PluginPlan.largestElementCount else {
        throw PlanRefusal("\(title) has shape \(Array(extents)), which is more than this machine's memory")
      }
      count = product
    }
    return extents.map(Int.init)
  }

  private static func element(_ type: DLDataType, isWeight: Bool, title: String) throws -> ElementType {
    switch (type.code, type.bits, type.lanes) {
    case (0, 0, 0), (2, 32, 1): return .float32
    case (0, 64, 1) where !isWeight: return .int64
    default:
      let legal = isWeight ? "float32" : "float32 or int64"
      throw PlanRefusal("\(title) has the type {\(type.code), \(type.bits), \(type.lanes)}, expected \(legal)")
    }
  }

  private static func start(
    _ raw: cse_tensor_decl, isWeight: Bool, element: ElementType, rank: Int, title: String
  ) throws -> Start {
    guard raw.a.isFinite, raw.b.isFinite else { throw PlanRefusal("\(title): a and b must be finite") }
    let start: Start
    switch Int(raw.`init`) {
    case Int(CSE_INIT_ZERO): return .zero
    case Int(CSE_INIT_CONST): return .constant(raw.a)
    case Int(CSE_INIT_NORMAL):
      guard raw.b >= 0 else { throw PlanRefusal("\(title): the deviation b is \(raw.b), expected at least 0") }
      start = .normal(mean: raw.a, deviation: raw.b)
    case Int(CSE_INIT_UNIFORM):
      guard raw.b >= raw.a else { throw PlanRefusal("\(title): [a, b) is [\(raw.a), \(raw.b)), expected a <= b") }
      start = .uniform(lower: raw.a, upper: raw.b)
    case Int(CSE_INIT_EYE):
      guard rank == 2 else { throw PlanRefusal("\(title): CSE_INIT_EYE needs 2 dimensions, found \(rank)") }
      start = .eye
    case Int(CSE_INIT_DOCUMENTS):
      guard !isWeight else {
        throw PlanRefusal("\(title): CSE_INIT_DOCUMENTS is for states, which nobody learns")
      }
      start = .documents
    default: throw PlanRefusal("\(title) has the unknown init \(raw.`init`)")
    }
    guard element == .float32 else { throw PlanRefusal("\(title): int64 states start as zero or a constant") }
    return start
  }

  /// Writes the first values; random ones come from the tensor's own stream, so that nothing else moves them.
  func fill(_ memory: UnsafeMutableRawPointer, seed: UInt64, instance: String) {
    if element == .int64 {
      var value: Int64 = 0
      if case .constant(let a) = start { value = Int64(a) }
      memory.assumingMemoryBound(to: Int64.self).update(repeating: value, count: count)
      return
    }
    let values = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: Float.self), count: count)
    let stream = RandomStream(seed: seed, name: "plugin.\(instance).init.\(name)")
    switch start {
    case .zero, .documents: values.update(repeating: 0)
    case .constant(let value): values.update(repeating: value)
    case .normal(let mean, let deviation):
      stream.normal(step: 0, offset: 0, into: values)
      for index in values.indices { values[index] = mean + deviation * values[index] }
    case .uniform(let lower, let upper):
      stream.uniform(step: 0, offset: 0, into: values)
      for index in values.indices { values[index] = lower + (upper - lower) * values[index] }
    case .eye:
      values.update(repeating: 0)
      for index in 0..<min(shape[0], shape[1]) { values[index * shape[1] + index] = 1 }
    }
  }
}
