// The last layer where only first tokens' rows are read, and queries and keys are not turned by their places: a key's
// turn would have to follow the map that makes it. Their heads attend to the layer's input itself: the maps of
// keys and values are applied to what a head asks and to what it finds, one row each, and not to every token. Letters:
// T tokens, R sequences, H hidden, A heads, D = H / A.
//
// With q = x0 Wq^T + bq of a sequence's first token:  asked_a = q_a Wk_a,  found_a = sum_t p_at x_t,
// context_a = found_a Wv_a^T + (sum_t p_at) bv_a. The bias of the keys shifts all scores of a head alike: softmax does
// not see it, and its gradient is 0.

import CKernels
import Kernels

extension TransformerEncoder {
  /// Queries, attention and context `[R, H]` of the first tokens; returns the rows that the residual connection adds.
  func attendFirst(_ layer: Int, input: UnsafeMutablePointer<Float>, _ kept: LayerActivations, _ pass: EncoderPass)
    -> UnsafeMutablePointer<Float>
  {
    let (h, count, profile) = (hiddenSize, pass.sequences, pool.profile)
    let maps = HeadMaps(weights.layers[layer - 1], configuration)
    let (wide, heads) = (maps.heads * h, maps.heads)
    let first = scratch.firstRows.reserve(count * h)
    let (queries, context) = (kept.queries.reserve(count * h), kept.context.reserve(count * h))
    let (asked, found) = (kept.asked.reserve(count * wide), kept.found.reserve(count * wide))
    let sums = kept.sums.reserve(count * heads)
    profile.measure("encoder forward/query, key, value") {
      gatherFirstRows(of: input, into: first, pass)
      linear(rows: count, first, maps.query, maps.queryBias, from: h, to: h, into: queries)
      maps.forEach { head, column in
        gemm(
          pool, .no, .no, m: count, n: h, k: maps.width, alpha: 1, a: queries + column, lda: h,
          b: maps.key + column * h, ldb: h, beta: 0, c: asked + head * h, ldc: wide, precision: precision)
      }
    }
    profile.measure("encoder forward/attention") {
      forEachFirstToken(layer, pass, products: 2) { shape, at, token, memory in
        ck_token_attention_forward(
          shape, asked + at * wide, input + token * h, found + at * wide, sums + at * heads, memory)
      }
    }
    profile.measure("encoder forward/query, key, value") {
      maps.forEach { head, column in
        for row in 0..<count {
          let sum = sums[row * heads + head]
          for i in column..<(column + maps.width) { context[row * h + i] = sum * maps.valueBias[i] }
        }
        gemm(
          pool, .no, .yes, m: count, n: maps.width, k: h, alpha: 1, a: found + head * h, lda: wide,
          b: maps.value + column * h, ldb: h, beta: 1, c: context + column, ldc: h, precision: precision)
      }
    }
    return first
  }

  /// From the gradient of the context, and that of the residual in `d` `[R, H]`: weights, biases and the gradient `[T,
  /// H]` of the layer's input.
  func firstTokensBackward(
    _ layer: Int, _ d: UnsafeMutablePointer<Float>, _ kept: LayerActivations, _ pass: EncoderPass
  ) -> UnsafeMutablePointer<Float> {
    let (h, count, profile) = (hiddenSize, pass.sequences, pool.profile)
    let p = weights.layers[layer - 1]
    let maps = HeadMaps(p, configuration)
    let (wide, heads) = (maps.heads * h, maps.heads)
    let upstream = scratch.contextGradient.pointer
    let (queries, asked, found) = (kept.queries.pointer, kept.asked.pointer, kept.found.pointer)
    let (dFound, dAsked) = (scratch.foundGradient.reserve(count * wide), scratch.askedGradient.reserve(count * wide))
    let (dSums, dQueries) = (scratch.sumsGradient.reserve(count * heads), scratch.queryGradient.reserve(count * h))
    let dx = scratch.gradient[(layer - 1) % 2].reserve(pass.tokens * h)
    profile.measure("encoder backward/query, key, value") {
      maps.forEach { head, column in
        valueBiasBackward(head, maps, rows: count, upstream, kept.sums.pointer, dSums)
        gemm(
          pool, .no, .no, m: count, n: h, k: maps.width, alpha: 1, a: upstream + column, lda: h,
          b: maps.value + column * h, ldb: h, beta: 0, c: dFound + head * h, ldc: wide, precision: precision)
        gemm(
          pool, .yes, .no, m: maps.width, n: h, k: count, alpha: 1, a: upstream + column, lda: h, b: found + head * h,
          ldb: wide, beta: 1, c: maps.valueGradient + column * h, ldc: h, precision: precision)
      }
    }
    let restored = LayerInput(self, layer, pass)
    let input = scratch.layerInput.reserve(pass.tokens * h)
    profile.measure("encoder backward/attention") {
      pool.parallelFor(pass.tokens, grain: 64) { range, _ in
        restored.restore(rows(range, numbers: nil), into: input + range.lowerBound * h)
      }
      distances?.reserveParts(count, forFirstTokens: true)
      forEachFirstToken(layer, pass, products: 4, learns: true) { shape, at, token, memory in
        ck_token_attention_backward(
          shape, asked + at * wide, input + token * h, dFound + at * wide, dSums + at * heads, dAsked + at * wide,
          dx + token * h, memory)
      }
      distances?.add(sequences: count, forFirstTokens: true, pool)
    }
    profile.measure("encoder backward/query, key, value") {
      maps.forEach { head, column in
        gemm(
          pool, .yes, .no, m: maps.width, n: h, k: count, alpha: 1, a: queries + column, lda: h, b: dAsked + head * h,
          ldb: wide, beta: 1, c: maps.keyGradient + column * h, ldc: h, precision: precision)
        gemm(
          pool, .no, .yes, m: count, n: maps.width, k: h, alpha: 1, a: dAsked + head * h, lda: wide,
          b: maps.key + column * h, ldb: h, beta: 0, c: dQueries + column, ldc: h, precision: precision)
      }
      let first = scratch.firstRows.reserve(count * h)
      gatherFirstRows(of: input, into: first, pass)
      let x = pack(pool, .no, n: h, k: count, b: first, ldb: h, precision: precision, into: scratch.packedState)
      linearBackward(
        dy: dQueries, width: h, x: x, weight: maps.query, dWeight: p.query.gradient, dBias: p.queryBias.gradient, dx: d)
      for sequence in 0..<count { ck_add(Int64(h), d + sequence * h, dx + pass.offsets[sequence] * h) }
    }
    return dx
  }

