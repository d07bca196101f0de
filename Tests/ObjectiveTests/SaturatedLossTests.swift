// The loss and its gradient where a row is nearly settled: from losses of 10 down to 1e-12, against float64
// computations that take the same float32 inputs. The first test asks the loss alone for 1e-6 at any loss; the second
// goes the whole way from embeddings, where a logit is a float32 and a loss therefore holds some 1e-7 times the logit's
// size.

import Glibc
import Host
import Kernels
import Objective
import PluginAPI
import TestSupport
import Testing

struct SaturatedLossTests {
  /// Losses to reach: 10, 1, 0.1 ... 1e-12.
  static let targets = [10.0] + (0...12).map { pow(10, -Double($0)) }

  // MARK: The loss on logits

  /// One row of logits, its positive at `target`.
  private struct Row {
    var logits: [Float]
    var target: Int

    /// The loss and its gradient in float64, every exponential relative to the positive's.
    var expected: (loss: Double, gradient: [Double]) {
      let powers = logits.map { exp(Double($0) - Double(logits[target])) }
      let others = powers.indices.filter { $0 != target }.reduce(0) { $0 + powers[$1] }
      var gradient = powers.map { $0 / (1 + others) }
      gradient[target] = -others / (1 + others)
      return (log1p(others), gradient)
    }
  }

  /// Rows whose losses are about `loss`: even and uneven negatives, an excluded cell, ties with the positive, a
  /// positive first and last, high and low logits.
  private func rows(loss: Double) -> [Row] {
    let others = expm1(loss)
    var result: [Row] = []
    for (index, high) in [Float(18), 0, -7].enumerated() {
      let even = high + Float(log(others / 4))
      result.append(Row(logits: [high] + [Float](repeating: even, count: 4), target: 0))
      result.append(Row(logits: [even - 3, even + 1, -.infinity, even - 11, high], target: 4))
      result.append(Row(logits: [high, even, high, even - 2], target: index))
    }
    return result
  }

  /// The loss plugin's answer for one row.
  private func score(_ row: Row, by instance: PluginInstance) throws -> (loss: Double, gradient: [Float]) {
    let count = row.logits.count
    func tensor(_ label: String) -> Tensor {
      Tensor(shape: [1, count], rowStride: 16, storage: GuardedBuffer(byteCount: 64, label: label))
    }
    let (logits, gradient, similarity) = (tensor("logits"), tensor("dlogits"), tensor("dsim"))
    for (index, value) in row.logits.enumerated() { logits.floats[index] = value }
    var target = Int64(row.target)
    return try withUnsafePointer(to: &target) { target in
      var input = cse_logits()
      input.struct_size = UInt32(MemoryLayout<cse_logits>.size)
      (input.rows, input.cols, input.temperature, input.target) = (1, Int64(count), 1, target)
      (input.logits, input.sim) = (UnsafePointer(logits.dl), UnsafePointer(similarity.dl))
      (input.dlogits, input.dsim) = (gradient.dl, similarity.dl)
      instance.begin(StepPosition())
      let loss = try instance.onLogits(&input, wantsGradients: true)
      return (loss, (0..<count).map { gradient.floats[$0] })
    }
  }

  @Test(arguments: ["infonce"])
  func lossOnLogits(name: String) throws {
    let world = try TestWorld()
    let component = try world.registry.component(.loss, name)
    let instance = try PluginInstance(
      component: component, values: ParameterValues(for: component, settings: []), name: name,
      services: world.services, seed: 1)
    try instance.prepare(
      PluginLimits(maxRows: 1, width: 4, maxTokens: 2, maxSequences: 2, layerCount: 1, viewCount: 2))
    var smallest = Double.infinity
    for loss in Self.targets {
      for row in rows(loss: loss) {
        let (found, gradient) = try score(row, by: instance)
        let expected = row.expected
        smallest = min(smallest, expected.loss)
        let label = "\(name), loss \(expected.loss), \(row)"
        #expect(isClose(found, expected.loss, relative: 1e-12), "\(label): \(found)")
        for (k, value) in expected.gradient.enumerated() {
          #expect(isClose(Double(gradient[k]), value, relative: 1e-6), "\(label), [\(k)]: \(gradient[k]), \(value)")
        }
      }
    }
    #expect(smallest < 2e-12)
    let alone = try score(Row(logits: [3.5], target: 0), by: instance)
    #expect(alone.loss == 0 && alone.gradient == [0])
  }

