// Attention of one head against its definition in double, forward and backward, on odd shapes.

import CKernels
import Foundation
import Kernels
import Testing

@Suite struct AttentionTests {
  struct Shape: CustomTestStringConvertible {
    let keys: Int, queries: Int, dimension: Int
    let rate: Float
    /// How many keys a query sees on either side; nil: all.
    var reach: Int?
    var testDescription: String {
      "\(keys) keys, \(queries) queries, \(dimension) wide, dropout \(rate), reach \(reach ?? keys)"
    }

    /// Whether a query sees a key.
    func sees(_ query: Int, _ key: Int) -> Bool { reach.map { abs(query - key) <= $0 } ?? true }

    /// The key from which dropout counts: the first one that the query's block of 64 sees.
    func firstKey(_ query: Int) -> Int { reach.map { $0 < keys ? max(0, query / 64 * 64 - $0) : 0 } ?? 0 }
  }

  private func attention(_ s: Shape) -> ck_attention {
    ck_attention(
      keys: Int64(s.keys), queries: Int64(s.queries), dimension: Int64(s.dimension), query_stride: Int64(s.dimension),
      key_stride: Int64(s.dimension), out_stride: Int64(s.dimension), scale: 1 / Float(s.dimension).squareRoot(),
      first_row: 11, head: 3, dropout: RandomStream(seed: 5, name: "p").dropout(rate: s.rate, step: 2), bias: nil,
      d_bias: nil, bias_step: 0, reach: Int64(s.reach ?? s.keys))
  }

  /// softmax(q k^T scale + bias) with dropout, times v, and the sums of what is left of the probabilities, in double.
  /// `head` and `row` tell dropout what query i is.
  private func plain(
    _ s: Shape, _ d: ck_dropout, _ q: [Double], _ k: [Double], _ v: [Double], head: (Int) -> Int = { _ in 3 },
    row: (Int) -> Int = { 11 + $0 }, bias: (_ key: Int, _ query: Int) -> Double = { _, _ in 0 }
  ) -> (out: [Double], sums: [Double]) {
    var (out, sums) = ([Double](), [Double]())
    for i in 0..<s.queries {
      let scores = (0..<s.keys).map { j in
        (0..<s.dimension).reduce(0.0) { $0 + q[i * s.dimension + $1] * k[j * s.dimension + $1] }
          / Double(s.dimension).squareRoot() + bias(j, i) - (s.sees(i, j) ? 0 : .infinity)
      }
      let e = scores.map { exp($0 - (scores.max() ?? 0)) }
      let sum = e.reduce(0, +)
      let p = e.enumerated().map { j, x -> Double in
        if !s.sees(i, j) { return 0 }
        let j = j - s.firstKey(i)
        return x / sum * halfWordFactor(d, [UInt32(j / 8) | UInt32(head(i)) << 16, UInt32(row(i)), 2, 0], half: j % 8)
      }
      out += (0..<s.dimension).map { c in (0..<s.keys).reduce(0.0) { $0 + p[$1] * v[$1 * s.dimension + c] } }
      sums.append(p.reduce(0, +))
    }
    return (out, sums)
  }

  private static let shapes = [
    Shape(keys: 1, queries: 1, dimension: 32, rate: 0), Shape(keys: 1, queries: 1, dimension: 8, rate: 0.5),
    Shape(keys: 7, queries: 7, dimension: 5, rate: 0), Shape(keys: 17, queries: 17, dimension: 16, rate: 0.2),
    Shape(keys: 23, queries: 1, dimension: 12, rate: 0.1), Shape(keys: 13, queries: 13, dimension: 32, rate: 0.1),
    Shape(keys: 70, queries: 70, dimension: 3, rate: 0.1), Shape(keys: 9, queries: 35, dimension: 40, rate: 0.1),
    Shape(keys: 70, queries: 70, dimension: 3, rate: 0.1, reach: 2),
    Shape(keys: 7, queries: 7, dimension: 5, rate: 0, reach: 0),
    Shape(keys: 23, queries: 1, dimension: 12, rate: 0.1, reach: 9),
    Shape(keys: 17, queries: 17, dimension: 16, rate: 0.2, reach: 16),
  ]

