// What every rank does at a command: its part of a batch forward and backward. Rank 0 calls it beside giving the
// command, the others on hearing it.

import Encoder
import Kernels

/// One rank with its copies of the encoder: one for each shard of a batch that it computes.
final class RankMember {
  let encoder: TransformerEncoder
  /// Made for the first gradient: who only reads has none.
  private(set) lazy var weights = RankedWeights(
    encoders.map(\.parameters), sets: encoder.layerParameters, group: group, pool: encoder.pool)
  private let group: RankGroup
  private let encoders: [TransformerEncoder]
  /// The batch that backward is about, and its shards.
  private var current: (batch: RankBatch, parts: [Range<Int>])?
  private let buffers = RankBuffers()

  /// - Parameter shards: into how many parts a batch is cut, a multiple of the group's size.
  init(_ encoder: TransformerEncoder, shards: Int, group: RankGroup) {
    (self.encoder, self.group) = (encoder, group)
    let more = max(shards / group.size, 1) - 1
    encoders = [encoder] + (0..<more).map { _ in TransformerEncoder(sharing: encoder) }
  }

  /// Takes a part of a tensor over: `source` holds all of it.
  func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) {
    guard part == .value else { return weights.set(part, of: index, from: source) }
    let parameter = encoder.parameters[index]
    if source != UnsafePointer(parameter.value) { parameter.value.update(from: source, count: parameter.count) }
  }

  /// The numbers of this rank's shards.
  private var own: Range<Int> { group.rank * encoders.count..<(group.rank + 1) * encoders.count }

  /// Computes this rank's part.
  /// - Parameter whole: on rank 0, where the hidden states of all ranks come together.
  func forward(_ batch: RankBatch, into whole: [Matrix]? = nil) throws {
    let parts = batch.parts(group.size * encoders.count)
    current = nil
    let mine = whole ?? buffers.matrices(batch, rows: rows(batch, parts), width: encoder.hiddenSize)
    for (encoder, part) in zip(encoders, parts[own]) where !part.isEmpty {
      let states = try encoder.forward(batch.batch.part(part), request: batch.request, mode: batch.mode)
      let first = batch.rows(part).lowerBound - (whole == nil ? rows(batch, parts).lowerBound : 0)
      for (state, target) in zip(states, mine) {
        target.row(first).update(from: state.pointer, count: state.rows * state.columns)
      }
    }
    if case .training = batch.mode { current = (batch, parts) }
    let starts = batch.starts(parts, each: encoders.count, width: encoder.hiddenSize)
    encoder.pool.profile.measure("ranks/hidden states") {
      for states in mine {
        if whole == nil {
          group.gather(states.pointer, into: nil, starts)
        } else {
          group.gather(nil, into: states.pointer, starts)
        }
      }
    }
  }

  /// The rows of this rank in a hidden state.
  private func rows(_ batch: RankBatch, _ parts: [Range<Int>]) -> Range<Int> {
    batch.rows(parts[own.lowerBound].lowerBound..<parts[own.upperBound - 1].upperBound)
  }

  /// Adds this rank's gradients of the last batch.
  /// - Parameters:
  ///   - whole: on rank 0, the gradients of all hidden states.
  ///   - isLast: none will be added before the sum: those of a layer may leave while layers below are computed.
  func backward(_ whole: [Matrix]? = nil, isLast: Bool) throws {
    guard let (batch, parts) = current else { preconditionFailure("backward needs a forward in training mode") }
    current = nil
    let width = encoder.hiddenSize
    let starts = batch.starts(parts, each: encoders.count, width: width)
    let mine = whole ?? buffers.matrices(batch, rows: rows(batch, parts), width: width)
    encoder.pool.profile.measure("ranks/hidden states") {
      for gradients in mine {
        if whole == nil {
          group.scatter(nil, into: gradients.pointer, starts)
        } else {
          group.scatter(gradients.pointer, into: nil, starts)
        }
      }
    }
    let offset = whole == nil ? rows(batch, parts).lowerBound : 0
    let leavesEarly = isLast && group.carries
    let filled = zip(encoders, parts[own]).filter { !$1.isEmpty }
    for (shard, (encoder, part)) in filled.enumerated() {
      let rows = batch.rows(part)
      let leaves = leavesEarly && shard == filled.count - 1
      try encoder.backward(
        mine.map { Matrix($0.row(rows.lowerBound - offset), rows: rows.count, columns: width) },
        whenFinished: leaves ? { self.weights.send(from: $0) } : nil)
    }
    weights.occurred(batch.batch.tokens)
    // Who has no texts sends here, too.
    if leavesEarly { weights.sendRest() }
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
