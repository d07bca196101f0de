// What the losses of a run make of vectors that a sampler makes up in the middle of its call ("cse.score/1"): the
// logits so far with these vectors as further columns. Made by ContrastiveObjective for one call of one sampler.

import Host
import Kernels

/// One question of a sampler.
struct MadeUpVectors {
  /// Group 0 so far.
  let blocks: [SimilarityBlock]
  let losses: [LossStage]
  /// The batch as each of the losses sees it.
  let batches: [ShownBatch]
  let rows: Int
  let width: Int
  let pool: ThreadPool

  /// The weighted sum of the losses on logits; writes its gradient at `vectors`. Nothing else is written: the blocks
  /// are looked at, their vectors get no gradient.
  /// - Throws: `PluginFailure` of a loss; `ObjectiveError.shape` for vectors of another width.
  func score(_ vectors: Matrix, into gradient: Matrix) throws -> Double {
    guard vectors.columns == width else {
      throw ObjectiveError.shape(
        what: "vectors that a sampler makes up", expected: "\(width) numbers", found: "\(vectors.columns)")
    }
    let planned = PlannedBlock(madeUp: vectors.rows)
    let side = ComparedVectors(
      new: PlannedVectors(count: .shared(perRow: 0, fixed: vectors.rows), isLive: true), index: 0, maxRows: rows,
      width: width)
    side.begin(rows: rows)
    copy(vectors, to: side.raw)
    side.normalise(pool)
    let extra = SimilarityBlock(planned, owner: nil, rows: blocks[0].rows, columns: side, width: width)
    extra.begin(rows: rows, pool)
    let group = SimilarityMatrix(number: 0, blocks: blocks.map(SimilarityBlock.init(sharing:)) + [extra], maxRows: rows)
    group.resume(rows: rows)
    group.computeSimilarities(pool) { _ in true }
    group.finish()
    let work = LogitMatrices(cells: SimilarityMatrix.cells(group.blocks, rows: rows))
    var sum = 0.0
    for (loss, batch) in zip(losses, batches) where loss.instance.scoresLogits {
      group.makeLogits(pool, temperature: loss.temperature, into: work)
      sum += try loss.weight * loss.look(at: group, work, batch: batch, pool)
    }
    extra.propagate(pool, gradient: group.gradient.floats + extra.start, stride: group.stride, rows: rows)
    side.propagate(pool)
    if let found = side.dRaw { copy(found, to: gradient) }
    return sum
  }
}
