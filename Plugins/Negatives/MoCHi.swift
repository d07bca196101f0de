// Mixing of contrastive hard negatives, in-batch.

import Glibc
import PluginKit

/// For each anchor, of its `hardest` nearest in-batch negatives `n` (unit vectors):
/// `mixed` vectors `a n_j + (1 - a) n_k` with `a` from [0, 1), and `with_anchor` vectors `b u_i + (1 - b) n_j` with `b`
/// from [0, 0.5), of unit length, as candidates of that row alone. No gradient flows into them.
///
/// Source: Kalantidis et al., "Hard Negative Mixing for Contrastive Learning", NeurIPS 2020, equations 4 and 5; there
/// negatives come from a queue.
final class MoCHi: Sampler {
  let name = "mochi"
  let summary = """
    hard negatives mixed with each other and with the anchor (MoCHi, NeurIPS 2020)
    a n_j + (1 - a) n_k, and b u + (1 - b) n_j with b below 1/2, of the nearest negatives of each row
    """

  let hardest = Whole(16, in: "[1,)", log: true, "nearest negatives that are mixed")
  let mixed = Whole(16, in: "[0,1024]", "mixtures of two negatives, for each row")
  let withAnchor = Whole(8, in: "[0,1024]", "mixtures of the anchor and a negative, for each row")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let count = call[mixed] + call[withAnchor]
    if count == 0 { throw PluginError.invalid("mochi without mixtures: mixed and with_anchor are both 0") }
    plan.editCells()
    try plan.block(
      rows: .anchor, columns: .new(0), [.detachColumns, .perRow], perRow: count, label: "mixed")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (anchors, positives) = try (batch.unit(0), batch.unit(1))
    let (similarity, bias) = try (out.similarities(0), out.bias(out.firstOwn))
    let count = call[mixed] + call[withAnchor]
    var numbers = [Float](repeating: 0, count: 3 * count)
    for row in 0..<batch.rows {
      let mixtures = try out.vectors(0, of: row)
      let nearest = (0..<batch.rows).filter { $0 != row }.nearestFirst(similarity[row]).prefix(call[hardest])
      guard !nearest.isEmpty else {
        // A batch of one row has no negatives to mix.
        for k in 0..<count {
          mixtures[k].fill(0)
          bias[row, k] += -.infinity
        }
        continue
      }
      try call.random(.uniform, offset: row * 3 * count, into: &numbers, count: 3 * count)
      func drawn(_ number: Float) -> Vector {
        positives[nearest[min(Int(number * Float(nearest.count)), nearest.count - 1)]]
      }
      for k in 0..<count {
        let (first, second, share) = (numbers[3 * k], numbers[3 * k + 1], numbers[3 * k + 2])
        let vector = mixtures[k]
        if k < call[mixed] {
          vector.setMix(drawn(first), drawn(second), share: share)
        } else {
          vector.setMix(anchors[row], drawn(first), share: share / 2)
        }
        let length = sqrtf(vector.dot(vector))
        if length > 0 { vector.scale(by: 1 / length) }
      }
    }
  }
}