  // MARK: The way from the embeddings

  struct Case: Sendable, CustomStringConvertible {
    var samplers: [String]
    var naive: NaiveMixCSE?
    var description: String { "\(samplers)" }
  }

  private static let mixed = "mixcse:lambda=0.2,mask=exclude,own_mix_only="
  static let cases = [
    Case(samplers: [], naive: nil), Case(samplers: [mixed + "false"], naive: NaiveMixCSE(excludes: true)),
    Case(samplers: [mixed + "true"], naive: NaiveMixCSE(excludes: true, ownOnly: true)),
  ]

  /// Two opposite sentences whose views lie `angle` apart: the larger the angle, the larger the loss.
  private func embeddings(angle: Double) -> [Rows] {
    let first = [[0.9, 1.7, -0.4, 0.2], [-1.1, -1.6, 0.7, 0.1]]
    let across = [[1.7, -0.9, 0.2, 0.4], [0.7, -0.4, 0.3, -1.3]]
    let second = zip(first, across).map { row, side in
      zip(row, side).map { 1.3 * (cos(angle) * $0 + sin(angle) * $1) }
    }
    return [Rows(first), Rows(second)]
  }

  @Test(arguments: cases)
  func lossAndGradientsOfEmbeddings(_ item: Case) throws {
    let world = try TestWorld()
    let temperature = 0.05
    let objective = try world.objective(
      samplers: item.samplers, width: 4, rows: 2, temperature: temperature, learnTemperature: true)
    let logTemperature = try #require(objective.parameters.first)
    var found = (smallest: Double.infinity, largest: 0.0)
    for step in 0...12 {
      let z = embeddings(angle: Double(step) / 12 * 1.9)
      logTemperature.clearGradient()
      let report = try objective.evaluate(z)
      // The temperature as the run has it: a float32 of its logarithm.
      let held = exp(Double(logTemperature.values[0]))
      var naive = item.naive ?? NaiveMixCSE()
      naive.temperature = held
      let (z1, z2) = (z[0].doubles, z[1].doubles)
      let (m, n) = (naive.mixtures(z2), naive.mixtures(z1))
      func loss(_ model: NaiveMixCSE) -> Double {
        item.naive == nil
          ? model.loss(z1, z2, mixedPositives: [], mixedAnchors: [])
          : model.loss(z1, z2, mixedPositives: m, mixedAnchors: n)
      }
      let expected = loss(naive)
      found = (min(found.smallest, expected), max(found.largest, expected))
      #expect(isClose(report.loss, expected, relative: 1e-5), "angle \(step): \(report.loss), expected \(expected)")
      let gradients = item.naive == nil ? naive.plainGradients(z1, z2) : naive.gradients(z1, z2)
      for (view, gradient) in [gradients.0, gradients.1].enumerated() {
        let largest = gradient.joined().map(abs).max() ?? 0
        for (i, row) in gradient.enumerated() {
          for (k, value) in row.enumerated() {
            let error = abs(Double(objective.gradient(view).row(i)[k]) - value)
            #expect(error <= 1e-5 * largest, "loss \(expected), dz\(view + 1)[\(i), \(k)]: off by \(error / largest)")
          }
        }
      }
      var (above, below) = (naive, naive)
      above.temperature = held * exp(1e-6)
      below.temperature = held * exp(-1e-6)
      let slope = (loss(above) - loss(below)) / 2e-6
      #expect(isClose(Double(logTemperature.gradients[0]), slope, relative: 1e-5), "loss \(expected), temperature")
    }
    #expect(found.smallest < 1e-12 && found.largest > 5, "\(found)")
  }
}

extension Rows {
  /// The numbers as they are, in double precision.
  var doubles: [[Double]] { (0..<rows).map { i in (0..<width).map { k in Double(self[i, k]) } } }
}