  @Test(arguments: shapes) func forwardAndBackward(s: Shape) {
    let shape = attention(s)
    let (q, k, v) = (
      randomValues(s.queries * s.dimension, seed: 1, scale: 2), randomValues(s.keys * s.dimension, seed: 2, scale: 2),
      randomValues(s.keys * s.dimension, seed: 3)
    )
    var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
    var out = [Float](repeating: .nan, count: q.count)
    ck_attention_forward(shape, q, k, v, &out, &scratch)
    let inputs = [q, k, v].map(doubles)
    #expect(relativeError(out, plain(s, shape.dropout, inputs[0], inputs[1], inputs[2]).out, floor: 0.1) < 2e-6)

    let up = randomValues(q.count, seed: 4)
    var (dq, dk, dv) = (q.map { _ in Float.nan }, k.map { _ in Float.nan }, v.map { _ in Float.nan })
    scratch = scratch.map { _ in .nan }
    ck_attention_backward(shape, q, k, v, up, &dq, &dk, &dv, &scratch)
    for (input, found) in [dq, dk, dv].enumerated() {
      let truth = centralDifferences(inputs[input]) { value in
        var changed = inputs
        changed[input] = value
        return dot(plain(s, shape.dropout, changed[0], changed[1], changed[2]).out, doubles(up))
      }
      #expect(relativeError(found, truth, floor: 0.1) < 1e-5, "input \(input)")
    }
  }

  /// Products take two vectors of columns at a time where vectors are wide; every sum has the same order.
  @Test func widthOfVectorsChangesNoBit() {
    let s = Shape(keys: 37, queries: 37, dimension: 40, rate: 0.1)
    let shape = attention(s)
    let values = (1...4).map { randomValues(37 * 40, seed: $0) }
    func all(_ bits: Int32) -> [[Float]] {
      _ = ck_gemm_select(bits)
      defer { _ = ck_gemm_select(512) }
      var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
      var found = (0..<4).map { _ in [Float](repeating: .nan, count: 37 * 40) }
      ck_attention_forward(shape, values[0], values[1], values[2], &found[0], &scratch)
      var (dq, dk, dv) = (found[1], found[2], found[3])
      ck_attention_backward(shape, values[0], values[1], values[2], values[3], &dq, &dk, &dv, &scratch)
      return [found[0], dq, dk, dv]
    }
    #expect(all(256) == all(512))
  }

  @Test func longSequences() {
    for (keys, reach) in [(64, nil), (65, nil), (511, nil), (512, nil), (65, 64), (130, 1), (200, 64), (511, 70)] {
      let s = Shape(keys: keys, queries: keys, dimension: 32, rate: 0.1, reach: reach)
      let shape = attention(s)
      let values = (1...3).map { randomValues(keys * 32, seed: $0, scale: 2) }
      var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
      var out = [Float](repeating: .nan, count: keys * 32)
      ck_attention_forward(shape, values[0], values[1], values[2], &out, &scratch)
      let inputs = values.map(doubles)
      #expect(relativeError(out, plain(s, shape.dropout, inputs[0], inputs[1], inputs[2]).out) < 4e-6, "\(s)")
    }
  }

  /// Places far from a token have no part in it, whatever stands there; a place that is not a number included.
  @Test func whatIsOutOfReachIsNotRead() {
    let s = Shape(keys: 150, queries: 150, dimension: 8, rate: 0, reach: 3)
    let shape = attention(s)
    var values = (1...3).map { randomValues(150 * 8, seed: $0) }
    func out() -> [Float] {
      var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
      var out = [Float](repeating: .nan, count: 150 * 8)
      ck_attention_forward(shape, values[0], values[1], values[2], &out, &scratch)
      return out
    }
    let before = out()
    for i in 0..<8 { values[1][140 * 8 + i] = .nan }
    let after = out()
    // Of the last block everything is computed, and hidden; the first one does not reach it.
    #expect(Array(after[..<(64 * 8)]) == Array(before[..<(64 * 8)]))
    #expect(after[(137 * 8)...].contains { $0.isNaN } && !before.contains { $0.isNaN })
  }

