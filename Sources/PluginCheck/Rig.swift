// One component with a batch made for it: every buffer between guard pages, one scalar to differentiate.
// Losses have their own scalar; of samplers and poolers it is sum(R * output) for fixed random R.

import Host
import Kernels
import PluginAPI

/// What a batch looks like.
struct RigShape {
  var rows = 6
  var width = 10
  var isPadded = false
  var side = GuardSide.right
  /// Structs carry a newer host's tail.
  var isNewer = false
  /// Lengths of sequences, for poolers; `rows` are sequences.
  var tokens: [Int]?
  var maxRows: Int?
}

/// What the batch is filled with.
enum RigValues: String { case normal, zero, equal, huge, denormal, nan }

/// A number array that is differentiated by.
struct RigInput {
  let label: String
  let field: Field?
  let pointer: UnsafeMutablePointer<Float>
  let rows: Int
  let width: Int
  let stride: Int
  let gradient: () -> [Float]

  var count: Int { rows * width }
  func index(_ flat: Int) -> Int { (flat / width) * stride + flat % width }
}

class Rig {
  let instance: PluginInstance
  let shape: RigShape
  let seed: UInt64
  var inputs: [Field] = []
  var gradients: [Field] = []
  var outputs: [Field] = []
  /// R, where there is one.
  var weightsOfOutputs: [Field] = []

