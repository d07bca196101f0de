// The forward pass, layer by layer: embeddings, attention, then everything that works row by row (TransformerEncoder+
// FeedForward). Letters: T tokens, R rows computed, H hidden.

import CKernels
import Kernels

extension TransformerEncoder {
  /// The embedding layer's hidden state `[T, H]`.
  func embed(_ pass: EncoderPass) -> UnsafeMutablePointer<Float> {
    let (h, width) = (hiddenSize, configuration.embeddingSize)
    let stream = scratch.stream[0].reserve(pass.tokens * h)
    let shared = pass.sharesEmbeddings ? scratch.embedded.reserve(pass.embedded * h) : stream
    let out = weights.projection == nil ? shared : scratch.narrow.reserve(pass.embedded * width)
    if pass.keepsActivations { embeddingNorm.reserve(rows: pass.tokens, width: width) }
    let keeps = pass.keepsActivations
    let (ids, places) = (tokenIDs.reserve(pass.embedded), positions.reserve(pass.embedded))
    let (normalized, inverse) = (embeddingNorm.normalized.pointer, embeddingNorm.inverse.pointer)
    let table = ck_embedding(word: weights.word.value, position: weights.position?.value, type: commonRow())
    let (norm, dropout) = (embeddingAffine, pass.hidden(sites.embeddings))
    pool.parallelFor(pass.embedded, grain: 64) { range, _ in
      let at = range.lowerBound
      ck_embed_forward(
        rows(range, width: width, numbers: nil), table, ids + at, places + at, norm, dropout, out + at * width,
        keeps ? normalized + at * width : nil, keeps ? inverse + at : nil)
    }
    var states = out
    if let map = weights.projection {
      states = pass.sharesEmbeddings ? shared : projectedEmbeddings.reserve(pass.tokens * h)
      linear(rows: pass.embedded, out, map.weight.value, map.bias.value, from: width, to: h, into: states)
    }
    guard pass.sharesEmbeddings else { return states }
    let row = embeddedRows.reserve(pass.tokens)
    pool.parallelFor(pass.tokens, grain: 64) { range, _ in
      for at in range { (stream + at * h).update(from: states + Int(row[at]) * h, count: h) }
    }
    return stream
  }

  /// What the embedding of every token has added: row 0 of each table of types; zeros where there is none.
  private func commonRow() -> UnsafePointer<Float> {
    if weights.types.count == 1 { return UnsafePointer(weights.types[0].value) }
    let width = configuration.embeddingSize
    let row = scratch.commonRow.reserve(width)
    row.update(repeating: 0, count: width)
    for table in weights.types { ck_add(Int64(width), table.value, row) }
    return UnsafePointer(row)
  }

  /// The norm of embeddings.
  var embeddingAffine: ck_norm {
    ck_norm(gamma: weights.gamma.value, beta: weights.beta.value, epsilon: configuration.layerNormEpsilon)
  }

  /// The output `[R, H]` of transformer layer `layer` (from 1); `input` is `[T, H]`.
  func forwardLayer(_ layer: Int, input: StreamState, _ pass: EncoderPass) -> StreamState {
    let kept = activations(layer, pass)
    let profile = pool.profile
    var residual = input.sum
    if pass.isFirstTokenOnly(layer), rotary == nil {
      residual = attendFirst(layer, input: input.state, kept, pass)
    } else {
      profile.measure("encoder forward/query, key, value") { project(layer, input: input.state, kept, pass) }
      profile.measure("encoder forward/attention") { attend(layer, kept, pass) }
      if pass.isFirstTokenOnly(layer) {
        residual = scratch.firstRows.reserve(pass.sequences * hiddenSize)
        gatherFirstRows(of: input.sum, into: residual, pass)
      }
    }
    let state = scratch.stream[layer % 2].reserve(pass.tokens * hiddenSize)
    var out = StreamState(state: state, sum: state)
    if architecture.normsInputs {
      out.sum = scratch.sums[layer % 2].reserve(pass.tokens * hiddenSize)
    }
    profile.measure("encoder forward/output and feed-forward") {
      feedForward(layer, residual: residual, kept, into: out, pass)
    }
    return out
  }

  /// Where a layer writes. Layers of a pass that keeps nothing take turns at the memory of the first, which no backward
  /// pass reads then; what a layer needs for first tokens only, no other has.
  private func activations(_ layer: Int, _ pass: EncoderPass) -> LayerActivations {
    activations[pass.keepsActivations || pass.isFirstTokenOnly(layer) ? layer - 1 : 0]
  }

