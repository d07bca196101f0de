// Losses on logits, and poolers.

import Host
import Kernels
import PluginAPI

/// A loss on the logits of two blocks: the in-batch positives and as many mixed ones.
final class LogitsRig: Rig {
  let target: GuardPages
  let rowLoss: GuardPages
  /// What the loss says of the temperature beyond its logits; NaN where it says nothing.
  let temperatureSlope: GuardPages
  private var logits: StructBox<cse_logits>
  private let starts: GuardPages
  private var blocks: [UnsafeMutablePointer<cse_block>] = []
  private let blockList: GuardPages
  private let rows: RigRows
  private let encodings: RigEncodings
  private let views: [Field]
  private let viewLists: [TensorList]
  private let batch: StructBox<cse_batch>
  let columns: Int

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    columns = 2 * shape.rows
    target = try GuardPages(shape.rows * 8, side: shape.side)
    rowLoss = try GuardPages(shape.rows * 8, side: shape.side)
    temperatureSlope = try GuardPages(8, side: shape.side)
    starts = try GuardPages(24, side: shape.side)
    blockList = try GuardPages(16, side: shape.side)
    logits = try StructBox(cse_logits(), newer: false, side: shape.side)
    rows = try RigRows(shape)
    views = try ["z", "u"].flatMap { name in
      try (1...3).map {
        let field = try Field("\(name)\($0)", [shape.rows, shape.width], padded: shape.isPadded, side: shape.side)
        field.fill(1 / Float(shape.width).squareRoot())
        return field
      }
    }
    encodings = try RigEncodings(instance, shape, seed: seed, limits: limits)
    viewLists = [TensorList(views.prefix(3).map(\.tensor)), TensorList(views.suffix(3).map(\.tensor))]
    var raw = cse_batch()
    rows.describe(&raw)
    encodings.describe(&raw)
    (raw.n_views, raw.dim) = (3, Int64(shape.width))
    (raw.z, raw.u) = (viewLists[0].reading, viewLists[1].reading)
    batch = try StructBox(raw, newer: shape.isNewer, side: shape.side)
    try super.init(instance, shape, seed: seed, limits: limits)
    inputs = [try field("logits", [shape.rows, columns]), try field("sim", [shape.rows, columns])]
    gradients = [try field("dlogits", [shape.rows, columns]), try field("dsim", [shape.rows, columns])]
    blocks = [
      PlannedBlock(host: 0, 1, isBase: true, label: "in-batch"), PlannedBlock(host: 0, 2, isBase: false, label: "hard"),
    ]
    .map { block in
      let copy = UnsafeMutablePointer<cse_block>.allocate(capacity: 1)
      copy.initialize(to: block.raw)
      return copy
    }
    for row in 0..<shape.rows { target.pointer.storeBytes(of: Int64(row), toByteOffset: row * 8, as: Int64.self) }
    for (index, block) in blocks.enumerated() {
      blockList.pointer.storeBytes(of: UInt(bitPattern: block), toByteOffset: index * 8, as: UInt.self)
    }
    for index in 0...2 {
      starts.pointer.storeBytes(of: Int64(index * shape.rows), toByteOffset: index * 8, as: Int64.self)
    }
    try describe()
    fill(.normal)
  }

  deinit { for block in blocks { block.deallocate() } }

  override var furtherInputs: [Field] { encodings.fields }

  var temperature: Double { instance.values.double("temperature") ?? 1 }

  private func describe() throws {
    var raw = cse_logits()
    raw.n_blocks = 2
    (raw.rows, raw.cols) = (Int64(shape.rows), Int64(columns))
    raw.logits = UnsafePointer(inputs[0].tensor.dl)
    raw.sim = UnsafePointer(inputs[1].tensor.dl)
    raw.target = UnsafeRawPointer(target.pointer).assumingMemoryBound(to: Int64.self)
    raw.block_start = UnsafeRawPointer(starts.pointer).assumingMemoryBound(to: Int64.self)
    raw.blocks = UnsafeRawPointer(blockList.pointer).assumingMemoryBound(to: UnsafePointer<cse_block>?.self)
    raw.batch = UnsafePointer(batch.pointer)
    logits = try StructBox(raw, newer: shape.isNewer, side: shape.side)
  }

  override func fill(_ values: RigValues) {
    let tiny = Float.leastNormalMagnitude / 512
    // Similarities are cosines, whatever the embeddings were.
    let raw = numbers("sim", shape.rows * columns, values == .huge || values == .denormal ? .normal : values)
    let scale: Float = values == .denormal ? tiny : 0.3
    let sim = raw.map { max(-1, min(1, $0 * scale)) }
    inputs[1].values = values == .nan ? raw : sim
    let factor = values == .huge ? 1e15 : 1 / temperature
    inputs[0].values = inputs[1].values.map { Float(Double($0) * factor) }
  }

  /// Puts each row's positive into another column.
  func setTargets(_ column: (Int) -> Int) {
    for row in 0..<shape.rows {
      target.pointer.storeBytes(of: Int64(column(row)), toByteOffset: row * 8, as: Int64.self)
    }
  }

  /// Excludes every third cell that is not a row's own.
  func exclude() -> [Int] {
    let cells = (0..<(shape.rows * columns)).filter { $0 % 3 == 1 && $0 % columns != $0 / columns }
    for cell in cells { inputs[0].floats[cell / columns * inputs[0].stride + cell % columns] = -.infinity }
    return cells
  }

  override func run(gradients: Bool) throws -> Double {
    logits.pointer.pointee.temperature = temperature
    logits.pointer.pointee.dlogits = gradients ? self.gradients[0].tensor.dl : nil
    logits.pointer.pointee.dsim = gradients ? self.gradients[1].tensor.dl : nil
    logits.pointer.pointee.row_loss = gradients ? rowLoss.pointer.assumingMemoryBound(to: Double.self) : nil
    logits.pointer.pointee.dtemperature =
      gradients ? temperatureSlope.pointer.assumingMemoryBound(to: Double.self) : nil
    temperatureSlope.pointer.storeBytes(of: Double.nan, as: Double.self)
    for row in 0..<shape.rows { rowLoss.pointer.storeBytes(of: Double.nan, toByteOffset: row * 8, as: Double.self) }
    return try instance.onLogits(UnsafePointer(logits.pointer), wantsGradients: gradients)
  }
}

