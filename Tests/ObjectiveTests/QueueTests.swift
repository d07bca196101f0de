// The samplers that remember earlier batches, against a list of them in float64: what is kept when the ring wraps
// around and when a batch is smaller, the warm-up, neighbours of each row, and states as all there is to go on from.

import Glibc
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct QueueTests {
  private static let (rows, width, temperature) = (4, 6, 0.4)

  /// What a sampler that remembers should do, with everything it ever saw at hand.
  struct Case: Sendable, CustomStringConvertible {
    let sampler: String
    let size: Int
    var k: Int?
    var view = 1
    var warmup = 0
    var description: String { sampler }
  }

  static let cases = [
    Case(sampler: "queue:size=7", size: 7), Case(sampler: "queue:size=1", size: 1),
    Case(sampler: "queue:size=7,view=anchor", size: 7, view: 0),
    Case(sampler: "queue:size=3,warmup=3", size: 3, warmup: 3), Case(sampler: "queue", size: 160),
    Case(sampler: "cross-batch:size=9,k=2", size: 9, k: 2), Case(sampler: "cross-batch:size=9,k=20", size: 9, k: 9),
    Case(sampler: "cross-batch:size=11,k=3,view=anchor,warmup=2", size: 11, k: 3, view: 0, warmup: 2),
    Case(sampler: "cross-batch", size: 1024, k: 16),
  ]

  private static func units(_ rows: Rows) -> [[Double]] {
    (0..<rows.rows).map { i in NaiveMixCSE.unit((0..<rows.width).map { Double(rows[i, $0]) }) }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  /// The mean cross-entropy of each anchor against the positives and what is remembered of `earlier` batches.
  private static func expected(_ item: Case, _ views: [Rows], _ earlier: [[Double]], step: Int) -> (Double, Int) {
    let (anchors, positives) = (units(views[0]), units(views[1]))
    let kept = step < item.warmup ? [] : Array(earlier.suffix(item.size))
    var (loss, cells) = (0.0, 0)
    for (i, anchor) in anchors.enumerated() {
      var cosines = kept.map { dot(anchor, $0) }
      if let k = item.k { cosines = Array(cosines.sorted(by: >).prefix(k)) }
      cells += cosines.count
      let logits = (positives.map { dot(anchor, $0) } + cosines).map { $0 / temperature }
      loss += (log(logits.reduce(0) { $0 + exp($1) }) - logits[i]) / Double(anchors.count)
    }
    return (loss, cells)
  }

  /// Batches of four rows and of fewer.
  private static func batch(_ step: Int) -> [Rows] {
    makeViews(2, rows: step % 3 == 1 ? 1 + step % 2 : rows, width: width, seed: UInt64(step))
  }

  @Test(arguments: cases) func remembersEarlierBatches(_ item: Case) throws {
    let world = try TestWorld()
    func objective() throws -> EmbeddingObjective {
      try world.objective(
        samplers: [item.sampler], width: Self.width, rows: Self.rows, temperature: Self.temperature)
    }
    var current = try objective()
    var earlier: [[Double]] = []
    for step in 0..<8 {
      let views = Self.batch(step)
      let position = StepPosition(step: Int64(step))
      let (loss, cells) = Self.expected(item, views, earlier, step: step)
      let report = try current.evaluate(views, position: position)
      #expect(isClose(report.loss, loss, relative: 3e-6), "step \(step): \(report.loss), expected \(loss)")
      #expect(report.blocks[1].count == cells, "step \(step): \(report.blocks[1].count), expected \(cells)")
      let gradients = (0..<2).map { Rows(copying: current.gradient($0)).values }
      for view in 0..<2 {
        let error = try directionalError(views[view].mutable, gradient: gradients[view]) {
          try current.evaluate(views, position: position, wantsGradients: false).loss
        }
        #expect(error < GradientTests.bound, "step \(step), z\(view + 1): \(error)")
      }
      let before = current.states.map { Array($0.bytes) }
      #expect(try current.evaluate(views, position: position).loss == report.loss)
      #expect(current.states.map { Array($0.bytes) } == before, "a forward pass changed a state")
      try current.commit()
      earlier += Self.units(views[item.view])
      #expect(current.states[1].bytes.load(as: Int64.self) == Int64(earlier.count))
      // From here on with another one that got nothing but the states.
      if step == 4 {
        let other = try objective()
        for (from, to) in zip(current.states, other.states) {
          to.bytes.copyMemory(from: UnsafeRawBufferPointer(from.bytes))
        }
        current = other
      }
    }
  }

  /// A batch writes its own rows and no others, so that a long queue costs no more to keep than a short one.
  @Test(arguments: ["queue:size=50", "cross-batch:size=50"]) func onlyTheBatchesRowsAreWritten(sampler: String) throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: [sampler], width: Self.width, rows: Self.rows)
    #expect(objective.states[0].shape == [50, Self.width] && objective.states[1].element == .int64)
    for step in 0..<2 {
      _ = try objective.evaluate(makeViews(2, rows: Self.rows, width: Self.width, seed: UInt64(step)))
      let before = Array(objective.states[0].bytes.bindMemory(to: Float.self))
      try objective.commit()
      let after = Array(objective.states[0].bytes.bindMemory(to: Float.self))
      let written = Self.rows * Self.width
      #expect(before.indices.allSatisfy { before[$0] == after[$0] || $0 / written == step })
      #expect((step * written..<(step + 1) * written).allSatisfy { before[$0] != after[$0] })
    }
  }

  /// They join what other samplers bring, two of a kind among them.
  @Test func queuesJoin() throws {
    let world = try TestWorld()
    let objective = try world.objective(
      samplers: ["queue:size=8", "queue:size=3", "cross-batch:size=8,k=2", "hardest:k=2"], width: 6, rows: 4)
    for step in 0..<3 {
      let report = try objective.evaluate(
        makeViews(2, rows: 4, width: 6, seed: UInt64(step)), position: StepPosition(step: Int64(step)))
      let filled = min(4 * step, 8)
      #expect(report.blocks.map(\.count) == [8, 4 * filled, 4 * min(filled, 3), 4 * min(filled, 2)])
      try objective.commit()
    }
  }
}
