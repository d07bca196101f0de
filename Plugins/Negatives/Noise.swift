// Gaussian noise as negatives.

import PluginKit

/// `count` vectors of standard normal numbers, drawn anew for each batch, join the candidates of every anchor.
///
/// They smooth the distribution that anchors are pushed away from. Cosine makes their length of no account.
///
/// Source: Wu et al., "Smoothed Contrastive Learning for Unsupervised Sentence Embedding" (GS-InfoNCE), COLING 2022,
/// equation 4.
final class Noise: Sampler {
  let name = "gaussian-noise"
  let summary = "vectors of Gaussian noise join the negatives (GS-InfoNCE, COLING 2022)"

  let count = Whole(64, in: "[1,65536]", log: true, "noise vectors of a batch")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.block(rows: .anchor, columns: .new(0), .detachColumns, fixed: call[count], label: "noise")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let noise = try out.vectors(0)
    for row in 0..<noise.rows {
      try call.random(.normal, offset: row * noise.columns, into: noise[row].pointer, count: noise.columns)
    }
  }
}
