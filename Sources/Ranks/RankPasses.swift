// One rank's part of a batch on its way: computed here, hidden states to rank 0, their gradients back. Used by
// RankMember and DeviceMember.

import Encoder
import Kernels

/// The passes of one rank, over its encoders: one for each shard of a batch that it computes.
final class RankPasses {
  private let encoders: [any SentenceEncoder]
  private let group: RankGroup
  private let pool: ThreadPool
  private let buffers = RankBuffers()
  private var pass: Pass?

  /// A batch, its shards, and the rows that are here: on rank 0 all of them, where the ranks' come together.
  private struct Pass {
    var batch: RankBatch
    var parts: [Range<Int>]
    var rows: [Matrix]
    var isWhole: Bool
  }

  init(_ encoders: [any SentenceEncoder], group: RankGroup, pool: ThreadPool) {
    (self.encoders, self.group, self.pool) = (encoders, group, pool)
  }

  private var width: Int { encoders[0].hiddenSize }
  /// The numbers of this rank's shards.
  private var own: Range<Int> { group.rank * encoders.count..<(group.rank + 1) * encoders.count }

  /// The rows of this rank in a hidden state.
  private func rows(_ batch: RankBatch, _ parts: [Range<Int>]) -> Range<Int> {
    batch.rows(parts[own.lowerBound].lowerBound..<parts[own.upperBound - 1].upperBound)
  }

  /// Where the first of this rank's rows lies among those that are here.
  private func offset(_ pass: Pass) -> Int { pass.isWhole ? 0 : rows(pass.batch, pass.parts).lowerBound }

  /// Computes this rank's part.
  /// - Parameter whole: on rank 0, where the hidden states of all ranks come together.
  func compute(_ batch: RankBatch, into whole: [Matrix]? = nil) throws {
    let parts = batch.parts(group.size * encoders.count)
    let mine = whole ?? buffers.matrices(batch, rows: rows(batch, parts), width: width)
    let pass = Pass(batch: batch, parts: parts, rows: mine, isWhole: whole != nil)
    self.pass = pass
    for (encoder, part) in zip(encoders, parts[own]) where !part.isEmpty {
      let states = try encoder.forward(batch.batch.part(part), request: batch.request, mode: batch.mode)
      let first = batch.rows(part).lowerBound - offset(pass)
      for (state, target) in zip(states, mine) {
        target.row(first).update(from: state.pointer, count: state.rows * state.columns)
      }
    }
  }

  /// Sends what was computed to rank 0.
  func gather() {
    guard let pass else { preconditionFailure("nothing was computed") }
    let starts = pass.batch.starts(pass.parts, each: encoders.count, width: width)
    pool.profile.measure("ranks/hidden states") {
      for states in pass.rows {
        if pass.isWhole {
          group.gather(nil, into: states.pointer, starts)
        } else {
          group.gather(states.pointer, into: nil, starts)
        }
      }
    }
  }

  /// Gets the gradients of the last batch's hidden states from rank 0.
  /// - Parameter whole: on rank 0, those of all ranks.
  func scatter(_ whole: [Matrix]? = nil) {
    guard var pass, case .training = pass.batch.mode else {
      preconditionFailure("backward needs a forward in training mode")
    }
    let mine = whole ?? buffers.matrices(pass.batch, rows: rows(pass.batch, pass.parts), width: width)
    let starts = pass.batch.starts(pass.parts, each: encoders.count, width: width)
    pool.profile.measure("ranks/hidden states") {
      for gradients in mine {
        if whole == nil {
          group.scatter(nil, into: gradients.pointer, starts)
        } else {
          group.scatter(gradients.pointer, into: nil, starts)
        }
      }
    }
    pass.rows = mine
    self.pass = pass
  }

  /// Calls `body` for each shard that has texts, with its number here and the gradients of its rows.
  /// - Returns: the batch.
  func backward(_ body: (_ shard: Int, _ gradients: [Matrix], _ isLast: Bool) throws -> Void) rethrows -> PackedBatch {
    guard let pass else { preconditionFailure("scatter comes before") }
    self.pass = nil
    let filled = pass.parts[own].enumerated().filter { !$1.isEmpty }
    for (index, (shard, part)) in filled.enumerated() {
      let rows = pass.batch.rows(part)
      let gradients = pass.rows.map {
        Matrix($0.row(rows.lowerBound - offset(pass)), rows: rows.count, columns: width)
      }
      try body(shard, gradients, index == filled.count - 1)
    }
    return pass.batch.batch
  }
}

/// Room for the rows of one rank, by layer; grows to the largest batch.
private final class RankBuffers {
  private var all: [ScratchBuffer] = []

  func matrices(_ batch: RankBatch, rows: Range<Int>, width: Int) -> [Matrix] {
    batch.request.layers.indices.map { index in
      if index == all.count { all.append(ScratchBuffer()) }
      return Matrix(all[index].reserve(rows.count * width), rows: rows.count, columns: width)
    }
  }
}
