// ContrastiveModel on hidden states made from a seed: gradients through poolers and head down to every layer, chains,
// short batches, evaluation in pieces. No encoder is needed for any of it.

import Encoder
import Host
import Kernels
import Objective
import TestSupport
import Testing

/// A batch of hidden states with everything `trainStep` wants.
struct HiddenStates {
  let layers: [Rows]
  let gradients: [Rows]
  let batch: TokenBatch
  var rows: Int { batch.rows }

  /// Sequences of 1 to 4 tokens; view by view.
  init(_ request: LayerRequest, rows: Int, views: Int, width: Int, seed: UInt64 = 5) {
    var offsets = [0]
    for sequence in 0..<(rows * views) { offsets.append((offsets.last ?? 0) + 1 + (sequence * 7 + 3) % 4) }
    let count = offsets.last ?? 0
    let starts = Set(offsets)
    let ids = (0..<rows).map { Int64($0) }
    batch = TokenBatch(
      PackedBatch(tokens: (0..<count).map { Int32($0 % 11) }, offsets: offsets),
      tokenFlags: (0..<count).map { starts.contains($0) ? 1 : 0 }, views: views, rowIDs: ids, textIDs: ids)
    let stateRows = request.firstTokenOnly ? rows * views : count
    layers = request.layers.map { Rows(stateRows, width, seed: seed, name: "layer \($0)") }
    gradients = request.layers.map { _ in Rows(stateRows, width, seed: 1, name: "garbage") }
  }

  private init(layers: [Rows], gradients: [Rows], batch: TokenBatch) {
    (self.layers, self.gradients, self.batch) = (layers, gradients, batch)
  }

  /// The same batch with the mean of each sequence's states in their place.
  func means() -> HiddenStates {
    let offsets = batch.packed.offsets
    let means = layers.map { layer in
      let rows = Rows(batch.sequences, layer.width)
      for s in 0..<batch.sequences {
        let tokens = offsets[s]..<offsets[s + 1]
        for k in 0..<layer.width {
          let sum = tokens.reduce(0.0) { $0 + Double(layer[$1, k]) }
          rows.mutable[s * layer.width + k] = Float(sum / Double(tokens.count))
        }
      }
      return rows
    }
    return HiddenStates(
      layers: means, gradients: means.map { Rows($0.rows, $0.width, seed: 1, name: "garbage") }, batch: batch)
  }

  func step(_ model: ContrastiveModel, step: Int64 = 3, lossScale: Double = 1) throws -> StepReport {
    try withExtendedLifetime((layers, gradients)) {
      try model.trainStep(
        batch, hidden: layers.map(\.matrix), dHidden: gradients.map(\.matrix), at: StepPosition(step: step),
        lossScale: lossScale)
    }
  }

  /// The loss of a step whose gradients nobody looks at.
  func loss(_ model: ContrastiveModel) throws -> Double { try step(model).loss }

  func embed(_ model: PoolingStack, useHead: Bool = true) throws -> [[Float]] {
    let target = Rows(batch.sequences, model.outputWidth)
    try withExtendedLifetime((layers, target)) {
      try model.embed(
        TokenBatch(batch.packed, tokenFlags: batch.tokenFlags), hidden: layers.map(\.matrix), useHead: useHead,
        into: target.matrix)
    }
    return (0..<target.rows).map { i in (0..<target.width).map { target[i, $0] } }
  }
}

struct ContrastiveModelTests {
  private let width = 6
  private let layerCount = 4

  private func model(
    _ world: TestWorld, pooler: String, head: HeadKind = .none, samplers: [String] = ["mapped"],
    losses: [String] = ["xent"], maxRows: Int = 4, views: Int = 2
  ) throws -> ContrastiveModel {
    let configuration = ObjectiveConfiguration(strategy: try world.strategy(samplers: samplers, losses: losses))
    return try ContrastiveModel(
      configuration, pooler: Pooler(parsing: pooler, in: world.registry), head: head, hiddenWidth: width,
      layerCount: layerCount,
      maxRows: maxRows, maxTokens: 64, views: views, services: world.services)
  }

