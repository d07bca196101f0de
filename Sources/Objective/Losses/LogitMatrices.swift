// The logits that losses score and the matrices they write their gradients to. Owned by ContrastiveObjective; a
// SimilarityMatrix fills the logits and takes the gradients back.

import Host
import Kernels

/// Matrices that losses read and write one group at a time; shared by all groups.
final class LogitMatrices {
  let logits, dLogits, dSimilarity: Tensor

  /// Room for `cells` numbers: the largest group's rows times its row stride.
  init(cells: Int) {
    func make(_ label: String, _ visibility: Visibility) -> Tensor {
      Tensor(shape: [0, 0], storage: GuardedBuffer(byteCount: cells * 4, label: label, visibility))
    }
    logits = make("logits", .shown)
    dLogits = make("dlogits", .shared)
    dSimilarity = make("dsim", .shared)
  }

  var guarded: [GuardedBuffer] { [logits, dLogits, dSimilarity].compactMap(\.storage) }

  func reshape(rows: Int, columns: Int, stride: Int) {
    for tensor in [logits, dLogits, dSimilarity] { tensor.reshape([rows, columns], rowStride: stride) }
  }
}
