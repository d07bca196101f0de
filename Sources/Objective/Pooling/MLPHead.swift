// The head on the pooled vector: Linear of the same width, then tanh. The host's own, so that it can be dropped after
// training (`cls_before_pooler`) without any plugin knowing.

import CKernels
import Kernels

/// `z = tanh(p W^T + b)`, W [width, width] as `head.dense.weight`, b [width] as `head.dense.bias`.
///
/// Source: Devlin et al., 2019 (BERT's pooler); the projection of unsupervised SimCSE.
final class MLPHead {
  let width: Int
  let weight, bias: Parameter

  /// W ~ normal(0, 0.02) from the stream `head.dense.weight`, b = 0.
  init(width: Int, seed: UInt64) {
    self.width = width
    weight = Parameter(name: "head.dense.weight", shape: [width, width], decays: true)
    bias = Parameter(name: "head.dense.bias", shape: [width], decays: false)
    let values = UnsafeMutableBufferPointer(start: weight.value, count: weight.count)
    RandomStream(seed: seed, name: "head.dense.weight").normal(step: 0, offset: 0, into: values)
    for index in values.indices { values[index] *= 0.02 }
  }

  var parameters: [Parameter] { [weight, bias] }

  /// Writes `output` [rows, width] from `input` [rows, width].
  func forward(_ pool: ThreadPool, _ input: Matrix, into output: Matrix) {
    gemm(
      pool, .no, .yes, m: input.rows, n: width, k: width, alpha: 1, a: input.pointer, lda: input.rowStride,
      b: weight.value, ldb: width, beta: 0, c: output.pointer, ldc: output.rowStride)
    pool.parallelFor(input.rows, grain: 8) { range, _ in
      ck_bias_activation_in_place(
        CK_TANH, Int64(range.count), Int64(self.width), self.bias.value, output.row(range.lowerBound),
        Int64(output.rowStride))
    }
  }

  /// Writes `dInput` where it is wanted, adds to the gradients of W and b; `dOutput` is overwritten.
  ///
  /// With a = p W^T + b and z = tanh a: da = dz (1 - z^2), dW = da^T p, db = sum of da's rows, dp = da W.
  func backward(_ pool: ThreadPool, input: Matrix, output: Matrix, dOutput: Matrix, dInput: Matrix?) {
    pool.parallelFor(output.rows, grain: 8) { range, _ in
      for index in range {
        let z = output.row(index)
        let d = dOutput.row(index)
        for column in 0..<self.width { d[column] *= 1 - z[column] * z[column] }
      }
    }
    // A thread owns columns and walks all rows in order, so that the sums do not depend on the split.
    pool.parallelFor(width, grain: 128) { columns, _ in
      ck_column_sums(
        Int64(output.rows), Int64(columns.count), dOutput.pointer + columns.lowerBound, Int64(dOutput.rowStride),
        self.bias.gradient + columns.lowerBound)
    }
    gemm(
      pool, .yes, .no, m: width, n: width, k: output.rows, alpha: 1, a: dOutput.pointer, lda: dOutput.rowStride,
      b: input.pointer, ldb: input.rowStride, beta: 1, c: weight.gradient, ldc: width)
    guard let dInput else { return }
    gemm(
      pool, .no, .no, m: output.rows, n: width, k: width, alpha: 1, a: dOutput.pointer, lda: dOutput.rowStride,
      b: weight.value, ldb: width, beta: 0, c: dInput.pointer, ldc: dInput.rowStride)
  }
}
