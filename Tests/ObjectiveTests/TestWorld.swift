// What the objective's tests share: plugins (the built ones and C fixtures compiled on the spot), embeddings from a
// seed, directional derivatives.

import Foundation
import Host
import Kernels
import Logging
import Objective
import Synchronization
import TestSupport
import Testing

/// Plugins and services for one test.
struct TestWorld {
  let registry: PluginRegistry
  let services: HostServices

  init(threads: Int = 2, age: HostAge = .today, stopRequestedAt: @escaping @Sendable () -> Int64? = { nil }) throws {
    services = HostServices(
      pool: ThreadPool(threads: threads), logger: Logger(label: "test"), age: age,
      stopRequestedAt: stopRequestedAt)
    let fixtures = try Fixtures.folder.get()
    registry = try PluginRegistry(
      searchPath: PluginSearchPath(folders: [Resources.pluginDirectory, fixtures]), host: services.table)
  }

  func strategy(samplers: [String] = [], losses: [String] = ["infonce"]) throws -> Strategy {
    try StrategyRequest(samplers: samplers, losses: losses).resolve(with: registry).strategy
  }

  /// The objective on embeddings of `rows` rows at most.
  func objective(
    samplers: [String] = [], losses: [String] = ["infonce"], width: Int, rows: Int, views: Int = 2, seed: UInt64 = 42,
    temperature: Double? = nil, hardWeight: Double = 0, learnTemperature: Bool = false, supervision: Supervision = [],
    guideWidths: [Int] = [], addedViews: Int = 0, texts: RowTexts? = nil
  ) throws -> EmbeddingObjective {
    var configuration = ObjectiveConfiguration(
      strategy: try strategy(samplers: samplers, losses: losses), temperature: temperature, seed: seed)
    configuration.hardNegativeWeight = hardWeight
    configuration.learnTemperature = learnTemperature
    return try EmbeddingObjective(
      configuration, width: width, rows: rows, views: views, supervision: supervision, guideWidths: guideWidths,
      addedViews: addedViews, texts: texts, services: services)
  }
}

/// The C plugins of Tests/Fixtures/objective, compiled once for the process.
enum Fixtures {
  static let folder: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/objective-plugins-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    for name in ["strategies", "faults", "score", "texts"] {
      try buildPlugin(Resources.fixture("objective/\(name).c"), to: "\(folder)/lib\(name).so")
    }
    return folder
  }
}

/// Rows of float32 with memory of their own.
final class Rows {
  let buffer: FloatBuffer
  let rows: Int
  let width: Int

  init(_ rows: Int, _ width: Int) {
    buffer = FloatBuffer(count: rows * width)
    self.rows = rows
    self.width = width
  }

  /// Normal numbers from a seed.
  convenience init(_ rows: Int, _ width: Int, seed: UInt64, name: String) {
    self.init(rows, width)
    RandomStream(seed: seed, name: name).normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * width))
  }

  convenience init(_ values: [[Double]]) {
    self.init(values.count, values.first?.count ?? 0)
    for (i, row) in values.enumerated() { for (k, value) in row.enumerated() { self[i, k] = Float(value) } }
  }

  convenience init(copying matrix: Matrix) {
    self.init(matrix.rows, matrix.columns)
    for i in 0..<rows { for k in 0..<width { self[i, k] = matrix.row(i)[k] } }
  }

  var matrix: Matrix { buffer.matrix(rows: rows, columns: width) }

  subscript(_ i: Int, _ k: Int) -> Float {
    get { buffer.pointer[i * width + k] }
    set { buffer.pointer[i * width + k] = newValue }
  }

  var values: [Float] { Array(UnsafeBufferPointer(start: buffer.pointer, count: rows * width)) }
  var largest: Double { Double(values.map(abs).max() ?? 0) }
}

/// Related views: z2 (and z3) are z1 with noise, so that losses are neither 0 nor hopeless.
func makeViews(_ count: Int, rows: Int, width: Int, seed: UInt64 = 7) -> [Rows] {
  let first = Rows(rows, width, seed: seed, name: "z1")
  return [first]
    + (1..<count).map { view in
      let other = Rows(rows, width, seed: seed, name: "z\(view + 1)")
      for i in 0..<rows { for k in 0..<width { other[i, k] = first[i, k] + 0.6 * other[i, k] } }
      return other
    }
}

/// Compares an analytic gradient with central differences in random directions.
///
/// `loss` is evaluated with the values in `memory` moved; the best of several step sizes counts, because float32 noise
/// spoils small steps and curvature large ones.
/// - Returns: the largest error over all directions, relative to the gradient's norm.
func directionalError(
  _ memory: UnsafeMutableBufferPointer<Float>, gradient: [Float], directions: Int = 4, seed: UInt64 = 3,
  _ loss: () throws -> Double
) rethrows -> Double {
  let saved = Array(memory)
  let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  var worst = 0.0
  for direction in 0..<directions {
    var way = [Float](repeating: 0, count: memory.count)
    way.withUnsafeMutableBufferPointer {
      RandomStream(seed: seed, name: "direction").normal(step: UInt64(direction), offset: 0, into: $0)
    }
    if direction == 0, norm > 0 { way = gradient.map { $0 / Float(norm) } }
    let length = way.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    way = way.map { $0 / Float(length) }
    let expected = zip(way, gradient).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    var best = Double.infinity
    for step: Float in [0.1, 0.03, 0.01, 0.003, 0.001] {
      for index in memory.indices { memory[index] = saved[index] + step * way[index] }
      let above = try loss()
      for index in memory.indices { memory[index] = saved[index] - step * way[index] }
      let below = try loss()
      best = min(best, abs((above - below) / (2 * Double(step)) - expected))
    }
    for index in memory.indices { memory[index] = saved[index] }
    worst = max(worst, best / max(norm, 1e-6))
  }
  return worst
}

extension Rows {
  var mutable: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * width)
  }
}

extension Parameter {
  var values: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: value, count: count) }
  var gradients: [Float] { Array(UnsafeBufferPointer(start: gradient, count: count)) }
}

extension EmbeddingObjective {
  /// Evaluates rows that stay alive for the call: a Matrix alone does not keep its memory.
  func evaluate(
    _ rows: [Rows], position: StepPosition = StepPosition(), textIDs: [Int64]? = nil, labels: RowLabels = RowLabels(),
    encoded: [PlannedEncoding: Rows] = [:], wantsGradients: Bool = true, details: Bool = false,
    probe: CellProbeOptions = CellProbeOptions()
  ) throws -> StepReport {
    try withExtendedLifetime((rows, encoded)) {
      try evaluate(
        rows.map(\.matrix), position: position, textIDs: textIDs, labels: labels,
        encoded: encoded.mapValues(\.matrix), wantsGradients: wantsGradients, details: details, probe: probe)
    }
  }
}