  @Test(
    arguments: [
      ("cls", HeadKind.mlp), ("cls", .none), ("cls_before_pooler", .mlp), ("avg", .none), ("avg", .mlp),
      ("avg_top2", .none),
      ("avg_first_last", .mlp), ("max", .none), ("weighted", .none), ("gate", .mlp), ("project:width=5", .mlp),
      ("last", .none), ("sqrt_len", .mlp), ("attention", .none), ("attention", .mlp), ("concat:layers=-1/0", .mlp),
      ("concat:layers=1/-2,of=first", .none), ("ramp", .none),
      ("concat:layers=1/-1,of=max/ramp/last/sqrt/first", .mlp), ("concat:layers=0/1+attention", .none),
      ("avg+project:width=4", .none), ("gate+project:width=7+project:width=3", .mlp),
    ], [1, 3])
  func everyGradient(_ item: (String, HeadKind), rows: Int) throws {
    let world = try TestWorld()
    let model = try model(world, pooler: item.0, head: item.1)
    let batch = HiddenStates(model.layerRequest, rows: rows, views: 2, width: width)
    // The head starts close to 0, where tanh is all but linear; move it to where it bends.
    // A query of zeros looks at all tokens alike.
    for parameter in model.parameters where parameter.name.hasPrefix("head") || parameter.name.hasSuffix("query") {
      for index in 0..<parameter.count { parameter.value[index] = parameter.value[index] * 20 + 0.1 }
    }
    for parameter in model.parameters { parameter.clearGradient() }
    let report = try batch.step(model)
    let gradients = batch.gradients.map(\.values)
    let parameterGradients = model.parameters.map(\.gradients)
    #expect(report.loss == (try batch.loss(model)))
    let all = gradients.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    for (index, layer) in batch.layers.enumerated() {
      let norm = gradients[index].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let error = try directionalError(layer.mutable, gradient: gradients[index]) { try batch.loss(model) }
      #expect(error * max(norm, 1e-6) <= GradientTests.bound * max(all, 0.02), "layer \(index): \(error)")
    }
    for (parameter, gradient) in zip(model.parameters, parameterGradients) {
      let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let error = try directionalError(parameter.values, gradient: gradient) { try batch.loss(model) }
      #expect(error * max(norm, 1e-6) <= GradientTests.bound * max(norm, 0.05), "\(parameter.name): \(error)")
    }
    withExtendedLifetime(batch) {}
  }

  @Test func requestsOfPoolers() throws {
    let world = try TestWorld()
    func request(_ pooler: String) throws -> LayerRequest { try model(world, pooler: pooler).layerRequest }
    #expect(try request("cls") == LayerRequest(layers: [3], firstTokenOnly: true))
    #expect(
      try request("avg_top2") == LayerRequest(layers: [2, 3], firstTokenOnly: false, meansAreEnough: true))
    #expect(
      try request("avg_first_last") == LayerRequest(layers: [0, 3], firstTokenOnly: false, meansAreEnough: true))
    #expect(try request("max") == LayerRequest(layers: [3], firstTokenOnly: false))
    #expect(try request("gate+project") == LayerRequest(layers: [0, 3], firstTokenOnly: false))
  }

  @Test func embeddingsAreTheTrainingOnes() throws {
    let world = try TestWorld()
    for (pooler, head) in [("cls", HeadKind.mlp), ("gate+project:width=3", .none), ("avg", .mlp)] {
      let model = try model(world, pooler: pooler, head: head)
      let batch = HiddenStates(model.layerRequest, rows: 3, views: 2, width: width)
      // A stack that holds one sequence of two tokens at a time gives the same numbers.
      let small = try PoolingStack(
        pooler: Pooler(parsing: pooler, in: world.registry), head: head, hiddenWidth: width, layerCount: layerCount,
        services: world.services, seed: 42, maxSequences: 1, maxTokens: 2)
      let whole = try batch.embed(model.pooling)
      #expect(try batch.embed(small) == whole)
      if head == .mlp {
        #expect(try batch.embed(model.pooling, useHead: false) != whole)
        #expect(model.parameters.map(\.name).contains("head.dense.weight"))
      } else {
        #expect(try batch.embed(model.pooling, useHead: false) == whole)
      }
    }
  }

  /// Batches shorter and longer than planned for, in between an evaluation: the same numbers as a fresh model.
  @Test func batchesOfOtherSizes() throws {
    let world = try TestWorld()
    let model = try model(world, pooler: "gate+project:width=4", head: .mlp, samplers: ["mapped", "fifo:size=5"])
    for rows in [3, 1, 9, 4] {
      let batch = HiddenStates(model.layerRequest, rows: rows, views: 2, width: width)
      let fresh = try self.model(
        world, pooler: "gate+project:width=4", head: .mlp, samplers: ["mapped", "fifo:size=5"], maxRows: rows)
      let expected = try batch.step(fresh).loss
      #expect(isClose(try batch.step(model).loss, expected, relative: 1e-6))
      _ = try batch.embed(model.pooling)
    }
  }

  @Test func headStartsAsTheReferenceDoes() throws {
    let world = try TestWorld()
    let stack = try PoolingStack(
      pooler: Pooler(parsing: "cls", in: world.registry), head: .mlp, hiddenWidth: 128, layerCount: 3,
      services: world.services, seed: 42)
    let weight = try #require(stack.parameters.first { $0.name == "head.dense.weight" })
    let bias = try #require(stack.parameters.first { $0.name == "head.dense.bias" })
    let values = Array(weight.values).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    #expect(weight.shape == [128, 128] && abs(mean) < 1e-3 && isClose(deviation, 0.02, relative: 0.03))
    #expect(Array(bias.values).allSatisfy { $0 == 0 } && !bias.decays)
  }

  @Test func aPoolerThatGivesNaNIsNamed() throws {
    let world = try TestWorld()
    let model = try model(world, pooler: "nanpool", samplers: [], losses: ["infonce"])
    let batch = HiddenStates(model.layerRequest, rows: 2, views: 2, width: width)
    let failure = #expect(throws: PluginFailure.self) { try batch.step(model, step: 7) }
    #expect("\(try #require(failure))".contains("nanpool, pool at step 7: out holds nan at [2, 1]"))
  }

  @Test func batchesThatDoNotFit() throws {
    let world = try TestWorld()
    let model = try model(world, pooler: "avg", samplers: [], losses: ["infonce"])
    let odd = HiddenStates(model.layerRequest, rows: 3, views: 1, width: width)
    #expect(throws: ObjectiveError.self) { try odd.step(model) }
    let wide = HiddenStates(model.layerRequest, rows: 3, views: 2, width: width + 1)
    #expect(throws: ObjectiveError.self) { try wide.step(model) }
  }
}