  /// The bias of a head's values: its gradient, and that of the sums of probabilities that it is taken times.
  private func valueBiasBackward(
    _ head: Int, _ maps: HeadMaps, rows: Int, _ upstream: UnsafePointer<Float>, _ sums: UnsafePointer<Float>,
    _ dSums: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows {
      var product: Float = 0
      for i in (head * maps.width)..<((head + 1) * maps.width) {
        let d = upstream[row * hiddenSize + i]
        product += d * maps.valueBias[i]
        maps.valueBiasGradient[i] += d * sums[row * maps.heads + head]
      }
      dSums[row * maps.heads + head] = product
    }
  }

  /// Calls `body` for each sequence with the attention of its first token's heads, its number, where its tokens begin,
  /// and scratch; `products` tells how often the scores' work is done in a product, `learns` whether there is a place
  /// for the gradient of what is added for distances.
  private func forEachFirstToken(
    _ layer: Int, _ pass: EncoderPass, products: Double, learns: Bool = false,
    _ body: (ck_attention, Int, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (h, heads) = (hiddenSize, configuration.headCount)
    let site = sites.layers[layer - 1].probabilities
    let share = (Int(ck_attention_scratch(Int64(pass.longest), Int64(h))) + 15) / 16 * 16
    let memory = scratch.attention.reserve(share * pool.threads)
    pool.profile.count(operations: products * 2 * Double(pass.tokens * heads * h))
    pool.parallelFor(pass.sequences, grain: 2) { range, worker in
      for sequence in range {
        let start = pass.offsets[sequence]
        let bias = learns ? distances?.learningFirstTokenView(sequence: sequence) : distances?.firstTokenView
        let shape = ck_attention(
          keys: Int64(pass.offsets[sequence + 1] - start), queries: Int64(heads), dimension: Int64(h),
          query_stride: Int64(h), key_stride: Int64(h), out_stride: Int64(h), scale: 1 / Float(h / heads).squareRoot(),
          first_row: UInt32(start), head: 0, dropout: pass.attention(site, sequence: sequence), bias: bias?.values,
          d_bias: bias?.gradient, bias_step: Int64(bias?.step ?? 0), reach: Int64(pass.longest))
        body(shape, sequence, start, memory + worker * share)
      }
    }
  }
}

/// The maps of a layer's queries, keys and values, which lie one after the other, and how heads share them.
private struct HeadMaps {
  let heads: Int
  /// Rows of a map that belong to a head.
  let width: Int
  let query: UnsafeMutablePointer<Float>, key: UnsafeMutablePointer<Float>, value: UnsafeMutablePointer<Float>
  let queryBias: UnsafeMutablePointer<Float>, valueBias: UnsafeMutablePointer<Float>
  private let h: Int
  private let p: LayerParameters
  // For backward only: an encoder that does not learn has no gradients.
  var keyGradient: UnsafeMutablePointer<Float> { p.query.gradient + h * h }
  var valueGradient: UnsafeMutablePointer<Float> { p.query.gradient + 2 * h * h }
  var valueBiasGradient: UnsafeMutablePointer<Float> { p.queryBias.gradient + 2 * h }

  init(_ p: LayerParameters, _ configuration: EncoderConfiguration) {
    (h, self.p) = (configuration.hiddenSize, p)
    (heads, width) = (configuration.headCount, h / configuration.headCount)
    (query, key, value) = (p.query.value, p.query.value + h * h, p.query.value + 2 * h * h)
    (queryBias, valueBias) = (p.queryBias.value, p.queryBias.value + 2 * h)
  }

  /// Each head and the first column that it has of queries and context.
  func forEach(_ body: (_ head: Int, _ column: Int) -> Void) {
    for head in 0..<heads { body(head, head * width) }
  }
}
