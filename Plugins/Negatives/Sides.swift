// Comparisons from the other side: positives with anchors, and each side with itself.

import PluginKit

/// A second set of rows: every positive against all anchors. The loss is the mean of both sets.
///
/// Source: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (CLIP), ICML 2021,
/// figure 3.
final class Symmetric: Sampler {
  let name = "symmetric"
  let summary = "every positive is compared with all anchors, too; the loss is the mean of both (CLIP, ICML 2021)"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.block(rows: .positive, columns: .anchor, .base, group: 1, label: "other-side")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {}
}

/// All 2N vectors are rows, and each is compared with the 2N - 1 others.
///
/// Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (SimCLR), ICML 2020,
/// equation 1.
final class TwoSided: Sampler {
  let name = "two-sided"
  let summary = "all 2N vectors are rows, each compared with the 2N - 1 others: NT-Xent (SimCLR, ICML 2020)"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    try plan.block(rows: .anchor, columns: .anchor, label: "anchors")
    try plan.block(rows: .positive, columns: .anchor, .base, group: 1, label: "other-side")
    try plan.block(rows: .positive, columns: .positive, group: 1, label: "positives")
  }

  /// Nobody is compared with itself.
  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    for block in [out.firstOwn, out.firstOwn + 2] {
      let bias = try out.bias(block)
      for row in 0..<batch.rows { bias[row, row] += -.infinity }
    }
  }
}