  /// A row's halves are turned by the angles of its table, and turned back by the opposite direction.
  @Test(arguments: [2, 6, 20, 64]) func rotation(dimension: Int) {
    let (rows, stride, half) = (5, dimension + 3, dimension / 2)
    let angles = randomValues(rows * half, seed: 1, scale: 3)
    let turns = (0..<rows).flatMap { r in
      let own = (0..<half).map { Double(angles[r * half + $0]) }
      return own.map { Float(cos($0)) } + own.map { Float(sin($0)) }
    }
    let start = randomValues(rows * stride, seed: 2)
    var x = start
    ck_rotate(Int64(rows), Int64(dimension), turns, 1, &x, Int64(stride))
    for r in 0..<rows {
      for i in 0..<half {
        let (a, b) = (Double(start[r * stride + i]), Double(start[r * stride + half + i]))
        let t = Double(angles[r * half + i])
        #expect(abs(Double(x[r * stride + i]) - (a * cos(t) - b * sin(t))) < 1e-6)
        #expect(abs(Double(x[r * stride + half + i]) - (b * cos(t) + a * sin(t))) < 1e-6)
      }
      for i in dimension..<stride { #expect(x[r * stride + i] == start[r * stride + i]) }
    }
    ck_rotate(Int64(rows), Int64(dimension), turns, -1, &x, Int64(stride))
    #expect(relativeError(x, doubles(start)) < 1e-6)
  }

  /// The heads of token 11 take the place of queries; its rows are keys and values alike.
  private func plainToken(_ s: Shape, _ d: ck_dropout, _ q: [Double], _ x: [Double]) -> (out: [Double], sums: [Double])
  {
    plain(s, d, q, x, x, head: { $0 }, row: { _ in 11 })
  }

  @Test(arguments: [
    Shape(keys: 1, queries: 1, dimension: 8, rate: 0), Shape(keys: 23, queries: 12, dimension: 24, rate: 0.1),
    Shape(keys: 5, queries: 16, dimension: 16, rate: 0.5), Shape(keys: 17, queries: 17, dimension: 13, rate: 0),
    Shape(keys: 7, queries: 67, dimension: 11, rate: 0.1),
  ])
  func headsOfOneToken(s: Shape) {
    var shape = attention(s)
    shape.head = 0
    let (q, x) = (
      randomValues(s.queries * s.dimension, seed: 1, scale: 2), randomValues(s.keys * s.dimension, seed: 2, scale: 2)
    )
    var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
    var (out, sums) = (q.map { _ in Float.nan }, [Float](repeating: .nan, count: s.queries))
    ck_token_attention_forward(shape, q, x, &out, &sums, &scratch)
    let truth = plainToken(s, shape.dropout, doubles(q), doubles(x))
    #expect(relativeError(out, truth.out, floor: 0.1) < 2e-6 && relativeError(sums, truth.sums, floor: 0.1) < 2e-6)

    let (up, upSums) = (randomValues(q.count, seed: 4), randomValues(s.queries, seed: 5))
    var (dq, dx) = (q.map { _ in Float.nan }, x.map { _ in Float.nan })
    scratch = scratch.map { _ in .nan }
    ck_token_attention_backward(shape, q, x, up, upSums, &dq, &dx, &scratch)
    func loss(_ q: [Double], _ x: [Double]) -> Double {
      let found = plainToken(s, shape.dropout, q, x)
      return dot(found.out, doubles(up)) + dot(found.sums, doubles(upSums))
    }
    let slopes = centralDifferences(doubles(q)) { loss($0, doubles(x)) }
    #expect(relativeError(dq, slopes, floor: 0.1) < 1e-5)
    #expect(relativeError(dx, centralDifferences(doubles(x)) { loss(doubles(q), $0) }, floor: 0.1) < 1e-5)
  }

  /// What is added for a distance, at `center` for 0, with room for a vector behind the largest.
  @Test(arguments: shapes.filter { $0.keys == $0.queries }) func addedForDistances(s: Shape) {
    var shape = attention(s)
    let inputs = (1...3).map { randomValues(s.keys * s.dimension, seed: $0, scale: 2) }
    let bias = randomValues(2 * s.keys - 1 + 16, seed: 6, scale: 2)
    var gradient = [Float](repeating: 0, count: bias.count)
    let center = s.keys - 1
    func truth(_ bias: [Double]) -> [Double] {
      let x = inputs.map(doubles)
      return plain(s, shape.dropout, x[0], x[1], x[2], bias: { bias[center + $1 - $0] }).out
    }
    let up = randomValues(s.queries * s.dimension, seed: 4)
    var (out, scratch) = (up, [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension))))
    var (dq, dk, dv) = (up, up, up)
    bias.withUnsafeBufferPointer { bias in
      gradient.withUnsafeMutableBufferPointer { gradient in
        shape.bias = bias.baseAddress.map { $0 + center }
        shape.d_bias = gradient.baseAddress.map { $0 + center }
        shape.bias_step = -1
        ck_attention_forward(shape, inputs[0], inputs[1], inputs[2], &out, &scratch)
        ck_attention_backward(shape, inputs[0], inputs[1], inputs[2], up, &dq, &dk, &dv, &scratch)
      }
    }
    #expect(relativeError(out, truth(doubles(bias)), floor: 0.1) < 2e-6)
    let slopes = centralDifferences(doubles(bias)) { dot(truth($0), doubles(up)) }
    #expect(relativeError(gradient, slopes, floor: 0.1) < 1e-5)
    // Of the longest the definition takes its time.
    let others =
      s.keys > 20
      ? []
      : (0..<3).map { input in
        centralDifferences(doubles(inputs[input])) { value in
          var x = inputs.map(doubles)
          x[input] = value
          let added = doubles(bias)
          return dot(plain(s, shape.dropout, x[0], x[1], x[2], bias: { added[center + $1 - $0] }).out, doubles(up))
        }
      }
    for (found, slopes) in zip([dq, dk, dv], others) { #expect(relativeError(found, slopes, floor: 0.1) < 1e-5) }
  }

