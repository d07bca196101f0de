// Where the queries, keys and values of each (sequence, head) pair lie: side by side in one buffer. Used by forward and
// backward of layers that are computed for every token, and where queries are turned, of those for first tokens only.

import CKernels
import Kernels

/// The attention of one layer as a list of independent pairs.
struct AttentionPlan {
  let pairs: Int
  /// Pairs that a thread takes at a time: the heads of a sequence, whose rows lie side by side, where there are many.
  let grain: Int
  /// Elements of scratch per thread.
  let scratchCount: Int
  /// Elements that the longest sequence's queries, keys and values of one head take.
  let gatheredCount: Int
  private let projections: UnsafeMutablePointer<Float>
  private let heads: Int
  private let dimension: Int
  private let hidden: Int
  private let offsets: [Int]
  private let pass: EncoderPass
  private let site: RandomStream
  private let distances: DistanceBias?
  private let turns: UnsafePointer<Float>?
  /// Whether only first tokens ask.
  private let asksFirst: Bool
  /// How many tokens one sees on either side; nil: all.
  private let reach: Int?

  /// Where a pair's rows begin, and the shape the kernel needs.
  struct View {
    let shape: ck_attention
    let queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, values: UnsafePointer<Float>
    /// Offsets into all queries, keys and values (0 where they were gathered), and into the context.
    let projected: Int, out: Int
  }

  init(_ encoder: TransformerEncoder, _ layer: Int, _ kept: LayerActivations, _ pass: EncoderPass) {
    hidden = encoder.hiddenSize
    heads = encoder.configuration.headCount
    dimension = hidden / heads
    pairs = pass.sequences * heads
    grain = pass.sequences >= 32 ? heads : 2
    offsets = pass.offsets
    self.pass = pass
    site = encoder.sites.layers[layer - 1].probabilities
    distances = encoder.distances
    turns = encoder.rotary?.turns(layer: layer - 1)
    asksFirst = pass.isFirstTokenOnly(layer)
    reach = encoder.configuration.reach(layer: layer - 1)
    scratchCount = (Int(ck_attention_scratch(Int64(pass.longest), Int64(dimension))) + 15) / 16 * 16
    gatheredCount = (pass.longest * 3 * dimension + 15) / 16 * 16
    projections = kept.projected.pointer
  }

  /// Scores times the width of a head, over all pairs: half the operations of one product.
  var scoredElements: Double {
    zip(offsets, offsets.dropFirst()).reduce(0) {
      let length = $1.1 - $1.0
      let seen = reach.map { min(length, 2 * $0 + 1) } ?? length
      return $0 + Double(asksFirst ? 1 : length) * Double(seen)
    } * Double(hidden)
  }

  /// Turns a pair's queries and keys by their places, once they are there; nothing where places are no turns.
  func turn(_ view: View) {
    let (queries, keys) = (UnsafeMutablePointer(mutating: view.queries), UnsafeMutablePointer(mutating: view.keys))
    turn(queries: queries, keys: keys, view, 1)
  }

  /// Turns the gradients of a pair's queries and keys back.
  func turnBack(queries: UnsafeMutablePointer<Float>, keys: UnsafeMutablePointer<Float>, _ view: View) {
    turn(queries: queries, keys: keys, view, -1)
  }

  private func turn(
    queries: UnsafeMutablePointer<Float>, keys: UnsafeMutablePointer<Float>, _ view: View, _ direction: Float
  ) {
    guard let turns else { return }
    let shape = view.shape
    ck_rotate(shape.queries, shape.dimension, turns, direction, queries, shape.query_stride)
    ck_rotate(shape.keys, shape.dimension, turns, direction, keys, shape.key_stride)
  }

  func view(_ pair: Int) -> View { view(pair, distances?.view(head: pair % heads)) }

  /// The same for backward, with a place for the gradient of what is added for distances.
  func learningView(_ pair: Int) -> View { view(pair, distances?.learningView(pair: pair)) }

  private func view(_ pair: Int, _ bias: DistanceBias.View?) -> View {
    let (start, _, column) = place(pair)
    let projected = 3 * start * hidden + column
    return view(pair, rows: projections + projected, stride: 3 * hidden, between: hidden, projected: projected, bias)
  }

  /// The same where tokens share queries, keys and values: row `rows[t]` is that of token t. They are copied to
  /// `memory`, which has room for `gatheredCount`.
  func gather(_ pair: Int, rows: UnsafePointer<Int32>, into memory: UnsafeMutablePointer<Float>) -> View {
    let (start, length, column) = place(pair)
    for row in 0..<length {
      let source = projections + 3 * Int(rows[start + row]) * hidden + column
      let target = memory + row * 3 * dimension
      for part in 0..<3 { (target + part * dimension).update(from: source + part * hidden, count: dimension) }
    }
    return view(
      pair, rows: memory, stride: 3 * dimension, between: dimension, projected: 0,
      distances?.view(head: pair % heads))
  }

  private func place(_ pair: Int) -> (start: Int, length: Int, column: Int) {
    let (sequence, head) = pair.quotientAndRemainder(dividingBy: heads)
    return (offsets[sequence], offsets[sequence + 1] - offsets[sequence], head * dimension)
  }

  /// Rows `stride` apart that hold queries, keys and values `between` apart.
  private func view(
    _ pair: Int, rows: UnsafePointer<Float>, stride: Int, between: Int, projected: Int, _ bias: DistanceBias.View?
  ) -> View {
    let (start, length, column) = place(pair)
    let shape = ck_attention(
      keys: Int64(length), queries: Int64(asksFirst ? 1 : length), dimension: Int64(dimension),
      query_stride: Int64(stride), key_stride: Int64(stride), out_stride: Int64(hidden),
      scale: 1 / Float(dimension).squareRoot(), first_row: UInt32(start), head: UInt32(pair % heads),
      dropout: pass.attention(site, sequence: pair / heads), bias: bias?.values, d_bias: bias?.gradient,
      bias_step: Int64(bias?.step ?? 0), reach: Int64(reach ?? length))
    return View(
      shape: shape, queries: rows, keys: rows + between, values: rows + 2 * between, projected: projected,
      out: (asksFirst ? pair / heads : start) * hidden + column)
  }
}
