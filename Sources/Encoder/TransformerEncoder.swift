// BERT and what was made after it (Architecture), forward and backward, on packed sequences. Made by training and
// evaluation from a model folder; one instance serves one pass at a time.

import CKernels
package import Kernels

/// A transformer encoder with its weights, its gradients and the memory of its last pass.
///
/// Source: Devlin et al., "BERT", 2019; Liu et al., "RoBERTa", 2019. Layers as in Hugging Face's models.
package final class TransformerEncoder: SentenceEncoder {
  /// What is computed: family, sizes, constants.
  package let configuration: EncoderConfiguration
  /// What is said of its family.
  let architecture: Architecture
  /// Rows of the first feed-forward map: those of gates stand behind the others.
  let intermediateRows: Int
  /// The threads that compute, and the profile they report to.
  package let pool: ThreadPool
  /// What operands of products with weights, and of weights' gradients, are rounded to; everything else is float32.
  package let precision: ProductPrecision
  let weights: EncoderParameters
  let sites: DropoutSites
  let scratch = EncoderScratch()
  let embeddingNorm = NormActivations()
  /// Where embeddings have another width than hidden states: what they are mapped to `[T, H]`.
  let projectedEmbeddings = ScratchBuffer()
  /// What attention adds for distances; nil where it adds nothing.
  let distances: DistanceBias?
  /// The turns of queries and keys; nil where there are none.
  let rotary: RotaryPositions?
  var activations: [LayerActivations]
  let tokenIDs = ScratchIndexBuffer()
  let positions = ScratchIndexBuffer()
  let firstTokens = ScratchIndexBuffer()
  /// Of each token, where embeddings are shared: the row of its embedding.
  let embeddedRows = ScratchIndexBuffer()
  /// The pass that backward would undo; nil before the first and after an inference pass.
  var pass: EncoderPass?
  /// The hidden states of the last pass; kept so that no new list is made in each step.
  private var handed: [Matrix] = []

  /// The width of a hidden state.
  package var hiddenSize: Int { configuration.hiddenSize }
  /// Hidden states there are: the embeddings and one for each transformer layer.
  package var layerCount: Int { configuration.layerCount + 1 }
  /// The longest sequence there are positions for.
  package var maximumTokens: Int { configuration.maximumPositions }
  /// Rows of the word matrix.
  package var vocabularySize: Int { configuration.vocabularySize }
  /// Everything that learns, in memory order, by Hugging Face's names.
  package var parameters: [Parameter] { weights.all }

  /// Of each set of layers' weights, of which several layers may share one, the places in `parameters`.
  package var layerParameters: [Range<Int>] { weights.layerPlaces }

  /// An encoder with the weights of a checkpoint; `seed` decides its dropout masks. Where it does not learn, there is
  /// no memory for gradients, and `backward` may not be called.
  /// - Throws: the table's error where it lacks a tensor or has it in another shape or type.
  package convenience init(
    configuration: EncoderConfiguration, weights table: any WeightSource, pool: ThreadPool, seed: UInt64,
    precision: ProductPrecision = .float32, learns: Bool = true
  ) throws {
    try table.require(EncoderParameters.plan(configuration))
    self.init(configuration: configuration, pool: pool, seed: seed, precision: precision, learns: learns)
    weights.claimValues(pool)
    for parameter in weights.all {
      try table.copy(parameter.name, shape: parameter.shape, into: parameter.value)
    }
  }

  /// An encoder whose weights are all zero, to be filled by the caller.
  package convenience init(
    configuration: EncoderConfiguration, pool: ThreadPool, seed: UInt64, precision: ProductPrecision = .float32,
    learns: Bool = true
  ) {
    precondition(configuration.hiddenSize % configuration.headCount == 0, "heads must divide the hidden size")
    self.init(
      configuration, pool, precision, EncoderParameters(configuration, learns: learns),
      DropoutSites(seed: seed, layers: configuration.layerCount))
  }

  /// Another encoder on the weights and masks of `other`, with gradients and activations of its own: for parts of a
  /// batch whose gradients are added up apart.
  package convenience init(sharing other: TransformerEncoder) {
    self.init(
      other.configuration, other.pool, other.precision,
      EncoderParameters(other.configuration, learns: true, values: other.weights.values), other.sites)
  }

  private init(
    _ configuration: EncoderConfiguration, _ pool: ThreadPool, _ precision: ProductPrecision,
    _ weights: EncoderParameters, _ sites: DropoutSites
  ) {
    (self.configuration, self.pool, self.precision) = (configuration, pool, precision)
    (self.weights, self.sites) = (weights, sites)
    (architecture, intermediateRows) = (configuration.architecture, configuration.intermediateRows)
    distances = weights.distances.map { DistanceBias($0, heads: configuration.headCount) }
    rotary = RotaryPositions(configuration)
    activations = (0..<configuration.layerCount).map { _ in LayerActivations() }
  }

  /// The requested hidden states, `[tokens, hiddenSize]` or `[sequences, hiddenSize]` each, valid until the next pass.
  /// - Throws: `EncoderError` naming sequence and position where a sequence is empty or too long, or an id is no token.
  package func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix] {
    try batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    precondition(request.layers.allSatisfy { (0..<layerCount).contains($0) }, "no such layers: \(request.layers)")
    precondition(!request.layers.isEmpty, "no layer is requested")
    var current = EncoderPass(batch, request, mode)
    pass = current.keepsActivations ? current : nil
    guard current.sequences > 0 else { return request.layers.map { _ in output(0, rows: 0) } }
    while scratch.outputs.count < request.layers.count { scratch.outputs.append(ScratchBuffer(.shown)) }
    let embedded = pool.profile.measure("encoder forward/embeddings") {
      current.embedded = prepareIndices(batch, current)
      return embed(current)
    }
    store(embedded, layer: 0, current)
    distances?.prepare(longest: current.longest, forFirstTokens: request.firstTokenOnly)
    rotary?.prepare(longest: current.longest)
    var hidden = StreamState(state: embedded, sum: embedded)
    for layer in stride(from: 1, through: current.top, by: 1) {
      hidden = forwardLayer(layer, input: hidden, current)
      store(showsSums(layer) ? hidden.sum : hidden.state, layer: layer, current)
    }
    handed.removeAll(keepingCapacity: true)
    for index in request.layers.indices {
      handed.append(output(index, rows: request.firstTokenOnly ? current.sequences : current.tokens))
    }
    return handed
  }

  /// Whether a layer's hidden state is the sum before the norm: below the last layer, where norms are of inputs.
  func showsSums(_ layer: Int) -> Bool {
    architecture.normsInputs && layer < configuration.layerCount
  }

  private func output(_ index: Int, rows: Int) -> Matrix {
    let buffer = scratch.outputs.indices.contains(index) ? scratch.outputs[index] : ScratchBuffer()
    return Matrix(buffer.pointer, rows: rows, columns: hiddenSize)
  }

  /// Copies a hidden state to the caller's buffers where it is requested.
  private func store(_ hidden: UnsafePointer<Float>, layer: Int, _ pass: EncoderPass) {
    let rows = pass.request.firstTokenOnly ? pass.sequences : pass.tokens
    let isGathered = pass.request.firstTokenOnly && !(layer > 0 && pass.isFirstTokenOnly(layer))
    for (index, wanted) in pass.request.layers.enumerated() where wanted == layer {
      let target = scratch.outputs[index].reserve(rows * hiddenSize)
      if isGathered {
        gatherFirstRows(of: hidden, into: target, pass)
      } else {
        target.update(from: hidden, count: rows * hiddenSize)
      }
    }
  }

  /// Copies the first row of each sequence.
  func gatherFirstRows(of hidden: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, _ pass: EncoderPass) {
    for sequence in 0..<pass.sequences {
      (target + sequence * hiddenSize).update(from: hidden + pass.offsets[sequence] * hiddenSize, count: hiddenSize)
    }
  }

  /// Lists the tokens whose embeddings are computed, and returns how many they are.
  private func prepareIndices(_ batch: PackedBatch, _ pass: EncoderPass) -> Int {
    let ids = tokenIDs.reserve(batch.tokens.count)
    let places = positions.reserve(batch.tokens.count)
    let first = firstTokens.reserve(batch.sequences)
    let rows = embeddedRows.reserve(batch.tokens.count)
    var seen: [SIMD2<Int32>: Int32] = [:]
    var count = 0
    for sequence in 0..<batch.sequences {
      first[sequence] = Int32(batch.offsets[sequence])
      var next = Int32(configuration.positionOffset)
      for at in batch.offsets[sequence]..<batch.offsets[sequence + 1] {
        let place = configuration.isUncounted(batch.tokens[at]) ? Int32(configuration.padTokenID) : next
        if place == next { next += 1 }
        if pass.sharesEmbeddings {
          let token = SIMD2(batch.tokens[at], place)
          if let row = seen[token] {
            rows[at] = row
            continue
          }
          seen[token] = Int32(count)
          rows[at] = Int32(count)
        }
        ids[count] = batch.tokens[at]
        places[count] = place
        count += 1
      }
    }
    return count
  }
}
