// The learnable tensors of an encoder: names, shapes, memory. One buffer holds all values and one
// all gradients; query, key and value lie together so that one product computes all three.
// Made once by TransformerEncoder.

import CKernels
package import Kernels

/// The weights of one transformer layer; `query` starts the joined `[3 * hidden, hidden]` block.
struct LayerParameters {
  let query: Parameter, queryBias: Parameter
  let attentionOutput: LinearNorm
  let intermediate: Parameter, intermediateBias: Parameter
  let output: LinearNorm

  /// A linear map followed by residual and LayerNorm.
  struct LinearNorm {
    let weight: Parameter, bias: Parameter, gamma: Parameter, beta: Parameter
  }
}

/// All weights of an encoder.
struct EncoderParameters {
  let word: Parameter, position: Parameter
  /// Tables whose row 0 every token has added.
  let types: [Parameter]
  let gamma: Parameter, beta: Parameter
  /// From embeddings to hidden states, where their widths differ.
  let projection: (weight: Parameter, bias: Parameter)?
  /// What attention adds for distances `[buckets, heads]`.
  let distances: Parameter?
  /// By layer; layers may share their weights.
  let layers: [LayerParameters]
  /// Each once, in memory order.
  let all: [Parameter]
  /// The memory of all values.
  let values: FloatBuffer

  /// - Parameters:
  ///   - learns: whether there are gradients.
  ///   - shared: the values of others that are of the same configuration; nil: zeros of its own.
  init(_ configuration: EncoderConfiguration, learns: Bool, values shared: FloatBuffer? = nil) {
    let plan = EncoderParameters.plan(configuration)
    let total = plan.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let values = shared ?? FloatBuffer(count: total)
    self.values = values
    // Few words occur in training; the others' rows take up no memory but for their values.
    let wordCount = configuration.vocabularySize * configuration.embeddingSize
    let gradients = learns ? FloatBuffer(count: total, sparse: wordCount) : nil
    var offset = 0
    let all = plan.map { entry in
      defer { offset += entry.shape.reduce(1, *) }
      return Parameter(
        name: entry.name, shape: entry.shape, values: values, gradients: gradients, offset: offset,
        // What attention adds for a distance is called a bias, and the trainer of transformers goes by names.
        decays: entry.shape.count > 1 && !entry.name.contains("bias"),
        touched: learns && offset == 0 ? TouchedRows(rows: entry.shape[0], width: entry.shape[1]) : nil)
    }
    self.all = all
    var rest = all[...]
    func next() -> Parameter { rest.removeFirst() }
    word = next()
    position = next()
    types = configuration.typeTables.map { _ in next() }
    gamma = next()
    beta = next()
    projection = configuration.projectsEmbeddings ? (next(), next()) : nil
    distances = configuration.distanceBuckets > 0 ? next() : nil
    let sets = (0..<configuration.layerSets).map { _ in
      let p = (0..<16).map { _ in next() }
      return LayerParameters(
        query: p[0], queryBias: p[3], attentionOutput: .init(weight: p[6], bias: p[7], gamma: p[8], beta: p[9]),
        intermediate: p[10], intermediateBias: p[11],
        output: .init(weight: p[12], bias: p[13], gamma: p[14], beta: p[15]))
    }
    layers = (0..<configuration.layerCount).map { sets[configuration.layerSet($0)] }
  }

  /// The tensors of a checkpoint, for an encoder that computes elsewhere; their gradients take up no memory.
  /// - Throws: the table's error where it lacks a tensor or has it in another shape or type.
  static func loaded(
    _ configuration: EncoderConfiguration, from table: any WeightSource, pool: ThreadPool
  ) throws -> [Parameter] {
    try table.require(plan(configuration))
    // What is not a number on the device is looked for in a gradient's place here.
    let parameters = EncoderParameters(configuration, learns: true)
    parameters.claimValues(pool)
    for parameter in parameters.all {
      try table.copy(parameter.name, shape: parameter.shape, into: parameter.value)
    }
    return parameters.all
  }

  /// Has the system give memory to all values, on all threads at once: for a large model that takes longer than to read
  /// it.
  func claimValues(_ pool: ThreadPool) {
    pool.parallelFor(all.reduce(0) { $0 + $1.count }, grain: 1 << 20) { range, _ in
      ck_claim(word.value + range.lowerBound, range.count * MemoryLayout<Float>.stride)
    }
  }

  /// Names and shapes in memory order.
  static func plan(_ c: EncoderConfiguration) -> [(name: String, shape: [Int])] {
    let (h, wide, e, names) = (c.hiddenSize, c.intermediateSize, c.embeddingSize, c.architecture)
    var plan: [(name: String, shape: [Int])] = [
      ("embeddings.word_embeddings.weight", [c.vocabularySize, e]),
      ("embeddings.position_embeddings.weight", [c.positionRows, e]),
    ]
    plan += c.typeTables.map { ("embeddings." + $0.name + ".weight", [$0.rows, e]) }
    plan += pair("embeddings.LayerNorm", [e])
    if c.projectsEmbeddings { plan += pair(names.projection, [h, e]) }
    if c.distanceBuckets > 0 { plan.append((names.distances + ".weight", [c.distanceBuckets, c.headCount])) }
    for number in 0..<c.layerSets {
      let (root, layer) = ("\(names.layers.before)\(number)\(names.layers.behind)", names.layer)
      let parts = [layer.query, layer.key, layer.value].map { pair(root + $0, [h, h]) }
      plan += parts.map { $0[0] } + parts.map { $0[1] }
      plan += pair(root + layer.attentionOutput, [h, h]) + pair(root + layer.attentionNorm, [h])
      plan += pair(root + layer.intermediate, [wide, h])
      plan += pair(root + layer.output, [h, wide]) + pair(root + layer.outputNorm, [h])
    }
    return plan
  }

  /// A weight and its bias.
  private static func pair(_ name: String, _ shape: [Int]) -> [(name: String, shape: [Int])] {
    [(name + ".weight", shape), (name + ".bias", [shape[0]])]
  }
}

extension EncoderConfiguration {
  /// The tables whose row 0 every token has added.
  fileprivate var typeTables: [(name: String, rows: Int)] {
    [("token_type_embeddings", typeVocabularySize), ("task_type_embeddings", taskTypes)].filter { $0.1 > 0 }
  }

  /// The names of all learnable tensors, in the order of `TransformerEncoder.parameters`.
  package var tensorNames: [String] { EncoderParameters.plan(self).map(\.name) }

  /// The learnable tensors of such an encoder with the values of a checkpoint, in the order of
  /// `TransformerEncoder.parameters`: mirrors of what computes elsewhere.
  /// - Throws: the table's error where it lacks a tensor or has it in another shape or type.
  package func parameters(from table: any WeightSource, pool: ThreadPool) throws -> [Parameter] {
    try EncoderParameters.loaded(self, from: table, pool: pool)
  }
}
