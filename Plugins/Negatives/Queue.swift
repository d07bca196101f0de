// A queue: the vectors of earlier batches as negatives.

import PluginKit

/// The last `size` positives (or anchors) of earlier batches join the candidates of every anchor. No gradient flows
/// into them.
///
/// They were made by the encoder as it was then: before it moves slowly they say little, hence `warmup`. With
/// `by=average` they are made by its moving average, which always moves slowly, at the price of its pass.
///
/// Source: the queue of He et al., "Momentum Contrast", CVPR 2020, and of Wu et al., "ESimCSE", COLING 2022, section
/// 3.2, whose size, decay and lack of dropout are the defaults; by the encoder itself as Wang et al., "Cross-Batch
/// Memory", CVPR 2020, who wait with using it.
final class Queue: Sampler, Stateful {
  let name = "queue"
  let summary = "the vectors of earlier batches join the negatives (MoCo, CVPR 2020; ESimCSE, COLING 2022)"

  let size = Whole(160, in: "[1,)", log: true, "vectors kept")
  let warmup = Whole(0, in: "[0,)", "optimiser steps before they are used; the queue fills meanwhile")
  let view = Choice(Ring.View.positive, "whose vectors are kept")
  let by = Choice(Maker.encoder, "what makes them: the trained encoder, or its moving average")
  let decay = Real(0.995, in: "[0,1]", "by=average: average = decay * average + (1 - decay) * weights after each step")
  let dropout = Flag(false, "by=average: the average's passes have the run's dropout")

  enum Maker: Int64, CaseIterable {
    case encoder, average
  }

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    if call[by] == .average {
      try plan.encode(view: call[view].index, by: .average(decay: call[decay], dropout: call[dropout] ? nil : 0))
    }
    try Ring.declare(plan, size: call[size], width: limits.width)
    try plan.block(rows: .anchor, columns: .state(Ring.vectors), .detachColumns, label: "queue")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    out.setColumns(out.firstOwn, call.step < call[warmup] ? 0 : try Ring.filled(call))
  }

  func commit(_ call: Call, _ batch: Batch?) throws {
    guard let batch else { return }
    try Ring.push(call[by] == .average ? batch.encoding(0) : batch.unit(call[view].index), call)
  }
}
