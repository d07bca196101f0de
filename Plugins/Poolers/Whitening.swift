// Whitening: in evaluation the vectors are moved and stretched until their dimensions are uncorrelated.

import Glibc
import PluginKit

/// `out = L^-1 (x - m)` in evaluation, `m` and `C = L L^T` running mean and covariance of the vectors `x` of training
/// batches; in training, and before the first batch, `out = x`. Stands behind another pooler: `avg+whiten`.
///
/// `L` is the Cholesky factor. Any other root of `C^-1` differs from its inverse by a rotation, which no cosine sees.
///
/// Source: Su et al., "Whitening Sentence Representations for Better Semantics and Faster Retrieval", 2021, all
/// dimensions kept; with running statistics, since the encoder moves.
final class Whitening: Pooler, Stateful {
  let name = "whiten"
  let summary = "in evaluation: mean 0 and uncorrelated dimensions, as training saw the vectors (BERT-whitening, 2021)"

  let decay = Real(0.99, in: "[0,1)", "what stays of mean and covariance after a batch")
  let ridge = Real(1e-3, in: "(0,)", log: true, "added to the variances, as a share of their mean")

  /// State 0: mean; state 1: the mean of x x^T; state 2: the share of all weights that batches have given so far.
  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.state("mean", shape: [limits.width])
    try plan.state("second_moment", shape: [limits.width, limits.width])
    try plan.state("weight", shape: [1])
    plan.tape(bytes: 16 + limits.maximumSequences * limits.width * MemoryLayout<Float>.stride)
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let x = try tokens.layer(0)
    for row in 0..<tokens.sequences { out[row].set(x[tokens.tokens(of: row).lowerBound]) }
    if call.isTraining { return try remember(call, out) }
    guard try call.state(2)[0, 0] > 0 else { return }
    let (mean, factor) = try statistics(call)
    let width = out.columns
    try call.parallelFor(out.rows, grain: 8) { range in
      for row in range {
        // Forward substitution: L y = x - m.
        for k in 0..<width {
          var sum = Double(out[row, k]) - mean[k]
          for j in 0..<k { sum -= factor[k * width + j] * Double(out[row, j]) }
          out[row, k] = Float(sum / factor[k * width + k])
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let dx = tokens.layerGradient(0) else { return }
    for row in 0..<tokens.sequences { dx[tokens.tokens(of: row).lowerBound].add(gradient[row]) }
  }

  func commit(_ call: Call, _ batch: Batch?) throws {
    guard let tape = call.tape else { throw PluginError.invalid("whiten got no memory for its vectors") }
    let count = Int(tape.load(as: Int64.self))
    let vectors = (tape + 16).assumingMemoryBound(to: Float.self)
    let (mean, moment, weight) = try (call.state(0), call.state(1), call.state(2))
    let (width, keep) = (moment.columns, call[decay])
    let share = (1 - keep) / Float(max(1, count))
    mean[0].scale(by: keep)
    weight[0, 0] = keep * weight[0, 0] + (count > 0 ? 1 - keep : 0)
    try call.parallelFor(width, grain: 8) { rows in
      for i in rows {
        moment[i].scale(by: keep)
        for row in 0..<count {
          let x = vectors + row * width
          for j in 0..<width { moment[i, j] += share * x[i] * x[j] }
        }
      }
    }
    for row in 0..<count { for k in 0..<width { mean[0, k] += share * vectors[row * width + k] } }
  }

  private func remember(_ call: Call, _ out: Matrix) throws {
    guard let tape = call.tape else { throw PluginError.invalid("whiten got no memory for its vectors") }
    tape.storeBytes(of: Int64(out.rows), as: Int64.self)
    let vectors = (tape + 16).assumingMemoryBound(to: Float.self)
    for row in 0..<out.rows { (vectors + row * out.columns).update(from: out[row].pointer, count: out.columns) }
  }

  /// The mean and the lower Cholesky factor of the covariance, in double precision.
  private func statistics(_ call: Call) throws -> (mean: [Double], factor: [Double]) {
    let (sums, moment, weight) = try (call.state(0), call.state(1), Double(call.state(2)[0, 0]))
    let width = moment.columns
    let mean = (0..<width).map { Double(sums[0, $0]) / weight }
    func covariance(_ i: Int, _ j: Int) -> Double { Double(moment[i, j]) / weight - mean[i] * mean[j] }
    let variance = (0..<width).reduce(0) { $0 + covariance($1, $1) } / Double(width)
    let added = max(Double(call[ridge]) * variance, 1e-12)
    var factor = [Double](repeating: 0, count: width * width)
    try factor.withUnsafeMutableBufferPointer { buffer in
      guard let rows = buffer.baseAddress else { return }
      for i in 0..<width {
        for j in 0...i {
          let sum = covariance(i, j) + (i == j ? added : 0) - dot(rows, i * width, j * width, j)
          if i == j {
            guard sum > 0 else { throw PluginError.numeric("the covariance is not positive; a larger ridge helps") }
            rows[i * width + i] = sum.squareRoot()
          } else {
            rows[i * width + j] = sum / rows[j * width + j]
          }
        }
      }
    }
    return (mean, factor)
  }

  /// The product of `count` numbers from `a` on and as many from `b` on, in four interleaved sums.
  private func dot(_ numbers: UnsafeMutablePointer<Double>, _ a: Int, _ b: Int, _ count: Int) -> Double {
    var lanes = SIMD4<Double>.zero
    var k = 0
    while k + 4 <= count {
      let (left, right) = (UnsafeRawPointer(numbers + a + k), UnsafeRawPointer(numbers + b + k))
      lanes += left.loadUnaligned(as: SIMD4<Double>.self) * right.loadUnaligned(as: SIMD4<Double>.self)
      k += 4
    }
    var sum = lanes.sum()
    while k < count {
      sum += numbers[a + k] * numbers[b + k]
      k += 1
    }
    return sum
  }
}