  /// Queries, keys and values with their biases, `[T, 3H]`; where embeddings share them, one row for each of those.
  private func project(
    _ layer: Int, input: UnsafeMutablePointer<Float>, _ kept: LayerActivations, _ pass: EncoderPass
  ) {
    let p = weights.layers[layer - 1]
    let width = 3 * hiddenSize
    let (rows, x) = pass.sharesProjections(layer) ? (pass.embedded, scratch.embedded.pointer) : (pass.tokens, input)
    linear(
      rows: rows, x, p.query.value, p.queryBias.value, from: hiddenSize, to: width,
      into: kept.projected.reserve(rows * width))
  }

  /// out `[rows, width]` = x `[rows, h]` W^T + bias.
  func linear(
    rows: Int, _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    from h: Int, to width: Int, into out: UnsafeMutablePointer<Float>
  ) {
    let packed = pack(
      pool, .yes, n: width, k: h, b: weight, ldb: h, precision: precision, into: scratch.packed[0])
    pool.parallelFor(rowTiles(rows)) { range, _, worker in
      let tile = out + range.lowerBound * width
      multiply(
        pool, worker: worker, .no, m: range.count, a: x + range.lowerBound * h, lda: h, by: packed, beta: 0, c: tile,
        ldc: width)
      ck_add_bias(Int64(range.count), Int64(width), bias, tile, Int64(width))
    }
  }

  /// Attention's context `[R, H]`, one (sequence, head) pair at a time.
  private func attend(_ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    let plan = AttentionPlan(self, layer, kept, pass)
    let context = kept.context.reserve(pass.rows(layer) * hiddenSize)
    let isShared = pass.sharesProjections(layer)
    let share = plan.scratchCount + (isShared ? plan.gatheredCount : 0)
    let memory = scratch.attention.reserve(share * pool.threads)
    let rows = embeddedRows.reserve(pass.tokens)
    pool.profile.count(operations: 4 * plan.scoredElements)
    pool.parallelFor(plan.pairs, grain: plan.grain) { range, worker in
      let own = memory + worker * share
      for pair in range {
        let view = isShared ? plan.gather(pair, rows: rows, into: own + plan.scratchCount) : plan.view(pair)
        plan.turn(view)
        ck_attention_forward(view.shape, view.queries, view.keys, view.values, context + view.out, own)
      }
    }
  }

  /// out = x B for the rows of a tile, all side by side; `beta` times what `out` held is kept.
  func product(
    _ worker: Int, _ rows: Int, _ x: UnsafePointer<Float>, _ b: PackedMatrix, beta: Float = 0,
    into out: UnsafeMutablePointer<Float>
  ) {
    multiply(pool, worker: worker, .no, m: rows, a: x, lda: b.k, by: b, beta: beta, c: out, ldc: b.n)
  }

  /// Dropout behind attention's output map, before the second feed-forward map and behind it, where the architecture
  /// has any there.
  func dropouts(_ layer: Int, _ pass: EncoderPass) -> (
    attention: ck_dropout, activations: ck_dropout, output: ck_dropout
  ) {
    let site = sites.layers[layer - 1]
    return (
      pass.hidden(site.attentionOutput, architecture.attentionOutputDropout),
      pass.hidden(site.activations, architecture.activationDropout),
      pass.hidden(site.output, architecture.outputDropout)
    )
  }

  func norm(_ p: LayerParameters.LinearNorm) -> ck_norm {
    ck_norm(gamma: p.gamma.value, beta: p.beta.value, epsilon: configuration.layerNormEpsilon)
  }

  /// The rows of a tile as the kernels see them; `numbers` tells dropout which tokens they are.
  func rows(_ range: Range<Int>, width: Int? = nil, numbers: UnsafeMutablePointer<Int32>?) -> ck_rows {
    ck_rows(
      first: Int64(range.lowerBound), count: Int64(range.count), width: Int64(width ?? hiddenSize),
      numbers: numbers.map { UnsafePointer($0 + range.lowerBound) })
  }
}

extension EncoderConfiguration.Activation {
  var kernel: ck_activation {
    switch self {
    case .gelu: return CK_GELU
    case .geluTanh: return CK_GELU_TANH
    case .relu: return CK_RELU
    }
  }
}
