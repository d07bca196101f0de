// What the moving average of the encoder is for: positives that move slowly.

import PluginKit

/// The positives are those of the encoder's moving average, and no gradient flows into them: every anchor is compared
/// with the average's encodings of all positives.
///
/// Source: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020, algorithm 1;
/// with its queue: `momentum queue:by=average`, each with the same decay.
final class Momentum: Sampler {
  let name = "momentum"
  let summary = "the positives as the encoder's moving average has them (MoCo, CVPR 2020)"

  let decay = Real(0.999, in: "[0,1]", "average = decay * average + (1 - decay) * weights after each step")
  let dropout = Flag(true, "the average's passes have the run's dropout; without it they have none")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.encode(view: 1, by: .average(decay: call[decay], dropout: call[dropout] ? nil : 0))
    try plan.block(rows: .anchor, columns: .encoding(0), [.base, .detachColumns], label: "momentum")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {}
}

/// In-batch negatives are encoded without dropout, in a pass of their own that gets no gradient; positives stay.
///
/// Dropout makes positives differ, which is wanted; of negatives it blurs what sets them apart.
///
/// Source: Xu et al., "SimCSE++: Improving Contrastive Learning for Sentence Embeddings from Two Perspectives", EMNLP
/// 2023, section 3.
final class OffDropout: Sampler {
  let name = "off-dropout"
  let summary = "in-batch negatives are encoded without dropout (SimCSE++, EMNLP 2023)"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    try plan.encode(view: 1, by: .own(dropout: 0))
    try plan.block(rows: .anchor, columns: .encoding(0), .detachColumns, label: "off-dropout")
  }

  /// The base keeps its positives only, the new block everything else.
  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (base, negatives) = try (out.bias(0), out.bias(out.firstOwn))
    for row in 0..<batch.rows {
      for column in 0..<batch.rows where column != row { base[row, column] += -.infinity }
      negatives[row, row] += -.infinity
    }
  }
}
