// Which of the clones of the C kernels this processor runs. Said by `mixcse --version`.

import CKernels

/// The width of the vectors that kernels compute with.
package enum VectorWidth {
  /// Bits of a vector: 512, 256 or 128.
  package static var bits: Int { Int(ck_gemm_bits()) }

  /// Width and instruction set in words.
  package static var text: String {
    switch bits {
    case 512: "512 bits (AVX-512, x86-64-v4)"
    case 256: "256 bits (AVX2, x86-64-v3)"
    default: "\(bits) bits (baseline)"
    }
  }
}