  init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    self.instance = instance
    self.shape = shape
    self.seed = seed
    try instance.prepare(limits)
    instance.begin(StepPosition(step: 3, totalSteps: 10, epoch: 0.5))
  }

  /// Fills the inputs and everything that follows from them.
  func fill(_ values: RigValues) {}
  /// Calls forward; with `gradients` also backward, which adds to `gradients`.
  func run(gradients: Bool) throws -> Double { 0 }
  func commit() throws {}
  /// What is read and has no gradient.
  var furtherInputs: [Field] { [] }

  /// While differences are made: what a component takes for constants stays as its last call left it on the tape, if
  /// it claims to do so (CSE_HOLDS).
  func hold(_ isHeld: Bool) {
    instance.holdsConstants = isHeld && instance.component.pointer.pointee.claims & UInt32(CSE_HOLDS) != 0
  }

  func field(_ label: String, _ shape: [Int]) throws -> Field {
    try Field(label, shape, padded: self.shape.isPadded, side: self.shape.side)
  }

  func numbers(_ name: String, _ count: Int, _ values: RigValues) -> [Float] {
    var result = [Float](repeating: 0, count: count)
    switch values {
    case .zero: break
    case .equal: result = [Float](repeating: 0.25, count: count)
    default:
      result.withUnsafeMutableBufferPointer {
        RandomStream(seed: seed, name: name).normal(step: 0, offset: 0, into: $0)
      }
    }
    switch values {
    case .huge: result = result.map { $0 * 1e15 }
    case .denormal: result = result.map { $0 * Float.leastNormalMagnitude / 512 }
    case .nan: if count > 0 { result[count / 2] = .nan }
    default: break
    }
    return result
  }

  func clearGradients(_ value: Float = 0) {
    for gradient in gradients { gradient.fill(value) }
    instance.begin(instance.position)
  }

  /// sum(R * outputs)
  var weighted: Double {
    zip(outputs, weightsOfOutputs).reduce(0) { sum, pair in
      sum + zip(pair.0.values, pair.1.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
  }

  /// Everything there is to differentiate by: inputs with a gradient, and weights.
  var differentiable: [RigInput] {
    let fields = zip(inputs, gradients).map { input, gradient in
      RigInput(
        label: input.label, field: input, pointer: input.floats, rows: input.rows, width: input.width,
        stride: input.stride, gradient: { gradient.values })
    }
    let weights = instance.weights.enumerated().map { index, weight in
      RigInput(
        label: weight.name, field: nil, pointer: weight.value, rows: 1, width: weight.count, stride: weight.count,
        gradient: { [instance] in (0..<weight.count).map { instance.weightGradient(index)[$0] } })
    }
    return fields + weights
  }

  /// All bytes that a call made: outputs, states, and the scalar.
  func snapshot(_ value: Double) -> [UInt64] {
    var result = [value.bitPattern]
    for output in outputs { result += output.values.map { UInt64($0.bitPattern) } }
    for state in instance.states { result += state.bytes.map { UInt64($0) } }
    return result
  }

  func checkEdges() throws {
    for field in inputs + gradients + outputs + furtherInputs {
      if let damage = field.pages.damage { throw CheckProblem("it wrote \(damage) of '\(field.label)'") }
    }
  }
}

/// What is known of the rows of a batch beside their embeddings.
struct RigRows {
  private let identifiers, scores, classes: GuardPages
  private let count: Int

  /// Ids in order, scores of which some are equal, three classes.
  init(_ shape: RigShape) throws {
    count = shape.rows
    identifiers = try GuardPages(count * 8, side: shape.side)
    scores = try GuardPages(count * 4, side: shape.side)
    classes = try GuardPages(count * 8, side: shape.side)
    for row in 0..<count { identifiers.pointer.storeBytes(of: Int64(row), toByteOffset: row * 8, as: Int64.self) }
    label { $0 }
  }

  /// Gives row i the score and the class of row `source(i)` of the first batch.
  func label(_ source: (Int) -> Int) {
    for row in 0..<count {
      let source = source(row)
      scores.pointer.storeBytes(of: Float(source * 7 % 5), toByteOffset: row * 4, as: Float.self)
      classes.pointer.storeBytes(of: Int64(source % 3), toByteOffset: row * 8, as: Int64.self)
    }
  }

  func describe(_ batch: inout cse_batch) {
    batch.rows = Int64(count)
    batch.row_ids = UnsafeRawPointer(identifiers.pointer).assumingMemoryBound(to: Int64.self)
    batch.text_ids = batch.row_ids
    batch.scores = UnsafeRawPointer(scores.pointer).assumingMemoryBound(to: Float.self)
    batch.classes = UnsafeRawPointer(classes.pointer).assumingMemoryBound(to: Int64.self)
  }
}

/// Batches of embeddings: for samplers and losses on embeddings.
class BatchRig: Rig {
  let views = 3
  let rows: RigRows
  let encodings: RigEncodings
  var batch: StructBox<cse_batch>
  private let list, units, gradientList, unitGradients: TensorList

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    func fields(_ name: String) throws -> [Field] {
      try (1...3).map {
        try Field("\(name)\($0)", [shape.rows, shape.width], padded: shape.isPadded, side: shape.side)
      }
    }
    let (z, u, dz, du) = (try fields("z"), try fields("u"), try fields("dz"), try fields("du"))
    list = TensorList(z.map(\.tensor))
    units = TensorList(u.map(\.tensor))
    gradientList = TensorList(dz.map(\.tensor))
    unitGradients = TensorList(du.map(\.tensor))
    rows = try RigRows(shape)
    encodings = try RigEncodings(instance, shape, seed: seed, limits: limits)
    var raw = cse_batch()
    rows.describe(&raw)
    encodings.describe(&raw)
    raw.n_views = 3
    raw.dim = Int64(shape.width)
    raw.z = list.reading
    raw.u = units.reading
    batch = try StructBox(raw, newer: shape.isNewer, side: shape.side)
    try super.init(instance, shape, seed: seed, limits: limits)
    inputs = z + u
    gradients = dz + du
    fill(.normal)
  }

  override func fill(_ values: RigValues) {
    let count = shape.rows * shape.width
    let anchor = numbers("z1", count, values)
    for view in 0..<views {
      let noise = numbers("z\(view + 1)", count, values == .normal ? .normal : .zero)
      inputs[view].values = view == 0 ? anchor : zip(anchor, noise).map { $0 + 0.6 * $1 }
      let z = inputs[view].values
      inputs[views + view].values = z.indices.map { index in
        let row = index / shape.width * shape.width
        let norm = z[row..<(row + shape.width)].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return Float(Double(z[index]) / max(norm, 1e-8))
      }
    }
  }

  override var furtherInputs: [Field] { encodings.fields }

  func wantGradients(_ wanted: Bool) {
    batch.pointer.pointee.dz = wanted ? UnsafePointer(gradientList.pointer) : nil
    batch.pointer.pointee.du = wanted ? UnsafePointer(unitGradients.pointer) : nil
  }

  override func commit() throws {
    wantGradients(false)
    try instance.commit(UnsafePointer(batch.pointer))
  }
}

final class EmbeddingLossRig: BatchRig {
  override func run(gradients: Bool) throws -> Double {
    wantGradients(gradients)
    return try instance.onEmbeddings(UnsafePointer(batch.pointer), wantsGradients: gradients)
  }
}
