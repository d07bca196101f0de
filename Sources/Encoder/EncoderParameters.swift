// The learnable tensors of an encoder: names, shapes, memory. One buffer holds all values and one
// all gradients; query, key and value lie together so that one product computes all three. A bias that the architecture
// has not is a row of zeros, whose gradient nobody reads: the passes do not ask. Made once by TransformerEncoder.

import CKernels
package import Kernels

/// The weights of one transformer layer; `query` starts the joined `[3 * hidden, hidden]` block. The norms are those
/// behind the sums (`Architecture.normsInputs`). Where units are gated, the rows of gates follow in `intermediate`.
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
  let word: Parameter
  /// nil where queries and keys are turned instead.
  let position: Parameter?
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
  /// Of each set of layers' weights the places in `all`.
  let layerPlaces: [Range<Int>]
  /// The memory of all values.
  let values: FloatBuffer

  /// - Parameters:
  ///   - learns: whether there are gradients.
  ///   - shared: the values of others that are of the same configuration; nil: zeros of its own.
  init(_ configuration: EncoderConfiguration, learns: Bool, values shared: FloatBuffer? = nil) {
    let entries = EncoderParameters.entries(configuration)
    let total = entries.filter(\.exists).reduce(0) { $0 + $1.count }
    let values = shared ?? FloatBuffer(count: total)
    self.values = values
    // Few words occur in training; the others' rows take up no memory but for their values.
    let wordCount = configuration.vocabularySize * configuration.embeddingSize
    let gradients = learns ? FloatBuffer(count: total, sparse: wordCount) : nil
    let absent = entries.filter { !$0.exists }.map(\.count).max() ?? 0
    let (zeros, unread) = (FloatBuffer(count: absent), learns ? FloatBuffer(count: absent) : nil)
    var offset = 0
    let parameters = entries.map { entry in
      guard entry.exists else {
        return Parameter(
          name: entry.name, shape: entry.shape, values: zeros, gradients: unread, offset: 0, decays: false)
      }
      defer { offset += entry.count }
      return Parameter(
        name: entry.name, shape: entry.shape, values: values, gradients: gradients, offset: offset,
        // What attention adds for a distance is called a bias, and the trainer of transformers goes by names.
        decays: entry.shape.count > 1 && !entry.name.contains("bias"),
        touched: learns && offset == 0 ? TouchedRows(rows: entry.shape[0], width: entry.shape[1]) : nil)
    }
    all = zip(entries, parameters).filter(\.0.exists).map(\.1)
    layerPlaces = EncoderParameters.layerPlaces(entries, configuration)
    var rest = parameters[...]
    func next() -> Parameter { rest.removeFirst() }
    /// Of three that lie side by side the first, or the one that is all of them.
    func joined() -> Parameter {
      let first = next()
      if configuration.architecture.layer.joined == nil { rest = rest.dropFirst(2) }
      return first
    }
    func linearNorm() -> LayerParameters.LinearNorm {
      LayerParameters.LinearNorm(weight: next(), bias: next(), gamma: next(), beta: next())
    }
    word = next()
    position = configuration.rotation == nil ? next() : nil
    types = configuration.typeTables.map { _ in next() }
    gamma = next()
    beta = next()
    projection = configuration.projectsEmbeddings ? (next(), next()) : nil
    distances = configuration.distanceBuckets > 0 ? next() : nil
    let sets = (0..<configuration.layerSets).map { _ in
      LayerParameters(
        query: joined(), queryBias: joined(), attentionOutput: linearNorm(), intermediate: next(),
        intermediateBias: next(), output: linearNorm())
    }
    layers = (0..<configuration.layerCount).map { sets[configuration.layerSet($0)] }
  }

  /// Where the tensors of each set of layers' weights, which come last, stand among those that exist.
  private static func layerPlaces(_ entries: [Entry], _ c: EncoderConfiguration) -> [Range<Int>] {
    let ofLayer = c.architecture.layer.joined == nil ? 16 : 12
    let first = entries.count - c.layerSets * ofLayer
    var end = entries[..<first].count(where: \.exists)
    return (0..<c.layerSets).map { set in
      let start = end
      end += entries[(first + set * ofLayer)...].prefix(ofLayer).count(where: \.exists)
      return start..<end
    }
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
  static func plan(
    _ c: EncoderConfiguration, named other: Architecture? = nil
  ) -> [(name: String, shape: [Int])] {
    entries(c, named: other).filter(\.exists).map { ($0.name, $0.shape) }
  }

  /// A tensor, or the place of a bias that is not there.
  private struct Entry {
    let name: String
    let shape: [Int]
    var exists = true

    var count: Int { shape.reduce(1, *) }
  }

  /// - Parameter other: whose names the tensors have in place of their own.
  private static func entries(_ c: EncoderConfiguration, named other: Architecture? = nil) -> [Entry] {
    let (h, wide, e, names) = (c.hiddenSize, c.intermediateSize, c.embeddingSize, other ?? c.architecture)
    let joined = c.architecture.layer.joined.map { other == nil ? $0 : Architecture.Layer.plainJoined }
    var entries = [Entry(name: names.embeddings.word + ".weight", shape: [c.vocabularySize, e])]
    if c.rotation == nil {
      entries.append(Entry(name: "embeddings.position_embeddings.weight", shape: [c.positionRows, e]))
    }
    entries += c.typeTables.map { Entry(name: "embeddings." + $0.name + ".weight", shape: [$0.rows, e]) }
    entries += pair(names.embeddings.norm, [e], c.biases.norms)
    if c.projectsEmbeddings { entries += pair(names.projection, [h, e], true) }
    if c.distanceBuckets > 0 {
      entries.append(Entry(name: names.distances + ".weight", shape: [c.distanceBuckets, c.headCount]))
    }
    for number in 0..<c.layerSets {
      func root(_ number: Int) -> String { "\(names.layers.before)\(number)\(names.layers.behind)" }
      let (root, next, layer) = (root(number), root(number + 1), names.layer)
      let inputs =
        joined.map { [pair(root + $0, [3 * h, h], c.biases.attention)] }
        ?? [layer.query, layer.key, layer.value].map { pair(root + $0, [h, h], c.biases.attention) }
      entries += inputs.map { $0[0] } + inputs.map { $0[1] }
      entries += pair(root + layer.attentionOutput, [h, h], c.biases.attention)
      entries += pair(root + layer.attentionNorm, [h], c.biases.norms)
      entries += pair(root + layer.intermediate, [c.intermediateRows, h], c.biases.feedForward)
      entries += pair(root + layer.output, [h, wide], c.biases.feedForward)
      let isLast = names.normsInputs && number + 1 == c.layerSets
      let norm = isLast ? names.finalNorm : (names.normsInputs ? next : root) + layer.outputNorm
      entries += pair(norm, [h], c.biases.norms)
    }
    return entries
  }

  /// A weight and its bias.
  private static func pair(_ name: String, _ shape: [Int], _ isBiased: Bool) -> [Entry] {
    [Entry(name: name + ".weight", shape: shape), Entry(name: name + ".bias", shape: [shape[0]], exists: isBiased)]
  }
}

extension EncoderConfiguration {
  /// The tables whose row 0 every token has added.
  fileprivate var typeTables: [(name: String, rows: Int)] {
    [("token_type_embeddings", typeVocabularySize), ("task_type_embeddings", taskTypes)].filter { $0.1 > 0 }
  }

  /// The names of all learnable tensors, in the order of `TransformerEncoder.parameters`.
  package var tensorNames: [String] { EncoderParameters.plan(self).map(\.name) }

  /// What BERT calls each of them: names of one kind for encoders that compute elsewhere.
  package var plainTensorNames: [String] { EncoderParameters.plan(self, named: .bert).map(\.name) }

  /// The learnable tensors of such an encoder with the values of a checkpoint, in the order of
  /// `TransformerEncoder.parameters`: mirrors of what computes elsewhere.
  /// - Throws: the table's error where it lacks a tensor or has it in another shape or type.
  package func parameters(from table: any WeightSource, pool: ThreadPool) throws -> [Parameter] {
    try EncoderParameters.loaded(self, from: table, pool: pool)
  }
}
