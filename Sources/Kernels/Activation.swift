// Elementwise activations over whole buffers, as pairs of forward and backward. Used by the head and by tests;
// the encoder calls the same C loops fused with its biases.

package import CKernels

/// An elementwise activation function.
package enum Activation: Sendable {
  /// x * Phi(x) by the error function, to about 2e-7.
  case gelu
  /// GELU by its tanh approximation.
  case geluTanh
  case relu
  case tanh

  package var kernel: ck_activation {
    switch self {
    case .gelu: return CK_GELU
    case .geluTanh: return CK_GELU_TANH
    case .relu: return CK_RELU
    case .tanh: return CK_TANH
    }
  }
}

/// y = f(x) for `count` elements; x and y may be the same.
package func activationForward(
  _ pool: ThreadPool, _ activation: Activation, count: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>
) {
  pool.parallelFor(count, grain: 1 << 14) { range, _ in
    ck_activation_forward(activation.kernel, Int64(range.count), x + range.lowerBound, y + range.lowerBound)
  }
}

/// For `[rows, width]`: d *= f'(x), y = f(x), then dBias += column sums of d. Runs on the calling thread.
package func activationBackward(
  _ activation: Activation, rows: Int, width: Int, x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>,
  d: UnsafeMutablePointer<Float>, dBias: UnsafeMutablePointer<Float>
) {
  ck_activation_backward(activation.kernel, Int64(rows), Int64(width), x, y, d, dBias)
}

/// Softmax of every row of `x`, in place.
package func softmaxForward(_ pool: ThreadPool, _ x: Matrix) {
  pool.parallelFor(x.rows, grain: 16) { range, _ in
    ck_softmax_forward(Int64(range.count), Int64(x.columns), x.row(range.lowerBound), Int64(x.rowStride))
  }
}

/// Turns the gradient `d` of probabilities `p` into that of their logits, in place; equal row strides.
package func softmaxBackward(_ pool: ThreadPool, p: Matrix, d: Matrix) {
  precondition(p.rowStride == d.rowStride && p.rows == d.rows && p.columns == d.columns, "p and d must lie alike")
  pool.parallelFor(p.rows, grain: 16) { range, _ in
    let at = range.lowerBound
    ck_softmax_backward(Int64(range.count), Int64(p.columns), p.row(at), d.row(at), Int64(p.rowStride))
  }
}
