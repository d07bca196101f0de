// The forward pass, layer by layer: embeddings, attention, then everything that works row by row in one sweep
// over tiles of rows. Letters: T tokens, R rows computed, H hidden, I intermediate.

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
    let table = ck_embedding(word: weights.word.value, position: weights.position.value, type: commonRow())
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
  func forwardLayer(_ layer: Int, input: UnsafeMutablePointer<Float>, _ pass: EncoderPass)
    -> UnsafeMutablePointer<Float>
  {
    let kept = pass.keepsActivations ? activations[layer - 1] : inferenceActivations
    let profile = pool.profile
    var residual = input
    if pass.isFirstTokenOnly(layer) {
      residual = attendFirst(layer, input: input, kept, pass)
    } else {
      profile.measure("encoder forward/query, key, value") { project(layer, input: input, kept, pass) }
      profile.measure("encoder forward/attention") { attend(layer, kept, pass) }
    }
    let out = scratch.stream[layer % 2].reserve(pass.tokens * hiddenSize)
    profile.measure("encoder forward/output and feed-forward") {
      feedForward(layer, residual: residual, kept, into: out, pass)
    }
    return out
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

  /// Attention's context `[T, H]`, one (sequence, head) pair at a time.
  private func attend(_ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    let plan = AttentionPlan(self, layer, kept, pass)
    let context = kept.context.reserve(pass.tokens * hiddenSize)
    let isShared = pass.sharesProjections(layer)
    let share = plan.scratchCount + (isShared ? plan.gatheredCount : 0)
    let memory = scratch.attention.reserve(share * pool.threads)
    let rows = embeddedRows.reserve(pass.tokens)
    pool.profile.count(operations: 4 * plan.scoredElements)
    pool.parallelFor(plan.pairs, grain: plan.grain) { range, worker in
      let own = memory + worker * share
      for pair in range {
        let view = isShared ? plan.gather(pair, rows: rows, into: own + plan.scratchCount) : plan.view(pair)
        ck_attention_forward(view.shape, view.queries, view.keys, view.values, context + view.out, own)
      }
    }
  }

  /// Output projection, residual and norm, then the feed-forward block with its own, tile by tile.
  private func feedForward(
    _ layer: Int, residual: UnsafePointer<Float>, _ kept: LayerActivations, into out: UnsafeMutablePointer<Float>,
    _ pass: EncoderPass
  ) {
    let (h, i, count, keeps) = (hiddenSize, configuration.intermediateSize, pass.rows(layer), pass.keepsActivations)
    let p = weights.layers[layer - 1]
    let (attentionDropout, outputDropout) = dropouts(layer, pass)
    let tiles = rowTiles(count)
    let tile = tiles.largest
    // The state of a tile, the same packed, and a stretch of the activations.
    let (packedShare, stretch) = (PackedRows.count(tile, h, precision), precision.stretch)
    let share = tile * h + packedShare + activationCount(rows: tile)
    let memory = scratch.perWorker.reserve(share * pool.threads)
    let context = kept.context.pointer
    if keeps { reserve(kept, rows: count) }
    let maps = packed(p, .yes)
    let numbers = pass.isFirstTokenOnly(layer) ? firstTokens.reserve(count) : nil
    pool.parallelFor(tiles) { range, _, worker in
      let at = range.lowerBound
      let state = memory + worker * share
      let tileRows = rows(range, numbers: numbers)
      product(worker, range.count, context + at * h, maps.attentionOutput, into: state)
      ck_residual_norm_forward(
        tileRows, p.attentionOutput.bias.value, norm(p.attentionOutput), attentionDropout, residual + at * h, state,
        keeps ? kept.attentionNorm.normalized.pointer + at * h : nil,
        keeps ? kept.attentionNorm.inverse.pointer + at : nil)
      let left = PackedRows(m: range.count, k: h, a: state, lda: h, precision: precision, into: state + tile * h)
      for start in stride(from: 0, to: i, by: stretch) {
        let part = start..<min(start + stretch, i)
        let activated = activate(
          worker, range, left, p, maps.intermediate, part, into: state + tile * h + packedShare,
          keeping: keeps ? kept.intermediate.pointer : nil)
        multiply(
          pool, worker: worker, m: range.count, a: activated, by: maps.output.terms(part), beta: start == 0 ? 0 : 1,
          c: out + at * h, ldc: h)
      }
      ck_residual_norm_forward(
        tileRows, p.output.bias.value, norm(p.output), outputDropout, state, out + at * h,
        keeps ? kept.outputNorm.normalized.pointer + at * h : nil,
        keeps ? kept.outputNorm.inverse.pointer + at : nil)
    }
  }

  /// Elements that `activate` needs for that many rows: packed, and before that as floats where these are others.
  private func activationCount(rows: Int) -> Int {
    PackedRows.count(rows, 1, precision) + (precision == .float32 ? 0 : rows * precision.stretch)
  }

  /// A stretch of the activations of a tile: few enough columns to stay in the second cache until the next product has
  /// read them. What goes into them is kept in `before` `[R, I]`, if there is one.
  private func activate(
    _ worker: Int, _ range: Range<Int>, _ state: PackedRows, _ p: LayerParameters, _ map: PackedMatrix,
    _ part: Range<Int>, into memory: UnsafeMutablePointer<Float>, keeping before: UnsafeMutablePointer<Float>?
  ) -> PackedRows {
    let (i, kernel) = (configuration.intermediateSize, configuration.activation.kernel)
    let (count, width, bias) = (Int64(range.count), Int64(part.count), p.intermediateBias.value + part.lowerBound)
    // Floats are written as the next product reads them; anything else is rounded and packed behind them.
    let isWritten = precision == .float32
    let stride = isWritten ? PackedRows.stride : precision.stretch
    let x = before.map { $0 + range.lowerBound * i + part.lowerBound } ?? memory
    let xStride = before == nil ? stride : i
    multiply(pool, worker: worker, m: range.count, a: state, by: map.columns(part), beta: 0, c: x, ldc: xStride)
    if before == nil {
      ck_bias_activation_in_place(kernel, count, width, bias, x, Int64(xStride))
    } else {
      ck_bias_activation_forward(kernel, count, width, bias, x, Int64(xStride), memory, Int64(stride))
    }
    if isWritten { return PackedRows(written: memory) }
    return PackedRows(
      m: range.count, k: part.count, a: memory, lda: stride, precision: precision, into: memory + range.count * stride)
  }

  /// The three maps behind attention, packed for products with their transposes (forward) or themselves (backward).
  func packed(
    _ p: LayerParameters, _ transpose: Transpose
  ) -> (attentionOutput: PackedMatrix, intermediate: PackedMatrix, output: PackedMatrix) {
    func packed(_ weight: Parameter, _ buffer: ScratchBuffer) -> PackedMatrix {
      let (rows, columns) = (weight.shape[0], weight.shape[1])
      let (n, k) = transpose == .yes ? (rows, columns) : (columns, rows)
      return pack(pool, transpose, n: n, k: k, b: weight.value, ldb: columns, precision: precision, into: buffer)
    }
    return (
      packed(p.attentionOutput.weight, scratch.packed[0]), packed(p.intermediate, scratch.packed[1]),
      packed(p.output.weight, scratch.packed[2])
    )
  }

  private func reserve(_ kept: LayerActivations, rows: Int) {
    kept.attentionNorm.reserve(rows: rows, width: hiddenSize)
    kept.outputNorm.reserve(rows: rows, width: hiddenSize)
    kept.intermediate.reserve(rows * configuration.intermediateSize)
  }

  /// out = x B for the rows of a tile, all side by side; `beta` times what `out` held is kept.
  func product(
    _ worker: Int, _ rows: Int, _ x: UnsafePointer<Float>, _ b: PackedMatrix, beta: Float = 0,
    into out: UnsafeMutablePointer<Float>
  ) {
    multiply(pool, worker: worker, .no, m: rows, a: x, lda: b.k, by: b, beta: beta, c: out, ldc: b.n)
  }

  /// Dropout behind attention's output map and behind the feed-forward block, where the architecture has any there.
  func dropouts(_ layer: Int, _ pass: EncoderPass) -> (attention: ck_dropout, output: ck_dropout) {
    let site = sites.layers[layer - 1]
    let architecture = configuration.architecture
    let none = site.output.dropout(rate: 0, step: 0)
    return (
      architecture.dropsAttentionOutput ? pass.hidden(site.attentionOutput) : none,
      architecture.dropsOutput ? pass.hidden(site.output) : none
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
