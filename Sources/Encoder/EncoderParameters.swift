// The learnable tensors of a BERT or RoBERTa encoder: names, shapes, memory. One buffer holds all values and one
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
  let word: Parameter, position: Parameter, type: Parameter, gamma: Parameter, beta: Parameter
  let layers: [LayerParameters]
  let all: [Parameter]

  /// - Parameter learns: Whether there are gradients.
  init(_ configuration: EncoderConfiguration, learns: Bool) {
    let plan = EncoderParameters.plan(configuration)
    let total = plan.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let values = FloatBuffer(count: total)
    // Few words occur in training; the others' rows take up no memory but for their values.
    let wordCount = configuration.vocabularySize * configuration.hiddenSize
    let gradients = learns ? FloatBuffer(count: total, sparse: wordCount) : nil
    var offset = 0
    let all = plan.map { entry in
      defer { offset += entry.shape.reduce(1, *) }
      return Parameter(
        name: entry.name, shape: entry.shape, values: values, gradients: gradients, offset: offset,
        decays: entry.shape.count > 1,
        touched: learns && offset == 0 ? TouchedRows(rows: entry.shape[0], width: entry.shape[1]) : nil)
    }
    self.all = all
    word = all[0]
    position = all[1]
    type = all[2]
    gamma = all[3]
    beta = all[4]
    layers = (0..<configuration.layerCount).map { layer in
      let p = Array(all[(5 + 16 * layer)..<(21 + 16 * layer)])
      return LayerParameters(
        query: p[0], queryBias: p[3], attentionOutput: .init(weight: p[6], bias: p[7], gamma: p[8], beta: p[9]),
        intermediate: p[10], intermediateBias: p[11],
        output: .init(weight: p[12], bias: p[13], gamma: p[14], beta: p[15]))
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
  static func plan(_ c: EncoderConfiguration) -> [(name: String, shape: [Int])] {
    let h = c.hiddenSize
    var plan: [(name: String, shape: [Int])] = [
      ("embeddings.word_embeddings.weight", [c.vocabularySize, h]),
      ("embeddings.position_embeddings.weight", [c.positionRows, h]),
      ("embeddings.token_type_embeddings.weight", [c.typeVocabularySize, h]),
      ("embeddings.LayerNorm.weight", [h]), ("embeddings.LayerNorm.bias", [h]),
    ]
    for layer in 0..<c.layerCount {
      let root = "encoder.layer.\(layer)."
      let parts = ["query", "key", "value"].map { root + "attention.self." + $0 }
      plan += parts.map { ($0 + ".weight", [h, h]) } + parts.map { ($0 + ".bias", [h]) }
      plan += linearNorm(root + "attention.output.", output: h, input: h)
      plan += [
        (root + "intermediate.dense.weight", [c.intermediateSize, h]),
        (root + "intermediate.dense.bias", [c.intermediateSize]),
      ]
      plan += linearNorm(root + "output.", output: h, input: c.intermediateSize)
    }
    return plan
  }

  private static func linearNorm(_ root: String, output: Int, input: Int) -> [(name: String, shape: [Int])] {
    [
      (root + "dense.weight", [output, input]), (root + "dense.bias", [output]),
      (root + "LayerNorm.weight", [output]), (root + "LayerNorm.bias", [output]),
    ]
  }
}

extension EncoderConfiguration {
  /// The learnable tensors of such an encoder with the values of a checkpoint, in the order of
  /// `TransformerEncoder.parameters`: mirrors of what computes elsewhere.
  /// - Throws: the table's error where it lacks a tensor or has it in another shape or type.
  package func parameters(from table: any WeightSource, pool: ThreadPool) throws -> [Parameter] {
    try EncoderParameters.loaded(self, from: table, pool: pool)
  }
}
