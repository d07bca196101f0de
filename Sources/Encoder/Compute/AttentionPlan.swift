// Where the queries, keys and values of each (sequence, head) pair lie, in a full layer (side by side in one
// buffer) and in a layer computed for first tokens only (queries apart). Used by forward and backward.

import CKernels
import Kernels

/// The attention of one layer as a list of independent pairs.
struct AttentionPlan {
  let pairs: Int
  let queries: UnsafeMutablePointer<Float>
  let keys: UnsafeMutablePointer<Float>
  let values: UnsafeMutablePointer<Float>
  /// Elements of scratch per thread.
  let scratchCount: Int
  let queryStride: Int
  let keyStride: Int
  private let heads: Int
  private let dimension: Int
  private let hidden: Int
  private let firstOnly: Bool
  private let offsets: [Int]
  private let dropout: ck_dropout

  /// Offsets into the buffers, and the shape the kernel needs.
  struct View {
    let shape: ck_attention
    let query: Int
    let key: Int
    let out: Int
  }

  init(_ encoder: TransformerEncoder, _ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    hidden = encoder.hiddenSize
    heads = encoder.configuration.headCount
    dimension = hidden / heads
    pairs = pass.sequences * heads
    offsets = pass.offsets
    firstOnly = pass.isFirstTokenOnly(layer)
    dropout = pass.attention(encoder.sites.layers[layer - 1].probabilities)
    scratchCount = (Int(ck_attention_scratch(Int64(pass.longest), Int64(dimension))) + 15) / 16 * 16
    queries = firstOnly ? kept.queries.pointer : kept.projected.pointer
    keys = firstOnly ? kept.projected.pointer : kept.projected.pointer + hidden
    values = keys + hidden
    queryStride = firstOnly ? hidden : 3 * hidden
    keyStride = firstOnly ? 2 * hidden : 3 * hidden
  }

  /// Scores times the width of a head, over all pairs: half the operations of one product.
  var scoredElements: Double {
    zip(offsets, offsets.dropFirst()).reduce(0) {
      let length = Double($1.1 - $1.0)
      return $0 + length * (firstOnly ? 1 : length)
    } * Double(hidden)
  }

  func view(_ pair: Int) -> View {
    let (sequence, head) = pair.quotientAndRemainder(dividingBy: heads)
    let start = offsets[sequence]
    let length = offsets[sequence + 1] - start
    let row = firstOnly ? sequence : start
    let shape = ck_attention(
      keys: Int64(length), queries: Int64(firstOnly ? 1 : length), dimension: Int64(dimension),
      query_stride: Int64(queryStride), key_stride: Int64(keyStride), out_stride: Int64(hidden),
      scale: 1 / Float(dimension).squareRoot(), first_row: UInt32(start), head: UInt32(head), dropout: dropout)
    let column = head * dimension
    return View(
      shape: shape, query: row * queryStride + column, key: start * keyStride + column, out: row * hidden + column)
  }
}
