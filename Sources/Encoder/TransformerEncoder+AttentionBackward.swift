// The backward pass below the feed-forward block: attention, its input projections, and the embeddings.
// Letters: T tokens, H hidden.

import CKernels
import Kernels

extension TransformerEncoder {
  /// Gradients of queries, keys and values from that of the context, one (sequence, head) pair at a time.
  func attentionBackward(_ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    let plan = AttentionPlan(self, layer, kept, pass)
    let dq = scratch.projectedGradient.reserve(pass.tokens * 3 * hiddenSize)
    let (dk, dv) = (dq + hiddenSize, dq + 2 * hiddenSize)
    let share = plan.scratchCount
    let memory = scratch.attention.reserve(share * pool.threads)
    let upstream = scratch.contextGradient.pointer
    // Of other tokens nobody asked.
    if pass.isFirstTokenOnly(layer) { dq.update(repeating: 0, count: pass.tokens * 3 * hiddenSize) }
    distances?.reserveParts(plan.pairs, forFirstTokens: false)
    // Four products are needed; the scores, which are made again, are not counted.
    pool.profile.count(operations: 8 * plan.scoredElements)
    pool.parallelFor(plan.pairs, grain: plan.grain) { range, worker in
      for pair in range {
        let view = plan.learningView(pair)
        ck_attention_backward(
          view.shape, view.queries, view.keys, view.values, upstream + view.out, dq + view.projected,
          dk + view.projected, dv + view.projected, memory + worker * share)
        plan.turnBack(queries: dq + view.projected, keys: dk + view.projected, view)
      }
    }
    distances?.add(sequences: pass.sequences, forFirstTokens: false, pool)
  }

  /// From the gradients of queries, keys and values of every token: weights, biases and the gradient `[T, H]` of what
  /// they were made of, in `d`; with `adds` it is added to what is there.
  func projectionBackward(_ layer: Int, _ d: UnsafeMutablePointer<Float>, adds: Bool = true, _ pass: EncoderPass) {
    let p = weights.layers[layer - 1]
    let x = packed(LayerInput(self, layer, pass), width: hiddenSize, pass)
    linearBackward(
      dy: scratch.projectedGradient.pointer, width: 3 * hiddenSize, x: x, weight: p.query.value,
      dWeight: p.query.gradient, dBias: p.queryBias.gradient, dx: d, adds: adds)
  }

  /// The input of a map over all tokens, made again and packed for the gradient of its weights.
  private func packed(_ input: LayerInput, width: Int, _ pass: EncoderPass) -> PackedMatrix {
    let x = PackedMatrix(n: width, k: pass.tokens, precision: precision, in: scratch.packedState)
    let grain = 64
    let share = grain * width
    let memory = scratch.perWorker.reserve(share * pool.threads)
    pool.parallelFor(pass.tokens, grain: grain) { range, worker in
      let restored = memory + worker * share
      input.restore(rows(range, width: width, numbers: nil), into: restored)
      x.store(range, from: restored)
    }
    return x
  }

  /// dW += dy^T x, db += column sums, dx += (or =) dy W, for y = x W^T + b and dy `[rows, width]`.
  func linearBackward(
    dy: UnsafeMutablePointer<Float>, width: Int, x: PackedMatrix, weight: UnsafeMutablePointer<Float>,
    dWeight: UnsafeMutablePointer<Float>, dBias: UnsafeMutablePointer<Float>, dx: UnsafeMutablePointer<Float>,
    adds: Bool = true
  ) {
    let (h, rows) = (x.n, x.k)
    addWeightGradient(dWeight, d: dy, width: width, x: x)
    pool.parallelFor(width, grain: 192) { range, _ in
      let at = range.lowerBound
      ck_column_sums(Int64(rows), Int64(range.count), dy + at, Int64(width), dBias + at)
    }
    gemm(
      pool, .no, .no, m: rows, n: h, k: width, alpha: 1, a: dy, lda: width, b: weight, ldb: h, beta: adds ? 1 : 0,
      c: dx, ldc: h, precision: precision)
  }

  /// The map from embeddings to hidden states: from the gradient of the latter `[T, H]` to that of the former.
  private func embeddingMapBackward(
    _ d: UnsafeMutablePointer<Float>, _ map: (weight: Parameter, bias: Parameter), _ pass: EncoderPass
  ) -> UnsafeMutablePointer<Float> {
    let width = configuration.embeddingSize
    let x = packed(LayerInput(embeddingsOf: self, pass), width: width, pass)
    let dx = scratch.narrow.reserve(pass.tokens * width)
    dx.update(repeating: 0, count: pass.tokens * width)
    linearBackward(
      dy: d, width: hiddenSize, x: x, weight: map.weight.value, dWeight: map.weight.gradient,
      dBias: map.bias.gradient, dx: dx)
    return dx
  }

