// Once the largest batch has been seen, encoder and optimiser ask for no memory at all, and the objective only for the
// short lists and names of its report, however large the batch. One thread, so that all of it is counted.

import AllocationCounter
import Encoder
import Foundation
import Host
import Kernels
import Logging
import ModelFiles
import Objective
import TestSupport
import Testing
import Training

#if DEBUG
  private let isOptimised = false
#else
  private let isOptimised = true
#endif

@Suite(
  .enabled(if: ac_counts() != 0, "needs the C library's allocator, and a sanitizer is in its place"),
  .enabled(if: isOptimised, "only optimised code asks for no memory, and this is a debug build"))
struct AllocationTests {
  /// What the objective may ask for in a step: the lists and names of the report that it hands out (a few for each of
  /// two plugins, three blocks and a dozen metrics), none of them as long as the batch.
  private static let listsOfAReport = 80

  /// Set MIXCSE_TRACE_ALLOCATIONS to see the stack of each allocation.
  private static let traces: Int32 = ProcessInfo.processInfo.environment["MIXCSE_TRACE_ALLOCATIONS"] == nil ? 0 : 1

  struct Count: Equatable {
    var calls = 0
    var largest = 0
  }

  private func count(_ body: () throws -> Void) rethrows -> Count {
    ac_start(Self.traces)
    defer { _ = ac_stop() }
    try body()
    return Count(calls: Int(ac_stop()), largest: Int(ac_largest()))
  }

  @Test func theCounterCounts() {
    let one = count { withExtendedLifetime(FloatBuffer(count: 1000)) {} }
    #expect(one.calls >= 1)
    #expect(one.largest >= 4000)
    #expect(count {} == Count())
  }

  @Test(arguments: ["cls", "avg"]) func stepsAskForNoMemory(pooler: String) throws {
    let small = try countStep(pooler: pooler, rows: 8)
    let large = try countStep(pooler: pooler, rows: 64)
    for counts in [small, large] {
      #expect(counts.encoder == Count())
      #expect(counts.optimizer == Count())
      #expect(counts.objective.calls < Self.listsOfAReport)
      #expect(counts.objective.largest < 1024)
    }
    #expect(small.objective.calls == large.objective.calls)
  }

  /// The fourth of four equal steps.
  private func countStep(pooler: String, rows: Int) throws -> (encoder: Count, objective: Count, optimizer: Count) {
    let pool = ThreadPool(threads: 1)
    let (encoder, model) = try models(pooler: pooler, rows: rows, pool: pool)
    let optimizer = AdamW(parameters: encoder.parameters + model.parameters, weightDecay: 0, pool: pool)
    let sequences = (0..<2 * rows).map { row in
      (0..<1 + row * 5 % 12).map { Int32(5 + ($0 * 7 + row) % 70) }
    }
    let batch = PackedBatch(sequences)
    let flags = [UInt8](repeating: 0, count: batch.tokens.count)
    let ids = (0..<rows).map { Int64($0) }
    var counts = (encoder: Count(), objective: Count(), optimizer: Count())
    for step in 0..<4 {
      var hidden: [Matrix] = []
      let forward = try count {
        hidden = try encoder.forward(
          batch, request: model.layerRequest,
          mode: .training(step: UInt64(step), hiddenDropout: 0.1, attentionDropout: 0.1))
      }
      let gradients = hidden.map { FloatBuffer(count: $0.rows * $0.columns) }
      let matrices = zip(gradients, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) }
      counts.objective = try count {
        _ = try model.trainStep(
          TokenBatch(batch, tokenFlags: flags, views: 2, rowIDs: ids, textIDs: ids), hidden: hidden, dHidden: matrices,
          at: StepPosition(step: Int64(step)))
        try model.commit()
      }
      let backward = try count { try encoder.backward(matrices) }
      counts.encoder = Count(
        calls: forward.calls + backward.calls, largest: max(forward.largest, backward.largest))
      counts.optimizer = try count {
        _ = try optimizer.gradientNorm()
        try optimizer.step(learningRate: 1e-4)
      }
      withExtendedLifetime(gradients) {}
    }
    return counts
  }

  private func models(pooler: String, rows: Int, pool: ThreadPool) throws -> (TransformerEncoder, ContrastiveModel) {
    let services = HostServices(pool: pool, logger: Logger(label: "test"))
    let registry = try PluginRegistry(
      searchPath: PluginSearchPath(folders: [Resources.pluginDirectory]), host: services.table)
    let folder = FileManager.default.temporaryDirectory.path + "/allocations-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try TinyModel().write(to: folder)
    let source = try ModelFolder(path: folder)
    let encoder = try TransformerEncoder(
      configuration: source.configuration, weights: source.openWeights(), pool: pool, seed: 1)
    let model = try ContrastiveModel(
      ObjectiveConfiguration(
        strategy: StrategyRequest.resolve(StrategySpec(parsing: "sampler:mixcse loss:infonce"), with: registry).strategy
      ),
      pooler: Pooler(parsing: pooler, in: registry), head: .mlp, hiddenWidth: encoder.hiddenSize,
      layerCount: encoder.layerCount,
      maxRows: rows, maxTokens: 26 * rows, views: 2, services: services)
    return (encoder, model)
  }
}
