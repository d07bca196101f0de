// One pooler of the chain: the first reads hidden states, each later one the vectors of the one before it.

import Encoder
import Host
import Kernels
import PluginAPI

/// A pooler instance with its input description and its vectors.
final class PoolerStage {
  let instance: PluginInstance
  /// Its vectors [sequences, out_dim] and their gradient; the last pooler writes where it is told to.
  private(set) var output = Tensor(shape: [0, 0])
  private(set) var gradient = Tensor(shape: [0, 0])
  private let tokens: UnsafeMutablePointer<cse_tokens>
  private var layers = TensorList([])
  private var layerGradients = TensorList([])
  private var offsets: UnsafeMutablePointer<Int64>
  private var ids: UnsafeMutablePointer<Int32>
  private var flags: UnsafeMutablePointer<UInt8>

  init(_ instance: PluginInstance) {
    self.instance = instance
    tokens = .visible(.shown, capacity: 1, repeating: cse_tokens())
    offsets = .visible(.shown, capacity: 1, repeating: 0)
    ids = .visible(.shown, capacity: 1, repeating: 0)
    flags = .visible(.shown, capacity: 1, repeating: 0)
  }

  deinit {
    for memory in [UnsafeMutableRawPointer(tokens), .init(offsets), .init(ids), .init(flags)] { freeVisible(memory) }
  }

  var outputWidth: Int { instance.plan.outputWidth }

  /// Whether its vectors depend on the means over the tokens of its layers alone, as cse.pooling/1 says of it: it may
  /// be given these, as sequences of one token, in place of all tokens. What it would remember of tokens it could not
  /// see.
  var meansAreEnough: Bool {
    let plan = instance.plan
    return instance.component.pooling?.tokens == .mean && !plan.firstTokenOnly && plan.states.isEmpty
      && plan.outputWidth == instance.limits?.width
  }

  /// Plans for `limits` and allocates.
  func prepare(_ limits: PluginLimits) throws {
    guard instance.needsPlan(for: limits) else { return }
    try instance.prepare(limits)
    let stride = alignedStride(outputWidth)
    func make(_ label: String) -> Tensor {
      let buffer = GuardedBuffer(byteCount: limits.maxSequences * stride * 4, label: label)
      return Tensor(shape: [limits.maxSequences, outputWidth], rowStride: stride, storage: buffer)
    }
    output = make("out")
    gradient = make("dout")
    instance.unwatchAll()
    for buffer in [output.storage, gradient.storage].compactMap({ $0 }) { instance.watch(buffer) }
    let width = limits.width
    layers = TensorList(instance.plan.layers.map { _ in Tensor(shape: [0, width]) })
    layerGradients = TensorList(instance.plan.layers.map { _ in Tensor(shape: [0, width]) })
    for memory in [UnsafeMutableRawPointer(offsets), .init(ids), .init(flags)] { freeVisible(memory) }
    offsets = .visible(.shown, capacity: limits.maxSequences + 1, repeating: 0)
    ids = .visible(.shown, capacity: max(limits.maxTokens, limits.maxSequences), repeating: 0)
    flags = .visible(.shown, capacity: max(limits.maxTokens, limits.maxSequences), repeating: 0)
    tokens.pointee.struct_size = instance.services.age.size(of: cse_tokens.self)
    tokens.pointee.n_layers = UInt32(instance.plan.layers.count)
    tokens.pointee.dim = Int64(width)
    tokens.pointee.offsets = UnsafePointer(offsets)
    tokens.pointee.layers = layers.reading
  }

  /// Pools sequences `range` of `batch`, whose hidden states are `layers`, one for each layer of the plan: [tokens,
  /// width], or [sequences, width] where the plan reads first tokens only, or these are means.
  func forward(_ batch: TokenBatch, layers matrices: [Matrix], range: Range<Int>) throws {
    let areMeans = meansAreEnough && matrices.first?.rows == batch.sequences
    let isOneEach = instance.plan.firstTokenOnly || areMeans
    let count = range.count
    let first = batch.offsets[range.lowerBound]
    let tokenCount = isOneEach ? count : batch.offsets[range.upperBound] - first
    for index in 0...count {
      offsets[index] = Int64(isOneEach ? index : batch.offsets[range.lowerBound + index] - first)
    }
    for index in 0..<tokenCount {
      let token = isOneEach ? batch.offsets[range.lowerBound + index] : first + index
      ids[index] = batch.packed.tokens[token]
      flags[index] = batch.tokenFlags[token]
    }
    tokens.pointee.token_ids = UnsafePointer(ids)
    tokens.pointee.token_flags = UnsafePointer(flags)
    let row = isOneEach ? range.lowerBound : first
    look(at: matrices, from: row, count: tokenCount, in: layers)
    try pool(sequences: count, tokens: tokenCount, views: batch.views)
  }

  /// Pools the vectors of the pooler before: each sequence is one token long.
  func forward(_ vectors: Tensor, views: Int) throws {
    let count = vectors.rows
    for index in 0...count { offsets[index] = Int64(index) }
    tokens.pointee.token_ids = nil
    tokens.pointee.token_flags = nil
    look(at: layers.tensors.map { _ in vectors.matrix }, from: 0, count: count, in: layers)
    try pool(sequences: count, tokens: count, views: views)
  }

  /// Adds to `inputs` (one per layer of the plan) what `gradient` causes.
  func backward(_ inputs: [Matrix]) throws {
    guard instance.canPropagate else { throw ObjectiveError.poolerCannotTrain(instance.name) }
    look(at: inputs, from: 0, count: Int(tokens.pointee.n_tokens), in: layerGradients)
    tokens.pointee.dlayers = UnsafePointer(layerGradients.pointer)
    defer { tokens.pointee.dlayers = nil }
    try instance.poolBackward(
      UnsafePointer(tokens), output: output, gradient: gradient,
      layerGradients: layerGradients.tensors.compactMap { $0 })
    instance.foldWeightGradients(scale: 1)
  }

  private func look(at matrices: [Matrix], from row: Int, count: Int, in list: TensorList) {
    for (tensor, matrix) in zip(list.tensors, matrices) {
      tensor?.reshape([count, matrix.columns], rowStride: matrix.rowStride)
      tensor?.point(to: matrix.row(row))
    }
  }

  private func pool(sequences: Int, tokens count: Int, views: Int) throws {
    tokens.pointee.n_seqs = Int64(sequences)
    tokens.pointee.n_tokens = Int64(count)
    tokens.pointee.n_views = Int64(views)
    output.setRows(sequences)
    gradient.setRows(sequences)
    try instance.pool(UnsafePointer(tokens), output: output)
  }
}
