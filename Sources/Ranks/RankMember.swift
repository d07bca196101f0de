// What every rank does at a command with this program's own encoder: its part of a batch forward and backward. Rank 0
// calls it beside giving the command, the others on hearing it.

import Encoder
import Kernels

/// One rank with its copies of the encoder: one for each shard of a batch that it computes.
final class RankMember: RankWork {
  let encoder: TransformerEncoder
  /// Made for the first gradient: who only reads has none.
  private(set) lazy var weights = RankedWeights(
    encoders.map(\.parameters), sets: encoder.layerParameters, group: group, pool: encoder.pool)
  private let group: RankGroup
  private let encoders: [TransformerEncoder]
  private let passes: RankPasses

  /// - Parameter shards: into how many parts a batch is cut, a multiple of the group's size.
  init(_ encoder: TransformerEncoder, shards: Int, group: RankGroup) {
    (self.encoder, self.group) = (encoder, group)
    let more = max(shards / group.size, 1) - 1
    encoders = [encoder] + (0..<more).map { _ in TransformerEncoder(sharing: encoder) }
    passes = RankPasses(encoders, group: group, pool: encoder.pool)
  }

  var pool: ThreadPool { encoder.pool }
  var tensors: [Parameter] { encoder.parameters }

  func forward(_ batch: RankBatch) throws { try forward(batch, into: nil) }

  /// - Parameter whole: on rank 0, where the hidden states of all ranks come together.
  func forward(_ batch: RankBatch, into whole: [Matrix]?) throws {
    try passes.compute(batch, into: whole)
    passes.gather()
  }

  func backward(isLast: Bool) throws { try backward(nil, isLast: isLast) }

  /// - Parameters:
  ///   - whole: on rank 0, the gradients of all hidden states.
  ///   - isLast: none will be added before the sum: those of a layer may leave while layers below are computed.
  func backward(_ whole: [Matrix]?, isLast: Bool) throws {
    passes.scatter(whole)
    let leavesEarly = isLast && group.carries
    let batch = try passes.backward { shard, gradients, isLastShard in
      let leaves = leavesEarly && isLastShard
      try encoders[shard].backward(gradients, whenFinished: leaves ? { self.weights.send(from: $0) } : nil)
    }
    weights.occurred(batch.tokens)
    // Who has no texts sends here, too.
    if leavesEarly { weights.sendRest() }
  }

  func sum(wholeTable: Bool) { _ = weights.sum(wholeTable: wholeTable) }
  func step(_ step: DeviceStep) { weights.step(step) }
  func clear() { weights.clear() }
  func read(_ part: DevicePart) { _ = weights.gather(part) }

  func set(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) {
    guard part == .value else { return weights.set(part, of: index, from: source) }
    let parameter = encoder.parameters[index]
    if source != UnsafePointer(parameter.value) { parameter.value.update(from: source, count: parameter.count) }
  }
}
