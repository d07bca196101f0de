// The activations of feed-forward blocks, by the names their C loops know them by. Used by the encoder.

package import CKernels

/// An elementwise activation function.
package enum Activation: Sendable {
  /// x * Phi(x) by the error function, to about 2e-7.
  case gelu
  /// GELU by its tanh approximation.
  case geluTanh
  case relu
  case tanh

  /// The activation for the C loops.
  package var kernel: ck_activation {
    switch self {
    case .gelu: return CK_GELU
    case .geluTanh: return CK_GELU_TANH
    case .relu: return CK_RELU
    case .tanh: return CK_TANH
    }
  }
}
