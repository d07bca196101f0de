// AdamW, clipping and the schedule against PyTorch's numbers (Tests/Fixtures/training/make_fixture.py).

import Foundation
import Kernels
import TestSupport
import Testing
import Training

struct AdamWTests {
  struct Case: Decodable {
    struct Step: Decodable {
      var gradients: [Nested]
      var norm: Double
      var values: [Nested]
    }
    var decay: Double
    var clip: Double
    var start: [Nested]
    var steps: [Step]
  }

  /// A list of numbers, or of lists of numbers.
  struct Nested: Decodable {
    var values: [Float]
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let rows = try? container.decode([[Float]].self) {
        values = Array(rows.joined())
      } else {
        values = try container.decode([Float].self)
      }
    }
  }

  @Test func followsTorchAdamW() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("training/adamw.json")))
    for example in try JSONDecoder().decode([Case].self, from: data) {
      let parameters = [
        Parameter(name: "decayed", shape: [3, 5], decays: true),
        Parameter(name: "plain", shape: [5], decays: false, learningRateMultiplier: 2),
      ]
      for (parameter, start) in zip(parameters, example.start) {
        parameter.value.update(from: start.values, count: parameter.count)
      }
      let optimizer = AdamW(
        parameters: parameters, weightDecay: Float(example.decay), pool: ThreadPool(threads: 2))
      for (index, step) in example.steps.enumerated() {
        for (parameter, gradient) in zip(parameters, step.gradients) {
          parameter.gradient.update(from: gradient.values, count: parameter.count)
        }
        let norm = try optimizer.gradientNorm()
        #expect(isClose(norm, step.norm, relative: 1e-6))
        try optimizer.step(
          learningRate: 1e-3, gradientScale: AdamW.clipFactor(norm: norm, limit: example.clip))
        for (parameter, expected) in zip(parameters, step.values) {
          for (position, value) in expected.values.enumerated() {
            #expect(
              isClose(Double(parameter.value[position]), Double(value), absolute: 3e-7, relative: 1e-6),
              "decay \(example.decay), clip \(example.clip), step \(index), \(parameter.name)[\(position)]")
          }
          #expect((0..<parameter.count).allSatisfy { parameter.gradient[$0] == 0 })
        }
      }
    }
  }

  @Test func clipFactor() {
    #expect(AdamW.clipFactor(norm: 0.5, limit: 1) == 1)
    #expect(isClose(Double(AdamW.clipFactor(norm: 4, limit: 1)), 0.25, absolute: 1e-6))
    #expect(AdamW.clipFactor(norm: 4, limit: 0) == 1)
  }

  @Test func scheduleFallsLinearlyToZero() {
    let schedule = LearningRateSchedule(peak: 3e-5, totalSteps: 150)
    #expect(schedule.rate(step: 0) == 3e-5)
    #expect(isClose(schedule.rate(step: 75), 1.5e-5, relative: 1e-12))
    #expect(isClose(schedule.rate(step: 149), 3e-5 / 150, relative: 1e-12))
    #expect(schedule.rate(step: 150) == 0)
    let warm = LearningRateSchedule(peak: 1, totalSteps: 10, warmupSteps: 4)
    let expected: [Double] = [0, 0.25, 0.5, 0.75, 1, 5.0 / 6, 4.0 / 6, 3.0 / 6, 2.0 / 6, 1.0 / 6]
    for (step, rate) in expected.enumerated() { #expect(isClose(warm.rate(step: step), rate, absolute: 1e-12)) }
  }

  @Test func stepsOfARun() {
    var options = TrainingOptions()
    options.batchSize = 10
    #expect(options.totalSteps(rows: 95) == 10)
    options.gradientAccumulation = 4
    #expect(options.totalSteps(rows: 95) == 3)
    options.epochs = 1.5
    #expect(options.totalSteps(rows: 95) == 5)
    options.maximumSteps = 7
    #expect(options.totalSteps(rows: 95) == 7)
  }
}

@Suite struct OptimizerContinuationTests {
  private func parameter(_ name: String, _ shape: [Int], gradient: Float) -> Parameter {
    let parameter = Parameter(name: name, shape: shape, decays: false)
    for index in 0..<parameter.count { parameter.gradient[index] = gradient }
    return parameter
  }

  @Test func momentsGoOnByNameAndShape() throws {
    let pool = ThreadPool(threads: 1)
    let kept = parameter("kept", [2], gradient: 1)
    let renewed = parameter("renewed", [3], gradient: 2)
    let old = AdamW(
      parameters: [kept, renewed, parameter("grown", [1], gradient: 3)], weightDecay: 0, pool: pool)
    try old.step(learningRate: 0.1)
    let successor = parameter("renewed", [3], gradient: 0)
    let new = AdamW(
      parameters: [kept, successor, parameter("grown", [2], gradient: 0)], continuing: old)
    #expect(new.steps == 1)
    func values(_ optimizer: AdamW, _ name: String) -> [Float] {
      let tensor = optimizer.tensors.first { $0.name == name }
      return tensor.map { Array($0.memory.bindMemory(to: Float.self)) } ?? []
    }
    #expect(values(new, "m/renewed") == values(old, "m/renewed") && values(new, "m/renewed")[0] != 0)
    #expect(values(new, "v/renewed") == values(old, "v/renewed"))
    #expect(values(new, "m/grown") == [0, 0], "another shape starts over")
    // What the new optimiser does to its own copies the old one does not see; what both hold is the same.
    for index in 0..<3 { successor.gradient[index] = 5 }
    kept.gradient[0] = 1
    let before = values(old, "m/renewed")
    try new.step(learningRate: 0.1)
    #expect(values(old, "m/renewed") == before)
    #expect(values(old, "m/kept") == values(new, "m/kept"))
  }

  /// A parameter that joins on the way moves as one of an optimiser that begins there; one of an earlier name whose
  /// moments do not count does so, too.
  @Test func whatJoinsLaterCountsItsOwnSteps() throws {
    let pool = ThreadPool(threads: 1)
    func parameter(_ name: String) -> Parameter {
      let parameter = Parameter(name: name, shape: [2], decays: false)
      parameter.value.update(from: [1, 2], count: 2)
      return parameter
    }
    func push(_ optimizer: AdamW, _ gradient: [Float]) throws {
      for parameter in optimizer.parameters { parameter.gradient.update(from: gradient, count: 2) }
      try optimizer.step(learningRate: 0.01)
    }
    let (stays, late, again, control) = (parameter("a"), parameter("b"), parameter("c"), parameter("b"))
    let first = AdamW(parameters: [stays, parameter("c")], weightDecay: 0, pool: pool)
    for step in 0..<3 { try push(first, [0.5, Float(step)]) }
    let second = AdamW(parameters: [stays, late, again], continuing: first, startingOver: ["c"])
    let fresh = AdamW(parameters: [control], weightDecay: 0, pool: pool)
    for step in 0..<4 {
      try push(second, [0.25, Float(step)])
      try push(fresh, [0.25, Float(step)])
    }
    for index in 0..<2 {
      #expect(late.value[index] == control.value[index] && again.value[index] == control.value[index])
      #expect(stays.value[index] != control.value[index])
    }
  }
}
