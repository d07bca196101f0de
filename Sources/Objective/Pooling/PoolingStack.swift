// Poolers and head: hidden states in, embeddings out. Used in training by ContrastiveModel and alone by
// SentenceEmbedder.

package import Encoder
package import Host
package import Kernels

/// A chain of poolers with an optional head.
package final class PoolingStack {
  /// Width of a hidden state.
  package let hiddenWidth: Int
  /// Hidden states of the encoder: its layers + 1 for the embeddings.
  package let layerCount: Int
  /// Others after a reload.
  var stages: [PoolerStage]
  let head: MLPHead?
  /// What a model folder has behind its pooler, in place of a head; never trained.
  private var folderChain: VectorChain?
  let pool: ThreadPool
  private(set) var limits: PluginLimits

  /// Plans every pooler; the limits grow later where a batch needs more.
  /// - Throws: `PluginFailure` when a pooler refuses.
  package convenience init(
    pooler: Pooler, head: HeadKind, hiddenWidth: Int, layerCount: Int, services: HostServices, seed: UInt64,
    maxSequences: Int = 64, maxTokens: Int = 4096, vocabularySize: Int = 0, documents: DocumentSource = .none
  ) throws {
    var factory = InstanceFactory(services: services, seed: seed)
    var limits = PluginLimits(
      maxRows: maxSequences, width: hiddenWidth, maxTokens: maxTokens, maxSequences: maxSequences,
      layerCount: layerCount, viewCount: 1)
    (limits.vocabularySize, limits.documents) = (vocabularySize, documents)
    try self.init(pooler: pooler, head: head, factory: &factory, limits: limits)
  }

  init(pooler: Pooler, head: HeadKind, factory: inout InstanceFactory, limits: PluginLimits) throws {
    hiddenWidth = limits.width
    layerCount = limits.layerCount
    pool = factory.services.pool
    stages = try pooler.uses.map { PoolerStage(try factory.make($0)) }
    self.limits = limits
    try Self.prepare(stages, limits)
    let width = stages[stages.count - 1].outputWidth
    self.head = head == .mlp && !pooler.skipsHead ? MLPHead(width: width, seed: factory.seed) : nil
    readRequest()
  }

  /// Width of the pooled vectors, and of the embeddings of a model in training.
  package var outputWidth: Int { stages[stages.count - 1].outputWidth }

  /// Width of what `embed` writes.
  package func embeddedWidth(useHead: Bool) -> Int { folderChain?.width(learned: useHead) ?? outputWidth }

  /// Puts the modules of a folder behind the poolers.
  func append(_ chain: VectorChain?) {
    precondition(head == nil, "a stack with a head of its own is being trained")
    folderChain = chain
  }

  /// Which hidden states have to be there.
  package private(set) var layerRequest = LayerRequest(layers: [], firstTokenOnly: false)
  /// For each layer of the first pooler's plan its place in the request.
  private var layerOrder: [Int] = []
  /// The head's parameters and the poolers' weights.
  package var parameters: [Parameter] { (head?.parameters ?? []) + stages.flatMap(\.instance.weights) }
  /// What poolers keep between batches.
  package var states: [StateTensor] { stages.flatMap(\.instance.states) }
  /// Whether something that was learned stands behind the poolers.
  package var hasHead: Bool { head != nil || folderChain?.isLearned == true }
  /// The components in use, for run.json.
  package var instances: [PluginInstance] { stages.map(\.instance) }

  /// Writes the embeddings of a batch, `into` [sequences, embeddedWidth], without training anything.
  ///
  /// - Parameters:
  ///   - hidden: the layers of `layerRequest`: [tokens, hiddenWidth], or [sequences, hiddenWidth] for first tokens and
  ///     means.
  ///   - useHead: off for the vectors before the head (`cls_before_pooler`).
  ///   - position: of a training batch, which poolers may treat otherwise than evaluation.
  /// - Throws: `PluginFailure`, `ObjectiveError.shape`.
  package func embed(
    _ batch: TokenBatch, hidden: [Matrix], useHead: Bool, at position: StepPosition? = nil, into target: Matrix
  ) throws {
    try check(batch, hidden)
    let width = embeddedWidth(useHead: useHead)
    guard target.rows == batch.sequences, target.columns == width else {
      throw ObjectiveError.shape(
        what: "the embeddings' matrix", expected: "[\(batch.sequences), \(width)]",
        found: "[\(target.rows), \(target.columns)]")
    }
    for stage in stages { stage.instance.begin(position ?? StepPosition(), training: position != nil) }
    var start = 0
    while start < batch.sequences {
      let range = try fittingRange(batch, from: start)
      let vectors = try forward(batch, hidden, range: range)
      let rows = Matrix(target.row(start), rows: range.count, columns: width, rowStride: target.rowStride)
      if let folderChain {
        folderChain.forward(pool, vectors.matrix, learned: useHead, into: rows)
      } else if useHead, let head {
        head.forward(pool, vectors.matrix, into: rows)
      } else {
        copy(vectors.matrix, to: rows)
      }
      start = range.upperBound
    }
  }

  // MARK: Training

  /// Plans again for limits that grew.
  func prepare(_ limits: PluginLimits) throws {
    try Self.prepare(stages, limits)
    readRequest()
    self.limits = limits
  }

  /// Writes z [sequences, outputWidth] for a training batch.
  func forward(_ batch: TokenBatch, hidden: [Matrix], at position: StepPosition, into z: Matrix) throws {
    applyHead(try vectors(of: batch, hidden: hidden, at: position), into: z)
  }

  /// The pooled vectors of a training batch, before the head: [sequences, outputWidth], valid until the next batch.
  func vectors(of batch: TokenBatch, hidden: [Matrix], at position: StepPosition) throws -> Matrix {
    try check(batch, hidden)
    for stage in stages { stage.instance.begin(position) }
    return try forward(batch, hidden, range: 0..<batch.sequences).matrix
  }

  /// Writes z from pooled vectors, both [sequences, outputWidth]; a copy where there is no head.
  package func applyHead(_ vectors: Matrix, into z: Matrix) {
    if let head { head.forward(pool, vectors, into: z) } else { copy(vectors, to: z) }
  }

  /// Adds to the head's gradients alone, for vectors that stay as they are; dz is overwritten.
  func backwardHead(_ vectors: Matrix, z: Matrix, dz: Matrix) {
    head?.backward(pool, input: vectors, output: z, dOutput: dz, dInput: nil)
  }

  /// From dz to the hidden states' gradients, which are overwritten; dz is overwritten, too.
  func backward(z: Matrix, dz: Matrix, dHidden: [Matrix]) throws {
    for matrix in dHidden { clear(matrix) }
    let last = stages[stages.count - 1]
    if let head {
      let input = last.output.matrix
      head.backward(pool, input: input, output: z, dOutput: dz, dInput: last.gradient.matrix)
    } else {
      copy(dz, to: last.gradient.matrix)
    }
    for index in stride(from: stages.count - 1, through: 1, by: -1) {
      let below = stages[index - 1].gradient.matrix
      clear(below)
      try stages[index].backward(stages[index].instance.plan.layers.map { _ in below })
    }
    try stages[0].backward(layerOrder.map { dHidden[$0] })
  }

  /// The poolers' commits for the batch of the last `forward`.
  var commits: [PendingCommit] {
    stages.map(\.instance).filter(\.hasCommit).map { PendingCommit(instance: $0, batch: nil) }
  }

  // MARK: Parts

  private static func prepare(_ stages: [PoolerStage], _ limits: PluginLimits) throws {
    var limits = limits
    for stage in stages {
      try stage.prepare(limits)
      limits.width = stage.outputWidth
      limits.layerCount = 1
      limits.maxTokens = limits.maxSequences
      // Only the first sees tokens.
      limits.vocabularySize = 0
    }
  }

  private func forward(_ batch: TokenBatch, _ hidden: [Matrix], range: Range<Int>) throws -> Tensor {
    try stages[0].forward(batch, layers: layerOrder.map { hidden[$0] }, range: range)
    var vectors = stages[0].output
    for stage in stages.dropFirst() {
      try stage.forward(vectors, views: batch.views)
      vectors = stage.output
    }
    return vectors
  }

  /// As many sequences from `start` on as the limits hold; a longer sequence raises the limit.
  private func fittingRange(_ batch: TokenBatch, from start: Int) throws -> Range<Int> {
    var end = start + 1
    let first = batch.offsets[start]
    while end < batch.sequences, end - start < limits.maxSequences, batch.offsets[end + 1] - first <= limits.maxTokens {
      end += 1
    }
    let tokens = batch.offsets[end] - first
    if tokens > limits.maxTokens {
      limits.maxTokens = tokens
      try prepare(limits)
    }
    return start..<end
  }

  /// What the first pooler's plan reads: each layer once, in ascending order.
  private func readRequest() {
    let plan = stages[0].instance.plan
    let layers = Array(Set(plan.layers)).sorted()
    layerRequest = LayerRequest(
      layers: layers, firstTokenOnly: plan.firstTokenOnly, meansAreEnough: stages[0].meansAreEnough)
    layerOrder = plan.layers.map { layer in layers.firstIndex(of: layer) ?? 0 }
  }

  private func check(_ batch: TokenBatch, _ hidden: [Matrix]) throws {
    let request = layerRequest
    guard batch.sequences >= 1, batch.packed.tokens.count == batch.offsets[batch.sequences] else {
      throw ObjectiveError.shape(
        what: "the batch", expected: "\(batch.offsets.last ?? 0) tokens in at least one sequence",
        found: "\(batch.packed.tokens.count) tokens in \(batch.sequences)")
    }
    guard batch.tokenFlags.count == batch.packed.tokens.count else {
      throw ObjectiveError.shape(
        what: "token flags", expected: "\(batch.packed.tokens.count)", found: "\(batch.tokenFlags.count)")
    }
    let areMeans = request.meansAreEnough && hidden.first?.rows == batch.sequences
    let rows = request.firstTokenOnly || areMeans ? batch.sequences : batch.packed.tokens.count
    guard hidden.count == request.layers.count else {
      throw ObjectiveError.shape(
        what: "hidden states", expected: "layers \(request.layers)", found: "\(hidden.count) layers")
    }
    for layer in hidden where layer.rows != rows || layer.columns != hiddenWidth {
      throw ObjectiveError.shape(
        what: "a hidden state", expected: "[\(rows), \(hiddenWidth)]", found: "[\(layer.rows), \(layer.columns)]")
    }
  }
}

/// Copies rows of the same width.
package func copy(_ source: Matrix, to target: Matrix) {
  for row in 0..<source.rows { target.row(row).update(from: source.row(row), count: source.columns) }
}

/// Sets rows to zero.
func clear(_ matrix: Matrix) {
  for row in 0..<matrix.rows { matrix.row(row).update(repeating: 0, count: matrix.columns) }
}
