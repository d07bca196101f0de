// A sampler of negatives in the objective: its vectors, its blocks, and what it is shown of the blocks before it.

import Host
import Kernels
import PluginAPI

/// One sampler instance with everything its calls need, at addresses that stay.
final class SamplerStage {
  let instance: PluginInstance
  let index: Int
  let vectors: [ComparedVectors]
  let states: [ComparedVectors?]
  let encodings: [ComparedVectors?]
  private let batch: ShownBatch
  /// Its blocks in the order it declared them.
  private(set) var blocks: [SimilarityBlock] = []
  private var visible: [SimilarityBlock] = []
  private var firstOwn = 0
  private let candidates: UnsafeMutablePointer<cse_candidates>
  private var blockPointers: UnsafeMutablePointer<UnsafePointer<cse_block>?>
  private var counts: UnsafeMutablePointer<Int64>
  private let vectorList: TensorList
  private let gradientList: TensorList
  private var gains = TensorList([])
  private var biases = TensorList([])
  private var similarities = TensorList([])
  private var isSampled = false

  /// - Parameter batch: as the sampler sees it.
  init(instance: PluginInstance, index: Int, batch: ShownBatch, maxRows: Int, width: Int) {
    self.instance = instance
    self.index = index
    self.batch = batch
    vectors = instance.plan.vectors.enumerated().map {
      ComparedVectors(new: $1, index: $0, maxRows: maxRows, width: width)
    }
    // Only states that blocks name are compared; others may have any shape.
    states = instance.states.enumerated().map { index, state in
      instance.plan.compares(.state(index)) ? ComparedVectors(fixed: state.tensor, maxRows: state.tensor.rows) : nil
    }
    encodings = batch.encodings.tensors.enumerated().map { index, tensor in
      guard let tensor, instance.plan.compares(.encoding(index)) else { return nil }
      return ComparedVectors(fixed: tensor, maxRows: maxRows)
    }
    vectorList = TensorList(vectors.map(\.tensor))
    gradientList = TensorList(vectors.map(\.gradientTensor))
    candidates = .visible(.shown, capacity: 1, repeating: cse_candidates())
    blockPointers = .visible(.shown, capacity: 1, repeating: nil)
    counts = .visible(.shared, capacity: 1, repeating: 0)
  }

  deinit {
    candidates.freeVisible()
    blockPointers.freeVisible()
    counts.freeVisible()
  }

  /// The vectors that one side of a block names.
  func vectors(_ source: BlockSource, views: [ComparedVectors]) -> ComparedVectors? {
    switch source {
    case .view(let view): views[view]
    case .new(let set): vectors[set]
    case .state(let state): states[state]
    case .encoding(let encoding): encodings[encoding]
    }
  }

  func adopt(_ blocks: [SimilarityBlock]) { self.blocks = blocks }

  /// Fixes what the sampler sees: `earlier` (group 0's base first), then its own blocks.
  func see(_ earlier: [SimilarityBlock]) {
    visible = earlier + blocks
    firstOwn = earlier.count
    let room = max(visible.count, 1)
    blockPointers.freeVisible()
    counts.freeVisible()
    blockPointers = .visible(.shown, capacity: room, repeating: nil)
    counts = .visible(.shared, capacity: room, repeating: 0)
    for (index, block) in visible.enumerated() { blockPointers[index] = UnsafePointer(block.raw) }
    let edits = instance.plan.editsCells
    gains = TensorList(visible.map { edits ? $0.edits?.gain : nil })
    biases = TensorList(visible.map { edits ? $0.edits?.bias : nil })
    similarities = TensorList(visible.map { _ in nil })
    candidates.pointee.struct_size = instance.services.age.size(of: cse_candidates.self)
    candidates.pointee.n_blocks = UInt32(visible.count)
    candidates.pointee.first_own = UInt32(firstOwn)
    candidates.pointee.n_vectors = UInt32(vectors.count)
    candidates.pointee.vectors = vectors.isEmpty ? nil : UnsafePointer(vectorList.pointer)
    candidates.pointee.blocks = UnsafePointer(blockPointers)
    candidates.pointee.n_cols = counts
    candidates.pointee.gain = edits ? UnsafePointer(gains.pointer) : nil
    candidates.pointee.bias = edits ? UnsafePointer(biases.pointer) : nil
    candidates.pointee.sim = similarities.reading
  }

  var guarded: [GuardedBuffer] {
    vectors.flatMap { [$0.tensor?.storage, $0.gradientTensor?.storage].compactMap { $0 } }
      + visible.flatMap { [$0.edits?.gain.storage, $0.edits?.bias.storage].compactMap { $0 } }
  }

  func begin(rows: Int) {
    isSampled = false
    for side in vectors { side.begin(rows: rows) }
    for (side, tensor) in zip(encodings, batch.encodings.tensors) {
      if let side, let tensor { side.follow(tensor) }
    }
  }

  /// Calls `sample`, checks what it did, and normalises the new vectors, states and encodings it compares with.
  /// - Parameter score: what it may ask of vectors that it makes up.
  func sample(_ views: BatchEmbeddings, pool: ThreadPool, score: ScoreService.Score?) throws {
    for (index, block) in visible.enumerated() {
      counts[index] = Int64(block.count)
      similarities.set(index, block.hasSimilarities ? block.similarity : nil)
    }
    if instance.plan.editsCells { for block in visible { block.edits?.handOut() } }
    try instance.sample(
      UnsafePointer(batch.reading), UnsafePointer(candidates), vectors: vectors.compactMap(\.tensor), score: score)
    try takeCounts(rows: views.rows)
    if instance.plan.editsCells {
      for block in visible {
        if let problem = block.editProblem(rows: views.rows, label: "'\(block.planned.label)'", pool) {
          throw instance.failure(.sample, .contract(problem))
        }
      }
    }
    for side in vectors { side.normalise(pool) }
    for side in states + encodings { side?.normalise(pool) }
    isSampled = true
  }

  /// Whether the vectors of its blocks are there.
  var isReady: Bool { isSampled }

  /// Sends the gradients of live new vectors on to the batch's views and to the sampler's weights.
  func sampleBackward(_ views: BatchEmbeddings, pool: ThreadPool) throws {
    guard instance.plan.vectors.contains(where: \.isLive) else { return }
    for side in vectors { side.propagate(pool) }
    try instance.sampleBackward(UnsafePointer(batch.writing), gradientList)
    for (kind, stack) in [("dz", views.dz), ("du", views.du)] {
      for (view, tensor) in stack.tensors.enumerated() {
        try instance.checkFinite(tensor, "\(kind)[\(view)]", .sampleBackward)
      }
    }
    instance.foldWeightGradients(scale: 1)
  }

  /// Takes over lowered column counts of its own blocks.
  private func takeCounts(rows: Int) throws {
    for (index, block) in visible.enumerated() {
      let count = Int(counts[index])
      guard count != block.count else { continue }
      let title = "n_cols[\(index)] ('\(block.planned.label)')"
      guard index >= firstOwn, !block.hasSimilarities else {
        if block.owner == self.index { continue }
        throw instance.failure(.sample, .contract("it changed \(title), which belongs to another; only own blocks may"))
      }
      guard count >= 0, count <= block.count else {
        throw instance.failure(.sample, .contract("it set \(title) to \(count), expected 0 to \(block.count)"))
      }
      guard !block.planned.isBase || count >= rows else {
        throw instance.failure(
          .sample, .contract("it lowered \(title) to \(count), but a CSE_BASE block holds \(rows) rows' positives"))
      }
      block.count = count
    }
  }
}