/// A pooler over sequences of different lengths.
final class PoolerRig: Rig {
  /// Its token ids are below this number.
  static let vocabularySize = 160
  /// No two tokens are equally frequent.
  static let documents = DocumentFrequencies { (0..<vocabularySize).map { 1 / Float(1 + $0) } }

  private let limits: PluginLimits
  private var tokens: StructBox<cse_tokens>
  private let offsets, ids, flags: GuardPages
  private let layers, layerGradients: TensorList

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    self.limits = limits
    try instance.prepare(limits)
    let isFirst = instance.plan.firstTokenOnly
    let lengths = isFirst ? [Int](repeating: 1, count: shape.rows) : shape.tokens ?? (0..<shape.rows).map { 1 + $0 % 4 }
    let total = lengths.reduce(0, +)
    let names = instance.plan.layers.indices
    let fields = try names.map {
      try Field("layers[\($0)]", [total, shape.width], padded: shape.isPadded, side: shape.side)
    }
    let gradientFields = try names.map {
      try Field("dlayers[\($0)]", [total, shape.width], padded: shape.isPadded, side: shape.side)
    }
    layers = TensorList(fields.map(\.tensor))
    layerGradients = TensorList(gradientFields.map(\.tensor))
    offsets = try GuardPages((shape.rows + 1) * 8, side: shape.side)
    ids = try GuardPages(total * 4, side: shape.side)
    flags = try GuardPages(total, side: shape.side)
    var at = 0
    for (index, length) in (lengths + [0]).enumerated() {
      offsets.pointer.storeBytes(of: Int64(at), toByteOffset: index * 8, as: Int64.self)
      if at < total { flags.pointer.storeBytes(of: UInt8(CSE_TOKEN_SPECIAL), toByteOffset: at, as: UInt8.self) }
      at += length
    }
    for token in 0..<total {
      ids.pointer.storeBytes(of: Int32(100 + token % 50), toByteOffset: token * 4, as: Int32.self)
    }
    var raw = cse_tokens()
    raw.n_layers = UInt32(names.count)
    raw.n_seqs = Int64(shape.rows)
    raw.n_tokens = Int64(total)
    raw.dim = Int64(shape.width)
    raw.n_views = 1
    raw.offsets = UnsafeRawPointer(offsets.pointer).assumingMemoryBound(to: Int64.self)
    raw.layers = layers.reading
    raw.token_ids = UnsafeRawPointer(ids.pointer).assumingMemoryBound(to: Int32.self)
    raw.token_flags = UnsafeRawPointer(flags.pointer).assumingMemoryBound(to: UInt8.self)
    tokens = try StructBox(raw, newer: shape.isNewer, side: shape.side)
    try super.init(instance, shape, seed: seed, limits: limits)
    inputs = fields
    gradients = gradientFields
    outputs = [try field("out", [shape.rows, instance.plan.outputWidth])]
    weightsOfOutputs = [try field("dout", [shape.rows, instance.plan.outputWidth])]
    weightsOfOutputs[0].values = numbers("R", shape.rows * instance.plan.outputWidth, .normal)
    fill(.normal)
  }

  override func fill(_ values: RigValues) {
    for input in inputs { input.values = numbers(input.label, input.rows * input.width, values) }
  }

  override func run(gradients: Bool) throws -> Double {
    tokens.pointer.pointee.dlayers = nil
    try instance.pool(UnsafePointer(tokens.pointer), output: outputs[0].tensor)
    let value = weighted
    guard gradients else { return value }
    tokens.pointer.pointee.dlayers = UnsafePointer(layerGradients.pointer)
    try instance.poolBackward(
      UnsafePointer(tokens.pointer), output: outputs[0].tensor, gradient: weightsOfOutputs[0].tensor,
      layerGradients: self.gradients.map(\.tensor))
    return value
  }

  override func commit() throws { try instance.commit(nil) }

  /// The same sequences in another order, token for token, on the same instance.
  func permuted(_ order: [Int]) throws -> PoolerRig {
    var other = shape
    other.tokens = order.map { rows(of: $0).count }
    let rig = try PoolerRig(instance, other, seed: seed, limits: limits)
    let source = order.flatMap { Array(rows(of: $0)) }
    for (to, from) in zip(rig.inputs, inputs) {
      let values = from.values
      to.values = source.flatMap { values[$0 * from.width..<($0 + 1) * from.width] }
    }
    for (token, from) in source.enumerated() {
      rig.ids.pointer.storeBytes(
        of: ids.pointer.load(fromByteOffset: from * 4, as: Int32.self), toByteOffset: token * 4, as: Int32.self)
      rig.flags.pointer.storeBytes(
        of: flags.pointer.load(fromByteOffset: from, as: UInt8.self), toByteOffset: token, as: UInt8.self)
    }
    return rig
  }

  /// The tokens of a sequence.
  func rows(of sequence: Int) -> Range<Int> {
    let starts = UnsafeRawPointer(offsets.pointer).assumingMemoryBound(to: Int64.self)
    return Int(starts[sequence])..<Int(starts[sequence + 1])
  }
}
