// A sampler with the host's base block and its own blocks.

import Host
import Kernels
import PluginAPI

final class SamplerRig: BatchRig {
  private var candidates: StructBox<cse_candidates>
  private var blocks: [UnsafeMutablePointer<cse_block>] = []
  private var blockList: GuardPages
  private var counts: GuardPages
  private var fullCounts: [Int] = []
  private var vectors: [Field] = []
  private var edits: [Field] = []
  private var lists: [TensorList] = []
  private var similarity: Field?
  private var dVectors = TensorList([])

  override init(_ instance: PluginInstance, _ shape: RigShape, seed: UInt64, limits: PluginLimits) throws {
    candidates = try StructBox(cse_candidates(), newer: false, side: shape.side)
    blockList = try GuardPages(8, side: shape.side)
    counts = try GuardPages(8, side: shape.side)
    try super.init(instance, shape, seed: seed, limits: limits)
    let planned = [PlannedBlock(host: 0, 1, isBase: true, label: "in-batch")] + instance.plan.blocks
    blocks = planned.map { block in
      let copy = UnsafeMutablePointer<cse_block>.allocate(capacity: 1)
      copy.initialize(to: block.raw)
      return copy
    }
    fullCounts = planned.map { block in
      var stateRows: Int?
      if case .state(let index) = block.columns { stateRows = instance.states[index].shape.first }
      return block.columnCount(rows: shape.rows, stateRows: stateRows)
    }
    blockList = try GuardPages(blocks.count * 8, side: shape.side)
    counts = try GuardPages(blocks.count * 8, side: shape.side)
    for (index, block) in blocks.enumerated() {
      blockList.pointer.storeBytes(of: UInt(bitPattern: block), toByteOffset: index * 8, as: UInt.self)
    }
    try makeFields(limits)
    try fillCandidates()
    fill(.normal)
  }

  deinit { for block in blocks { block.deallocate() } }

  private func makeFields(_ limits: PluginLimits) throws {
    vectors = try instance.plan.vectors.enumerated().map { index, set in
      switch set.count {
      case .shared(let perRow, let fixed):
        try field("vectors[\(index)]", [perRow * shape.rows + fixed, shape.width])
      case .perRow(let count): try field("vectors[\(index)]", [shape.rows, count, shape.width])
      }
    }
    outputs = vectors
    weightsOfOutputs = try vectors.map { vector in
      let field = try Field("d" + vector.label, vector.tensor.shape, padded: shape.isPadded, side: shape.side)
      field.values = numbers("R", field.rows * field.width, .normal)
      return field
    }
    if instance.plan.editsCells {
      edits = try ["gain", "bias"].flatMap { name in
        try fullCounts.enumerated().map { try field("\(name)[\($0)]", [shape.rows, max($1, 1)]) }
      }
      outputs += edits
    }
    similarity = try field("sim[0]", [shape.rows, shape.rows])
    dVectors = TensorList(
      zip(instance.plan.vectors, weightsOfOutputs).map { $0.isLive ? $1.tensor : nil })
  }

  private func fillCandidates() throws {
    let half = edits.count / 2
    lists = [
      TensorList(vectors.map(\.tensor)), TensorList(edits.prefix(half).map(\.tensor)),
      TensorList(edits.suffix(half).map(\.tensor)),
      TensorList([similarity?.tensor] + instance.plan.blocks.map { _ in nil }),
    ]
    var raw = cse_candidates()
    raw.n_blocks = UInt32(blocks.count)
    raw.first_own = 1
    raw.n_vectors = UInt32(vectors.count)
    raw.vectors = vectors.isEmpty ? nil : UnsafePointer(lists[0].pointer)
    raw.blocks = UnsafeRawPointer(blockList.pointer).assumingMemoryBound(to: UnsafePointer<cse_block>?.self)
    raw.n_cols = counts.pointer.assumingMemoryBound(to: Int64.self)
    if half > 0 {
      raw.gain = UnsafePointer(lists[1].pointer)
      raw.bias = UnsafePointer(lists[2].pointer)
    }
    raw.sim = lists[3].reading
    candidates = try StructBox(raw, newer: shape.isNewer, side: shape.side)
  }

  override func run(gradients: Bool) throws -> Double {
    for (index, count) in fullCounts.enumerated() {
      counts.pointer.storeBytes(of: Int64(count), toByteOffset: index * 8, as: Int64.self)
    }
    for (index, edit) in edits.enumerated() { edit.fill(index < edits.count / 2 ? 1 : 0) }
    let (u1, u2) = (inputs[3].values, inputs[4].values)
    similarity?.values = (0..<(shape.rows * shape.rows)).map { cell in
      let (i, j) = (cell / shape.rows * shape.width, cell % shape.rows * shape.width)
      return (0..<shape.width).reduce(0) { $0 + u1[i + $1] * u2[j + $1] }
    }
    wantGradients(false)
    try instance.sample(
      UnsafePointer(batch.pointer), UnsafePointer(candidates.pointer), vectors: vectors.map(\.tensor), score: score)
    try checkCounts()
    let value = weightedLive
    if gradients, instance.plan.vectors.contains(where: \.isLive) {
      wantGradients(true)
      try instance.sampleBackward(UnsafePointer(batch.pointer), dVectors)
    }
    return value
  }

  /// A loss for samplers that ask: the mean product of all anchors and all made-up vectors.
  private func score(_ vectors: Matrix, _ gradient: Matrix) -> Double {
    let (anchors, width) = (inputs[3].values, shape.width)
    var sum = 0.0
    for column in 0..<width {
      let mean = (0..<shape.rows).reduce(0) { $0 + anchors[$1 * width + column] } / Float(shape.rows)
      for row in 0..<vectors.rows {
        gradient.row(row)[column] = mean / Float(vectors.rows)
        sum += Double(mean * vectors.row(row)[column]) / Double(vectors.rows)
      }
    }
    return sum
  }

  /// As the host does in a run: only its own blocks, and only to fewer columns.
  private func checkCounts() throws {
    for (index, full) in fullCounts.enumerated() {
      let count = Int(counts.pointer.load(fromByteOffset: index * 8, as: Int64.self))
      let least = index == 0 ? full : blocks[index].pointee.flags & UInt32(CSE_BASE) != 0 ? shape.rows : 0
      try expect(
        (least...full).contains(count),
        "it set n_cols[\(index)] to \(count), expected \(least) to \(full)"
          + (index == 0 ? ": the block belongs to the host" : ""))
    }
  }

  /// Only live sets have a gradient.
  private var weightedLive: Double {
    var sum = 0.0
    for (index, set) in instance.plan.vectors.enumerated() where set.isLive {
      sum += zip(vectors[index].values, weightsOfOutputs[index].values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    return sum
  }
}