  /// The heads of one token: a number for each key and head.
  @Test(arguments: [
    Shape(keys: 5, queries: 12, dimension: 24, rate: 0.1), Shape(keys: 7, queries: 67, dimension: 11, rate: 0),
  ])
  func addedForHeads(s: Shape) {
    var shape = attention(s)
    shape.head = 0
    let step = (s.queries + 15) / 16 * 16
    let (q, x) = (
      randomValues(s.queries * s.dimension, seed: 1, scale: 2), randomValues(s.keys * s.dimension, seed: 2, scale: 2)
    )
    let bias = randomValues(s.keys * step, seed: 6, scale: 2)
    var gradient = [Float](repeating: 0, count: bias.count)
    let (up, upSums) = (randomValues(q.count, seed: 4), randomValues(s.queries, seed: 5))
    var (out, sums, dq, dx) = (q, upSums, q, x)
    var scratch = [Float](repeating: .nan, count: Int(ck_attention_scratch(shape.keys, shape.dimension)))
    bias.withUnsafeBufferPointer { bias in
      gradient.withUnsafeMutableBufferPointer { gradient in
        (shape.bias, shape.d_bias, shape.bias_step) = (bias.baseAddress, gradient.baseAddress, Int64(step))
        ck_token_attention_forward(shape, q, x, &out, &sums, &scratch)
        ck_token_attention_backward(shape, q, x, up, upSums, &dq, &dx, &scratch)
      }
    }
    func truth(_ bias: [Double]) -> (out: [Double], sums: [Double]) {
      plain(
        s, shape.dropout, doubles(q), doubles(x), doubles(x), head: { $0 }, row: { _ in 11 },
        bias: { bias[$0 * step + $1] })
    }
    let found = truth(doubles(bias))
    #expect(relativeError(out, found.out, floor: 0.1) < 2e-6 && relativeError(sums, found.sums, floor: 0.1) < 2e-6)
    let slopes = centralDifferences(doubles(bias)) {
      dot(truth($0).out, doubles(up)) + dot(truth($0).sums, doubles(upSums))
    }
    #expect(relativeError(gradient, slopes, floor: 0.1) < 1e-5)
  }
}
