// Where the queries, keys and values of each (sequence, head) pair lie: side by side in one buffer. Used by forward and
// backward of layers that are computed for every token.

import CKernels
import Kernels

/// The attention of one layer as a list of independent pairs.
struct AttentionPlan {
  let pairs: Int
  /// Pairs that a thread takes at a time: the heads of a sequence, whose rows lie side by side, where there are many.
  let grain: Int
  let queries: UnsafeMutablePointer<Float>
  let keys: UnsafeMutablePointer<Float>
  let values: UnsafeMutablePointer<Float>
  /// Elements of scratch per thread.
  let scratchCount: Int
  private let heads: Int
  private let dimension: Int
  private let hidden: Int
  private let offsets: [Int]
  private let dropout: ck_dropout

  /// Offsets into the buffers, and the shape the kernel needs.
  struct View {
    let shape: ck_attention
    let projected: Int
    let out: Int
  }

  init(_ encoder: TransformerEncoder, _ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    hidden = encoder.hiddenSize
    heads = encoder.configuration.headCount
    dimension = hidden / heads
    pairs = pass.sequences * heads
    grain = pass.sequences >= 32 ? heads : 2
    offsets = pass.offsets
    dropout = pass.attention(encoder.sites.layers[layer - 1].probabilities)
    scratchCount = (Int(ck_attention_scratch(Int64(pass.longest), Int64(dimension))) + 15) / 16 * 16
    queries = kept.projected.pointer
    keys = queries + hidden
    values = keys + hidden
  }

  /// Scores times the width of a head, over all pairs: half the operations of one product.
  var scoredElements: Double {
    zip(offsets, offsets.dropFirst()).reduce(0) {
      let length = Double($1.1 - $1.0)
      return $0 + length * length
    } * Double(hidden)
  }

  func view(_ pair: Int) -> View {
    let (sequence, head) = pair.quotientAndRemainder(dividingBy: heads)
    let start = offsets[sequence]
    let length = Int64(offsets[sequence + 1] - start)
    let stride = Int64(3 * hidden)
    let shape = ck_attention(
      keys: length, queries: length, dimension: Int64(dimension), query_stride: stride, key_stride: stride,
      out_stride: Int64(hidden), scale: 1 / Float(dimension).squareRoot(), first_row: UInt32(start), head: UInt32(head),
      dropout: dropout)
    let column = head * dimension
    return View(shape: shape, projected: 3 * start * hidden + column, out: start * hidden + column)
  }
}
