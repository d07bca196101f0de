// States: only commit changes them, a failing commit changes nothing, a queue that fills uses fewer columns.

import Glibc
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct StateTests {
  private func bytes(_ states: [StateTensor]) -> [[UInt8]] { states.map { Array($0.bytes) } }

  @Test func queueFillsAndWrapsAround() throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["fifo:size=8"], width: 6, rows: 3, temperature: 0.5)
    var earlier: [[Float]] = []
    for step in 0..<4 {
      let views = makeViews(2, rows: 3, width: 6, seed: UInt64(step))
      let before = bytes(objective.states)
      let report = try objective.evaluate(views, position: StepPosition(step: Int64(step)))
      #expect(bytes(objective.states) == before, "a forward pass changed a state")
      let block = try #require(report.blocks.first { $0.label == "queue" })
      #expect(block.count == 3 * min(3 * step, 8))
      let kept = earlier.suffix(8)
      var loss = 0.0
      for i in 0..<3 {
        let row = (0..<3).map { views[1].values[($0 * 6)..<($0 * 6 + 6)] }.map(Array.init) + kept
        let anchor = NaiveMixCSE.unit(views[0].values[(i * 6)..<(i * 6 + 6)].map(Double.init))
        let logits = row.map { other in
          zip(anchor, NaiveMixCSE.unit(other.map(Double.init))).reduce(0) { $0 + $1.0 * $1.1 } / 0.5
        }
        loss += (logSum(logits) - logits[i]) / 3
      }
      #expect(isClose(report.loss, loss, relative: 2e-6), "step \(step): \(report.loss), expected \(loss)")
      let error = try directionalError(
        views[0].mutable, gradient: Rows(copying: objective.gradient(0)).values
      ) { try objective.evaluate(views, wantsGradients: false).loss }
      #expect(error < GradientTests.bound)
      _ = try objective.evaluate(views, position: StepPosition(step: Int64(step)))
      try objective.commit()
      try objective.commit()  // there is nothing left to commit
      for i in 0..<3 { earlier.append(Array(views[1].values[(i * 6)..<(i * 6 + 6)])) }
    }
  }

  @Test(arguments: ["commit-fails", "commit-nan"])
  func failingCommitRestoresEveryState(mode: String) throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["fifo", "fault:mode=\(mode)"], width: 4, rows: 3)
    _ = try objective.evaluate(makeViews(2, rows: 3, width: 4))
    let before = bytes(objective.states)
    let failure = #expect(throws: PluginFailure.self) { try objective.commit() }
    #expect(bytes(objective.states) == before)
    #expect(failure?.function == .commit)
  }

  @Test func namesShapesAndStarts() throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["fifo:size=4", "fifo:size=2"], width: 5, rows: 3)
    let names = ["plugin.fifo.queue", "plugin.fifo.pushed", "plugin.fifo#2.queue", "plugin.fifo#2.pushed"]
    #expect(objective.states.map(\.name) == names)
    #expect(objective.states[0].shape == [4, 5])
    #expect(objective.states[1].element == .int64 && objective.states[1].bytes.count == 8)
    #expect(objective.states.allSatisfy { $0.bytes.allSatisfy { $0 == 0 } })
  }

  /// More rows than planned for: everything is planned again, and what was learned and remembered stays.
  @Test func planningAgainKeepsStatesAndWeights() throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["fifo:size=4", "mapped"], losses: ["xent"], width: 5, rows: 2)
    _ = try objective.evaluate(makeViews(2, rows: 2, width: 5))
    try objective.commit()
    let states = bytes(objective.states)
    let parameters = objective.parameters
    parameters[0].value[0] = 0.125
    _ = try objective.evaluate(makeViews(2, rows: 7, width: 5))
    #expect(bytes(objective.states) == states)
    #expect(zip(objective.parameters, parameters).allSatisfy { $0 === $1 })
    #expect(objective.parameters[0].value[0] == 0.125)
    #expect(parameters.map(\.name) == ["plugin.mapped.map", "plugin.xent.factor"])
    #expect(parameters[1].decays == false && parameters[1].learningRateMultiplier == 10)
    #expect(Array(parameters[1].values) == [0.8, 0.8])
  }

  @Test func aPlanFollowsTheParameters() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 3, width: 5)
    for (count, columns) in [(2, 6), (5, 15)] {
      let objective = try world.objective(samplers: ["noise:count=\(count)"], width: 5, rows: 3)
      #expect(try objective.evaluate(views).blocks[1].count == columns)
    }
  }

  private func logSum(_ values: [Double]) -> Double {
    let peak = values.max() ?? 0
    return peak + log(values.reduce(0) { $0 + exp($1 - peak) })
  }
}
