// A training step on vectors pooled before: the same numbers as with the poolers in between, for everything above them.

import Host
import Kernels
import Objective
import TestSupport
import Testing

struct FrozenStepTests {
  private let width = 6

  private func model(_ world: TestWorld, head: HeadKind, pooler: String) throws -> ContrastiveModel {
    let strategy = try world.strategy(samplers: ["mapped", "noise", "fifo:size=4"], losses: ["xent", "infonce"])
    var configuration = ObjectiveConfiguration(strategy: strategy)
    configuration.learnTemperature = true
    return try ContrastiveModel(
      configuration, pooler: Pooler(parsing: pooler, in: world.registry), head: head, hiddenWidth: width, layerCount: 3,
      maxRows: 4,
      maxTokens: 64, views: 2, services: world.services)
  }

  @Test(arguments: [("cls", HeadKind.mlp), ("avg", .mlp), ("avg", .none)])
  func gradientsAboveThePoolersAreTheSame(pooler: String, head: HeadKind) throws {
    let world = try TestWorld()
    let whole = try model(world, head: head, pooler: pooler)
    let frozen = try model(world, head: head, pooler: pooler)
    for (step, rows) in [4, 7, 1].enumerated() {
      let batch = HiddenStates(whole.layerRequest, rows: rows, views: 2, width: width, seed: UInt64(step))
      let pooled = Rows(2 * rows, width)
      let expected = try batch.step(whole, step: Int64(step), lossScale: 0.5)
      let found = try withExtendedLifetime((batch.layers, pooled)) {
        let position = StepPosition(step: Int64(step))
        try frozen.pool(batch.batch, hidden: batch.layers.map(\.matrix), at: position, into: pooled.matrix)
        return try frozen.trainStep(batch.batch, pooled: pooled.matrix, at: position, lossScale: 0.5)
      }
      #expect(found.loss == expected.loss && found.gradientNorms == expected.gradientNorms)
      try whole.commit()
      try frozen.commit()
    }
    #expect(frozen.parameters.map(\.name) == whole.parameters.map(\.name))
    #expect(frozen.parameters.map(\.gradients) == whole.parameters.map(\.gradients))
    #expect(frozen.parameters.contains { $0.gradients.contains { $0 != 0 } })
    #expect(frozen.states.map { Array($0.bytes) } == whole.states.map { Array($0.bytes) })
  }

  @Test func vectorsThatDoNotFit() throws {
    let world = try TestWorld()
    let model = try model(world, head: .mlp, pooler: "cls")
    let odd = Rows(7, width)
    let batch = HiddenStates(model.layerRequest, rows: 3, views: 2, width: width).batch
    #expect(throws: ObjectiveError.self) {
      try withExtendedLifetime(odd) {
        try model.trainStep(batch, pooled: odd.matrix, at: StepPosition())
      }
    }
  }
}