  /// The embedding layer: its map, dropout, norm, then each table's rows. The gradient `[T, H]` is overwritten.
  func embedBackward(_ gradient: UnsafeMutablePointer<Float>, _ pass: EncoderPass) {
    let (h, count) = (configuration.embeddingSize, pass.tokens)
    let d = weights.projection.map { embeddingMapBackward(gradient, $0, pass) } ?? gradient
    let dropout = pass.hidden(sites.embeddings)
    let none = sites.embeddings.dropout(rate: 0, step: 0)
    let tile = 64
    let tiles = (count + tile - 1) / tile
    let sums = scratch.partial.reserve(tiles * 2 * h)
    let (normalized, inverse) = (embeddingNorm.normalized.pointer, embeddingNorm.inverse.pointer)
    pool.parallelFor(count, grain: tile) { range, _ in
      let at = range.lowerBound
      let sum = sums + at / tile * 2 * h
      sum.update(repeating: 0, count: 2 * h)
      let tileRows = rows(range, width: h, numbers: nil)
      ck_dropout_rows(tileRows, dropout, d + at * h)
      ck_norm_backward(
        tileRows, weights.gamma.value, none, normalized + at * h, inverse + at, d + at * h, nil, nil, sum,
        sum + h, nil)
    }
    for line in 0..<tiles {
      ck_add(Int64(h), sums + line * 2 * h, weights.gamma.gradient)
      ck_add(Int64(h), sums + line * 2 * h + h, weights.beta.gradient)
    }
    scatterEmbeddings(d, count: count)
  }

  /// Every thread owns some columns of the tables and adds all tokens in order.
  private func scatterEmbeddings(_ d: UnsafeMutablePointer<Float>, count: Int) {
    let h = configuration.embeddingSize
    let (ids, places) = (tokenIDs.reserve(count), positions.reserve(count))
    if let touched = weights.word.touched {
      for at in 0..<count where !touched[Int(ids[at])] {
        touched.mark(Int(ids[at]))
        ck_claim(weights.word.gradient + Int(ids[at]) * h, h * MemoryLayout<Float>.stride)
      }
    }
    let padding = Int32(configuration.padTokenID)
    let words = Stretches(ids, count, without: padding)
    // The padding token's row of positions is used by no other token, and by it where positions begin behind it.
    let learning = Stretches(ids, count, without: configuration.isUncounted(padding) ? padding : nil)
    pool.parallelFor(h, grain: 64) { range, _ in
      let (at, columns) = (range.lowerBound, Int64(range.count))
      for part in words {
        let (first, count) = (part.lowerBound, Int64(part.count))
        ck_scatter_add(count, ids + first, Int64(h), columns, d + first * h + at, weights.word.gradient + at)
      }
      if let position = weights.position {
        for part in learning {
          let (first, count) = (part.lowerBound, Int64(part.count))
          ck_scatter_add(count, places + first, Int64(h), columns, d + first * h + at, position.gradient + at)
        }
      }
      for table in weights.types { ck_column_sums(Int64(count), columns, d + at, Int64(h), table.gradient + at) }
    }
  }
}

/// All tokens but one, as stretches: a padding token, which a text may hold literally, has rows that do not learn
/// (`padding_idx` of torch). Takes no memory, as no part of a step does.
private struct Stretches: Sequence, IteratorProtocol {
  private let ids: UnsafePointer<Int32>
  private let count: Int
  private let token: Int32?
  private var at = 0

  /// - Parameter token: nil: all tokens are one stretch.
  init(_ ids: UnsafePointer<Int32>, _ count: Int, without token: Int32?) {
    (self.ids, self.count, self.token) = (ids, count, token)
  }

  mutating func next() -> Range<Int>? {
    while at < count, ids[at] == token { at += 1 }
    guard at < count else { return nil }
    let start = at
    while at < count, ids[at] != token { at += 1 }
    return start..<at
  }
}

/// What a layer's input is made of, so that it need not be kept: the normalised rows of the norm below it, or rows that
/// are kept as they are.
struct LayerInput {
  private let kept: UnsafePointer<Float>
  /// What makes the rows of those that are kept; nil: they are the rows.
  private let affine: (norm: ck_norm, dropout: ck_dropout)?

  init(_ encoder: TransformerEncoder, _ layer: Int, _ pass: EncoderPass) {
    if layer > 1 {
      self.init(
        kept: encoder.activations[layer - 2].outputNorm.normalized,
        affine: (
          encoder.norm(encoder.weights.layers[layer - 2].output),
          encoder.sites.embeddings.dropout(rate: 0, step: 0)
        ))
    } else if encoder.weights.projection != nil {
      self.init(kept: encoder.projectedEmbeddings, affine: nil)
    } else {
      self.init(embeddingsOf: encoder, pass)
    }
  }

  /// The embeddings themselves.
  init(embeddingsOf encoder: TransformerEncoder, _ pass: EncoderPass) {
    self.init(
      kept: encoder.embeddingNorm.normalized,
      affine: (encoder.embeddingAffine, pass.hidden(encoder.sites.embeddings)))
  }

  private init(kept: ScratchBuffer, affine: (norm: ck_norm, dropout: ck_dropout)?) {
    (self.kept, self.affine) = (UnsafePointer(kept.pointer), affine)
  }

  /// Makes some rows again.
  func restore(_ rows: ck_rows, into out: UnsafeMutablePointer<Float>) {
    let source = kept + Int(rows.first * rows.width)
    if let affine {
      ck_affine_rows(rows, affine.norm, affine.dropout, source, out)
    } else {
      out.update(from: source, count: Int(rows.count * rows.width))
    }
  }
}
