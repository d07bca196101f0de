// Neighbours from earlier batches: of a long queue each row takes what is nearest to it.

import PluginKit

/// Of the last `size` positives (or anchors) of earlier batches, the `k` nearest to an anchor are candidates of that
/// anchor alone. No gradient flows into them.
///
/// A queue of thousands holds negatives that no batch has, most of them easy: only the hard ones are compared, so the
/// softmax is not made of the others, and memory goes with `k`.
///
/// Source: the memory of Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020, with hard negatives mined
/// in it; size and k as in the buffer of He et al., "Instance Smoothed Contrastive Learning", AAAI 2023, who mix its
/// neighbours into positives instead.
final class CrossBatch: Sampler, Stateful {
  let name = "cross-batch"
  let summary = "of the vectors of earlier batches, each anchor's k nearest are its negatives (after XBM, CVPR 2020)"

  let size = Whole(1024, in: "[1,)", log: true, "vectors kept")
  let k = Whole(16, in: "[1,65536]", log: true, "nearest ones that each anchor is compared with")
  let warmup = Whole(0, in: "[0,)", "optimiser steps before they are used; the queue fills meanwhile")
  let view = Choice(Ring.View.positive, "whose vectors are kept")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try Ring.declare(plan, size: call[size], width: limits.width)
    try plan.block(
      rows: .anchor, columns: .new(0), [.detachColumns, .perRow], perRow: min(call[k], call[size]),
      label: "cross-batch")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (anchors, ring) = try (batch.unit(0), call.state(Ring.vectors))
    let filled = call.step < call[warmup] ? 0 : try Ring.filled(call)
    let count = min(call[k], filled)
    out.setColumns(out.firstOwn, count)
    let neighbours = try (0..<batch.rows).map { try out.vectors(0, of: $0) }
    try call.parallelFor(batch.rows, grain: 1) { rows in
      for row in rows {
        let cosines = (0..<filled).map { anchors[row].dot(ring[$0]) }
        let best = nearest(count, cosines)
        for place in 0..<neighbours[row].rows {
          if place < count { neighbours[row][place].set(ring[best[place]]) } else { neighbours[row][place].fill(0) }
        }
      }
    }
  }

  func commit(_ call: Call, _ batch: Batch?) throws {
    if let batch { try Ring.push(batch.unit(call[view].index), call) }
  }

  /// The positions of the `count` largest numbers, falling, equal ones in their order; a scan, since few of many are
  /// wanted.
  private func nearest(_ count: Int, _ cosines: [Float]) -> [Int] {
    var best: [Int] = []
    best.reserveCapacity(count + 1)
    for (index, cosine) in cosines.enumerated() {
      if best.count == count {
        guard let last = best.last, cosine > cosines[last] else { continue }
        best.removeLast()
      }
      let place = best.lastIndex { cosines[$0] >= cosine }.map { $0 + 1 } ?? 0
      best.insert(index, at: place)
    }
    return best
  }
}
