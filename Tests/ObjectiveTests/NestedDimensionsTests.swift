// The objective on the first so many dimensions, too: the sum of the objectives on vectors that were cut there, with
// its gradient; every part with states and random numbers of its own.

import Encoder
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct NestedDimensionsTests {
  private let rows = 5
  private let width = 8

  /// Whose embeddings are the hidden states of single tokens.
  private func model(
    _ world: TestWorld, _ dimensions: String?, samplers: [String], losses: [String], learns: Bool = false
  ) throws -> ContrastiveModel {
    var configuration = ObjectiveConfiguration(
      strategy: try world.strategy(samplers: samplers, losses: losses), temperature: learns ? 0.3 : nil)
    configuration.dimensions = try dimensions.map { try DimensionShares(parsing: $0) }
    configuration.learnTemperature = learns
    return try ContrastiveModel(
      configuration, pooler: Pooler(parsing: "cls", in: world.registry), head: .none, hiddenWidth: width, layerCount: 1,
      maxRows: rows, maxTokens: 4 * rows, views: 2, services: world.services)
  }

  private func step(_ model: ContrastiveModel, _ views: [Rows], step: Int64 = 0) throws -> (StepReport, Rows) {
    let hidden = Rows(2 * rows, width)
    for view in 0..<2 { for i in 0..<rows { for k in 0..<width { hidden[view * rows + i, k] = views[view][i, k] } } }
    let gradient = Rows(2 * rows, width)
    let ids = (0..<rows).map { Int64($0) }
    let batch = TokenBatch(
      PackedBatch(tokens: (0..<2 * rows).map { Int32($0) }, offsets: Array(0...2 * rows)),
      tokenFlags: [UInt8](repeating: 1, count: 2 * rows), views: 2, rowIDs: ids, textIDs: ids)
    let report = try withExtendedLifetime((hidden, gradient)) {
      try model.trainStep(
        batch, hidden: [hidden.matrix], dHidden: [gradient.matrix], at: StepPosition(step: step), lossScale: 2)
    }
    return (report, gradient)
  }

  private func cut(_ rows: Rows, _ width: Int) -> Rows {
    let narrow = Rows(rows.rows, width)
    for i in 0..<rows.rows { for k in 0..<width { narrow[i, k] = rows[i, k] } }
    return narrow
  }

  @Test(arguments: [
    ([], ["infonce"]), (["mixcse:direction=anchor"], ["infonce"]), ([], ["uniformity"]),
    ([], ["infonce", "0.5*barlow"]), (["symmetric"], ["dcl"]),
  ]) func theSumOfTheParts(_ samplers: [String], _ losses: [String]) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: rows, width: width)
    let shares: [(width: Int, weight: Double)] = [(8, 1), (5, 0.5), (2, 2)]
    let (report, gradient) = try step(
      try model(world, "8,5,2:1,0.5,2", samplers: samplers, losses: losses), views)
    var loss = 0.0
    var expected = [Double](repeating: 0, count: 2 * rows * width)
    for share in shares {
      let objective = try world.objective(samplers: samplers, losses: losses, width: share.width, rows: rows)
      let part = try objective.evaluate(views.map { cut($0, share.width) })
      loss += share.weight * part.loss
      if share.width < 8 {
        let told = report.metrics.first { $0.name == "dims\(share.width).loss" }
        #expect(isClose(told?.value ?? .nan, part.loss, relative: 1e-6))
      }
      for view in 0..<2 {
        let found = Rows(copying: objective.gradient(view))
        for i in 0..<rows {
          for k in 0..<share.width {
            expected[(view * rows + i) * width + k] += 2 * share.weight * Double(found[i, k])
          }
        }
      }
    }
    #expect(isClose(report.loss, loss, relative: 1e-6), "\(report.loss) \(loss)")
    let largest = expected.map(abs).max() ?? 0
    for (index, value) in gradient.values.enumerated() {
      #expect(abs(Double(value) - expected[index]) <= 1e-5 * largest, "\(index): \(value) \(expected[index])")
    }
  }

  /// A queue of vectors of each width, a temperature of each width.
  @Test func statesAndTemperaturesAreApart() throws {
    let world = try TestWorld()
    let model = try model(world, "8,3", samplers: ["queue:size=6"], losses: ["infonce"], learns: true)
    #expect(model.parameters.map(\.name) == ["temperature.infonce", "temperature.dims3.infonce"])
    let names = model.states.map(\.name)
    #expect(names.count == 4 && Set(names).count == 4, "\(names)")
    #expect(model.states.map(\.shape).contains([6, 8]) && model.states.map(\.shape).contains([6, 3]))
    let views = makeViews(2, rows: rows, width: width)
    let first = try step(model, views).0.loss
    try model.commit()
    #expect(try step(model, views, step: 1).0.loss > first)
    #expect(Set(model.instances.map(\.name)) == ["cls", "queue", "infonce", "dims3.queue", "dims3.infonce"])
  }

  @Test(arguments: [
    "8", "8,8", "3,8", "8,0", "8,x", "8,3:1", "8,3:1,2,3", "8,3:1,-1", "8,3:1,nan", "8,3:0,0", "8,,3", "", "8,3:1,1:1",
    "8, 3",
  ]) func whatIsNoListOfWidths(_ text: String) {
    #expect(throws: DimensionProblem.self) { try DimensionShares(parsing: text) }
  }

  @Test func theFirstWidthIsTheEmbeddings() throws {
    let error = #expect(throws: ObjectiveError.self) {
      try model(try TestWorld(), "6,3", samplers: [], losses: ["infonce"])
    }
    #expect(error?.description == "--dims: expected 8, the embeddings' width, as the first, found 6")
  }
}
