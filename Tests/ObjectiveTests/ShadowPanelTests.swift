// Shadows: their numbers against the objective on the same embeddings and against a plain computation, and that the
// leader never notices them.

import Glibc
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct ShadowPanelTests {
  private let width = 6

  /// Lines said, collected.
  private final class Lines {
    var all: [String] = []
  }

  private func model(
    _ world: TestWorld, leader: ([String], [String]), shadows: [(String, [String], [String])] = [],
    temperature: Double? = nil, head: HeadKind = .none, maxRows: Int = 5, lines: Lines = Lines()
  ) throws -> ContrastiveModel {
    let strategy = try world.strategy(samplers: leader.0, losses: leader.1)
    return try ContrastiveModel(
      ObjectiveConfiguration(strategy: strategy, temperature: temperature),
      pooler: Pooler(parsing: "avg", in: world.registry),
      head: head, hiddenWidth: width, layerCount: 3, maxRows: maxRows, maxTokens: 64, views: 2,
      services: world.services,
      shadows: shadows.map { ShadowStrategy(label: $0.0, strategy: try world.strategy(samplers: $0.1, losses: $0.2)) },
      say: { lines.all.append($0) })
  }

  private func batch(_ model: ContrastiveModel, rows: Int = 5, seed: UInt64 = 5) -> HiddenStates {
    HiddenStates(model.layerRequest, rows: rows, views: 2, width: width, seed: seed)
  }

  private func value(_ report: StepReport, _ name: String) throws -> Double {
    try #require(report.metrics.first { $0.name == name }?.value, "\(name) of \(report.metrics.map(\.name))")
  }

  /// The views the model compares: without a head and with pooler avg, what `embed` gives.
  private func views(_ model: ContrastiveModel, _ batch: HiddenStates) throws -> [Rows] {
    let rows = try batch.embed(model.pooling).map { $0.map(Double.init) }
    return [Rows(Array(rows[..<batch.rows])), Rows(Array(rows[batch.rows...]))]
  }

  private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    return product(a, b) / (product(a, a) * product(b, b)).squareRoot()
  }

  @Test(arguments: [1.0, 0.25])
  func theLeaderAsItsOwnShadow(lossScale: Double) throws {
    let world = try TestWorld()
    let strategy = (["mixcse:lambda=0.4", "fifo:size=4"], ["infonce", "0.5*xent"])
    let model = try model(world, leader: strategy, shadows: [("same", strategy.0, strategy.1)])
    for step in 0..<3 {
      let report = try batch(model, seed: UInt64(step)).step(model, step: Int64(step), lossScale: lossScale)
      #expect(try value(report, "shadow.same.loss") == report.loss)
      #expect(abs(try value(report, "shadow.same.cosine") - 1) < 1e-6)
      let norm = try value(report, "shadow.same.gradNorm")
      #expect(isClose(norm, try value(report, "embeddingGradNorm"), relative: 1e-6))
      let views = report.gradientNorms.reduce(0) { $0 + $1 * $1 }.squareRoot() / lossScale
      #expect(isClose(norm, views, relative: 1e-6) && norm > 0)
      try model.commit()
    }
  }

  @Test func numbersAreThoseOfTheObjectiveOnTheSameEmbeddings() throws {
    let world = try TestWorld()
    let (samplers, losses) = (["mixcse:lambda=0.3", "fifo:size=4"], ["infonce:temperature=0.2"])
    let model = try model(world, leader: ([], ["infonce"]), shadows: [("other", samplers, losses)])
    let alone = try world.objective(samplers: samplers, losses: losses, width: width, rows: 5)
    let leader = try world.objective(width: width, rows: 5)
    for (step, rows) in [5, 3, 5].enumerated() {
      let batch = batch(model, rows: rows, seed: UInt64(step))
      let report = try batch.step(model)
      try model.commit()
      let z = try views(model, batch)
      let position = StepPosition(step: 3)
      let expected = try alone.evaluate(z, position: position)
      let base = try leader.evaluate(z, position: position)
      #expect(isClose(report.loss, base.loss, relative: 1e-6))
      #expect(isClose(try value(report, "shadow.other.loss"), expected.loss, relative: 1e-6))
      func gradient(_ objective: EmbeddingObjective) -> [Double] {
        (0..<2).flatMap { Rows(copying: objective.gradient($0)).values }.map(Double.init)
      }
      let (own, other) = (gradient(alone), gradient(leader))
      let norm = own.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(isClose(try value(report, "shadow.other.gradNorm"), norm, relative: 1e-5))
      #expect(isClose(try value(report, "shadow.other.cosine"), cosine(own, other), absolute: 1e-5))
      try alone.commit()
    }
  }

  /// MixCSE's and SimCSE's gradients by central differences of plain double-precision losses.
  @Test func cosineOfMixCSEAndSimCSEIsThePlainOne() throws {
    let world = try TestWorld()
    let model = try model(
      world, leader: (["mixcse:lambda=0.3"], ["infonce"]), shadows: [("simcse", [], ["infonce"])], temperature: 0.5)
    let batch = batch(model)
    let report = try batch.step(model)
    let z = try views(model, batch).map { view in
      (0..<view.rows).map { i in (0..<width).map { Double(view[i, $0]) } }
    }
    let mixed = NaiveMixCSE(temperature: 0.5, lambda: 0.3).gradients(z[0], z[1])
    var plain: [Double] = []
    for view in 0..<2 {
      for i in z[view].indices {
        for k in 0..<width {
          var (above, below) = (z, z)
          above[view][i][k] += 1e-6
          below[view][i][k] -= 1e-6
          plain.append((plainSimCSE(above) - plainSimCSE(below)) / 2e-6)
        }
      }
    }
    let expected = cosine(Array((mixed.0 + mixed.1).joined()), plain)
    #expect(expected > 0.1 && expected < 0.99, "\(expected): the two should differ")
    #expect(isClose(try value(report, "shadow.simcse.cosine"), expected, absolute: 1e-5))
    #expect(isClose(try value(report, "shadow.simcse.loss"), plainSimCSE(z), relative: 1e-5))
  }

  private func plainSimCSE(_ z: [[[Double]]]) -> Double {
    let units = z.map { $0.map(NaiveMixCSE.unit) }
    return units[0].indices.reduce(0) { sum, i in
      let logits = units[1].map { other in zip(units[0][i], other).reduce(0) { $0 + $1.0 * $1.1 } / 0.5 }
      return sum + (log(logits.reduce(0) { $0 + exp($1) }) - logits[i]) / Double(units[0].count)
    }
  }

  /// Bit for bit: gradients, metrics and states with random, remembering, learning and failing shadows.
  @Test func theLeaderDoesNotNotice() throws {
    let world = try TestWorld()
    let leader = (["noise:count=3", "fifo:size=4", "mapped"], ["xent"])
    let shadows = [
      ("a", ["noise:count=3", "fifo:size=7"], ["infonce"]), ("b", leader.0, leader.1),
      ("c", ["fault:mode=nan-vector"], ["infonce"]), ("d", ["fault:mode=commit-fails"], ["infonce"]),
    ]
    let alone = try model(world, leader: leader, head: .mlp)
    let watched = try model(world, leader: leader, shadows: shadows, head: .mlp)
    for (step, rows) in [3, 5, 9, 2].enumerated() {
      let batches = [alone, watched].map { batch($0, rows: rows, seed: UInt64(step)) }
      let first = try batches[0].step(alone, step: Int64(step))
      let second = try batches[1].step(watched, step: Int64(step))
      try alone.commit()
      try watched.commit()
      #expect(first.loss == second.loss)
      for (a, b) in zip(batches[0].gradients, batches[1].gradients) { #expect(a.values == b.values) }
      let shown = second.metrics.filter { !$0.name.hasPrefix("shadow.") && $0.name != "embeddingGradNorm" }
      #expect(shown.map(\.name) == first.metrics.map(\.name) && shown.map(\.value) == first.metrics.map(\.value))
      #expect(try value(second, "shadow.a.loss") != value(second, "shadow.b.loss"))
      #expect(try value(second, "shadow.b.loss") != second.loss, "its noise comes from a stream of its own")
    }
    #expect(alone.parameters.map(\.name) == watched.parameters.map(\.name))
    #expect(alone.parameters.map(\.gradients) == watched.parameters.map(\.gradients))
    #expect(alone.states.map { Array($0.bytes) } == watched.states.map { Array($0.bytes) })
  }

  @Test func statesAndSumsAreItsOwn() throws {
    let world = try TestWorld()
    let model = try model(
      world, leader: (["fifo:size=4"], ["infonce"]),
      shadows: [("long", ["fifo:size=20"], ["infonce"]), ("bad", ["fifo", "fault:mode=commit-nan"], ["infonce"])])
    let panel = try #require(model.shadows)
    for step in 0..<3 {
      _ = try batch(model, seed: UInt64(step)).step(model, step: Int64(step))
      let before = panel.tensors.map { Array($0.memory) }
      // A batch that is never committed leaves no trace.
      _ = try batch(model, seed: 99).step(model, step: Int64(step))
      #expect(panel.tensors.map { Array($0.memory) } == before)
      _ = try batch(model, seed: UInt64(step)).step(model, step: Int64(step))
      try model.commit()
    }
    let states = ["plugin.shadow.long.fifo.queue", "plugin.shadow.long.fifo.pushed"]
    #expect(panel.tensors.prefix(2).map(\.name) == states)
    #expect(panel.tensors[1].memory.load(as: Int64.self) == 15)
    #expect(Set(panel.tensors.map(\.group)) == ["shadow long", "shadow bad"])
    let summaries = panel.summaries
    #expect(summaries.map(\.batches) == [3, 0] && summaries.map(\.isDropped) == [false, true])
    let failed = panel.tensors.filter { $0.group == "shadow bad" && $0.type != "F64" }
    #expect(failed.allSatisfy { $0.memory.allSatisfy { $0 == 0 } }, "a failing commit leaves the states as they were")
  }

  @Test(arguments: [
    ("status", "needs a third view"), ("nan-vector", "vectors[0] holds nan"), ("overflow-tape", "past the end"),
    ("commit-fails", "commit"),
  ])
  func aFailingShadowIsDroppedAndSaidOnce(mode: String, text: String) throws {
    let world = try TestWorld()
    let lines = Lines()
    let model = try model(
      world, leader: ([], ["infonce"]),
      shadows: [("bad", ["fault:mode=\(mode)"], ["infonce"]), ("good", ["mixcse"], ["infonce"])], lines: lines)
    for step in 0..<3 {
      let report = try batch(model).step(model, step: Int64(step))
      try model.commit()
      #expect(try value(report, "shadow.good.loss") > 0)
      if step > 0 { #expect(!report.metrics.contains { $0.name.hasPrefix("shadow.bad") }) }
    }
    #expect(lines.all.count == 1, "\(lines.all)")
    #expect(lines.all[0].contains("shadow bad is dropped") && lines.all[0].contains(text), "\(lines.all)")
    #expect(model.shadows?.summaries.map(\.batches) == [0, 3])
  }

  @Test func temperaturesAndWeights() throws {
    let world = try TestWorld()
    let lines = Lines()
    let model = try model(
      world, leader: ([], ["infonce"]),
      shadows: [
        ("given", [], ["infonce"]), ("own", [], ["infonce:temperature=0.05"]), ("learns", ["mapped"], ["xent"]),
      ], temperature: 0.7, lines: lines)
    let report = try batch(model).step(model)
    #expect(try value(report, "shadow.given.loss") == report.loss)
    let own = try world.objective(losses: ["infonce:temperature=0.05"], width: width, rows: 5)
    let expected = try own.evaluate(views(model, batch(model))).loss
    #expect(isClose(try value(report, "shadow.own.loss"), expected, relative: 1e-6))
    #expect(lines.all.count == 1 && lines.all[0].contains("plugin.shadow.learns.mapped.map"), "\(lines.all)")
    #expect(model.parameters.allSatisfy { !$0.name.contains("shadow") })
  }

  @Test func aSlipIsFoundBeforeTraining() throws {
    let world = try TestWorld()
    #expect(throws: PluginFailure.self) {
      try model(world, leader: ([], ["infonce"]), shadows: [("bad", ["badplan:mode=0"], ["infonce"])])
    }
  }
}