extension ContrastiveModelTests {
  private func bits(_ model: ContrastiveModel) -> [[UInt8]] {
    model.states.map { Array($0.bytes) }
      + model.parameters.map { Array(UnsafeRawBufferPointer(start: $0.value, count: $0.count * 4)) }
  }

  /// The same components in new instances, in place of all, of some, and taken back: no number differs.
  @Test func replacedInstancesGoOnWhereTheOldOnesWere() throws {
    struct Refused: Error {}
    let world = try TestWorld()
    func make() throws -> ContrastiveModel {
      try model(world, pooler: "gate+project:width=4", samplers: ["mapped", "fifo:size=6"], losses: ["xent"])
    }
    let (plain, changed) = (try make(), try make())
    let batch = HiddenStates(plain.layerRequest, rows: 4, views: 2, width: width)
    func compare(_ what: String, step: Int64) throws {
      let expected = try batch.step(plain, step: step).loss
      let found = try batch.step(changed, step: step).loss
      #expect(found == expected, "\(what)")
      try plain.commit()
      try changed.commit()
      #expect(bits(plain) == bits(changed), "\(what)")
    }
    try compare("before", step: 0)
    // Weights that are no longer the first ones.
    for model in [plain, changed] {
      for parameter in model.parameters { for index in 0..<parameter.count { parameter.value[index] += 0.25 } }
    }
    let old = changed.instances
    let all = try changed.reload { $0.component }
    #expect(all.notes.isEmpty, "\(all.notes)")
    #expect(zip(old, changed.instances).allSatisfy { $0 !== $1 && $0.name == $1.name })
    try compare("all replaced", step: 1)
    let some = try changed.reload { $0.name == "project" || $0.name == "fifo" ? $0.component : nil }
    _ = try batch.step(changed, step: 2)
    try changed.commit()
    for parameter in changed.parameters { parameter.clearGradient() }
    changed.undo(some)
    try compare("taken back after a step", step: 2)
    #expect(throws: Refused.self) {
      _ = try changed.reload { instance in
        if instance.name == "xent" { throw Refused() }
        return instance.component
      }
    }
    try compare("refused", step: 3)
    withExtendedLifetime(old) {}
  }
}
