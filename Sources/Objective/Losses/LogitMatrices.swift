// The logits that losses score and the matrices they write their gradients to. Owned by ContrastiveObjective; a
// SimilarityMatrix fills the logits and takes the gradients back.

import Host
import Kernels

/// Matrices that losses read and write one group at a time; shared by all groups.
final class LogitMatrices {
  let logits, dLogits, dSimilarity: Tensor
  /// Whether `dSimilarity` may hold anything but zeros. Few losses write there; for the others it stays memory that
  /// nobody ever touched.
  var hasSimilarityGradients = false

  /// Room for `cells` numbers: the largest group's rows times its row stride.
  init(cells: Int) {
    func make(_ label: String, _ visibility: Visibility, isSparse: Bool = false) -> Tensor {
      Tensor(
        shape: [0, 0], storage: GuardedBuffer(byteCount: cells * 4, label: label, visibility, isSparse: isSparse))
    }
    logits = make("logits", .shown)
    dLogits = make("dlogits", .shared)
    dSimilarity = make("dsim", .shared, isSparse: true)
  }

  var guarded: [GuardedBuffer] { [logits, dLogits, dSimilarity].compactMap(\.storage) }

  func reshape(rows: Int, columns: Int, stride: Int) {
    for tensor in [logits, dLogits, dSimilarity] { tensor.reshape([rows, columns], rowStride: stride) }
  }

  /// Zeros, for the next loss to add to.
  func clearGradients(_ pool: ThreadPool) {
    let (target, stride) = (dLogits.floats, dLogits.rowStride)
    pool.parallelFor(dLogits.rows, grain: 16) { range, _ in
      (target + range.lowerBound * stride).update(repeating: 0, count: range.count * stride)
    }
    if hasSimilarityGradients { dSimilarity.storage?.clear() }
    hasSimilarityGradients = true
  }
}
