// VaSCL's loss: every anchor has a second positive that no text has, itself moved to where its neighbours are hardest
// to tell from it.

import Glibc
import PluginKit

/// With unit anchors `e`, the `k` nearest other anchors `K(i)` of each and `f_i = (e_i + d_i) / |e_i + d_i|`, the mean
/// over all `a` in `{e_i, f_i}` of
///
///     -log exp(e_i f_i / tau) / (exp(e_i f_i / tau) + sum_{j in K(i)} exp(a e_j / tau) + exp(a f_j / tau)).
///
/// `d_i` has the length `radius`. It starts in a random direction, at `start` times that length, and takes `steps`
/// times the direction in which the loss of `f_i` among the `e_j` rises. `K` and `d` are constants to the gradient; it
/// runs through every `e`, by itself and in `f`.
///
/// Meant to be added to the loss on all 2N vectors, with weight 1 (method `vascl`).
///
/// Source: Zhang et al., "Virtual Augmentation Supported Contrastive Learning of Sentence Representations", Findings of
/// ACL 2022, section 3.2; neighbours, ascent and both directions as in the released code. That moves what its head gets
/// and sends this loss's gradient into the head alone; here it is the vectors behind the head that are moved.
final class VaSCL: EmbeddingLoss, ConstantHolding {
  let name = "vascl"
  let summary = """
    each anchor's second positive is itself, moved to where its k nearest are hardest to tell from it (VaSCL, ACL 2022)
    -log exp(e_i f_i / tau) / (exp(e_i f_i / tau) + sum_j exp(a e_j / tau) + exp(a f_j / tau)), a in {e_i, f_i}
    """

  let k = Whole(16, in: "[1,)", log: true, "nearest anchors that are told apart")
  let tau = Real(0.05, in: "(0,)", live: true, log: true, "what cosines are divided by")
  let radius = Real(1, in: "[0,)", live: true, "length of the move; an anchor's is 1")
  let steps = Whole(1, in: "[0,100]", "times that the move takes the direction of the gradient")
  let start = Real(1, in: "[0,1]", "length of the random start, as a share of the radius")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    let bytes = limits.maximumRows * limits.width * MemoryLayout<Float>.stride
    plan.tape(bytes: bytes)
    plan.scratch(bytes: 2 * bytes)
  }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (anchors, rows, tau) = (try batch.unit(0), batch.rows, call[self.tau])
    let neighbours = try nearest(call, anchors, min(call[k], rows - 1))
    let moves = try call.constants(rows: rows, columns: batch.width) { try move($0, call, anchors, neighbours) }
    // The moved anchors, and behind them their gradients.
    let memory = try call.scratch(rows: 2 * rows, columns: batch.width)
    var lengths = [Float](repeating: 0, count: rows)
    for i in 0..<rows {
      memory[i].set(anchors[i])
      memory[i].add(moves[i])
      lengths[i] = max(memory[i].dot(memory[i]).squareRoot(), 1e-8)
      memory[i].scale(by: 1 / lengths[i])
      memory[rows + i].fill(0)
    }
    let gradient = batch.unitGradient(0)
    var loss = 0.0
    let weight = 1 / Double(2 * rows)
    for i in 0..<rows {
      let near = neighbours[i]
      for isMoved in [false, true] {
        let row = isMoved ? memory[i] : anchors[i]
        let positive = anchors[i].dot(memory[i]) / tau
        let others = near.map { row.dot(anchors[$0]) / tau } + near.map { row.dot(memory[$0]) / tau }
        let (logSum, shares) = softmax(positive, others)
        loss += weight * (logSum - Double(positive))
        guard let gradient else { continue }
        // d loss / d similarity, of the positive and of the others.
        let slope = Float(weight) / tau
        gradient[i].add(memory[i], times: slope * (shares[0] - 1))
        memory[rows + i].add(anchors[i], times: slope * (shares[0] - 1))
        for (place, j) in near.enumerated() {
          let (own, moved) = (slope * shares[1 + place], slope * shares[1 + near.count + place])
          let target = isMoved ? memory[rows + i] : gradient[i]
          target.add(anchors[j], times: own)
          target.add(memory[j], times: moved)
          gradient[j].add(row, times: own)
          memory[rows + j].add(row, times: moved)
        }
      }
    }
    guard let gradient else { return loss }
    for i in 0..<rows {
      let (moved, slope) = (memory[i], memory[rows + i])
      let along = moved.dot(slope)
      gradient[i].add(slope, times: 1 / lengths[i])
      gradient[i].add(moved, times: -along / lengths[i])
    }
    return loss
  }

  /// Of each anchor the `count` others that are nearest to it.
  private func nearest(_ call: Call, _ anchors: Matrix, _ count: Int) throws -> [[Int]] {
    var found = [[Int]](repeating: [], count: anchors.rows)
    try found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      try call.parallelFor(anchors.rows, grain: 8) { range in
        for i in range {
          let cosines = (0..<anchors.rows).map { anchors[i].dot(anchors[$0]) }
          let order = (0..<anchors.rows).filter { $0 != i }.sorted { (-cosines[$0], $0) < (-cosines[$1], $1) }
          found[i] = Array(order.prefix(count))
        }
      }
    }
    return found
  }

  /// Writes every anchor's move.
  private func move(_ moves: Matrix, _ call: Call, _ anchors: Matrix, _ neighbours: [[Int]]) throws {
    let (radius, start, tau, steps, width) = (call[radius], call[start], call[tau], call[steps], moves.columns)
    for i in 0..<moves.rows {
      try call.random(.normal, offset: i * width, into: moves[i].pointer, count: width)
    }
    let memory = try call.scratch(rows: 2 * moves.rows, columns: width)
    try call.parallelFor(moves.rows, grain: 8) { range in
      for i in range {
        let (moved, slope) = (memory[i], memory[moves.rows + i])
        setLength(moves[i], start * radius)
        for _ in 0..<steps {
          moved.set(anchors[i])
          moved.add(moves[i])
          setLength(moved, 1)
          let near = neighbours[i]
          let shares = softmax(anchors[i].dot(moved) / tau, near.map { anchors[$0].dot(moved) / tau }).shares
          slope.fill(0)
          slope.add(anchors[i], times: shares[0] - 1)
          for (place, j) in near.enumerated() { slope.add(anchors[j], times: shares[1 + place]) }
          slope.add(moved, times: -slope.dot(moved))
          if setLength(slope, radius) { moves[i].set(slope) }
        }
      }
    }
  }
}

/// Makes a vector as long as `length`; false where it has no direction.
@discardableResult private func setLength(_ vector: Vector, _ length: Float) -> Bool {
  let found = vector.dot(vector).squareRoot()
  guard found > 0 else { return false }
  vector.scale(by: length / found)
  return true
}

/// The logarithm of the sum of exponentials, and each one's share of it, the first of `first`.
private func softmax(_ first: Float, _ others: [Float]) -> (logSum: Double, shares: [Float]) {
  let values = [first] + others
  let peak = values.max() ?? first
  let powers = values.map { exp($0 - peak) }
  let sum = powers.reduce(0) { $0 + Double($1) }
  return (log(sum) + Double(peak), powers.map { Float(Double($0) / sum) })
}
