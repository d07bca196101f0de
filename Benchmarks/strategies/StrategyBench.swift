// What each method costs on embeddings: samplers, similarities, losses, gradients and commits of one batch, without the
// encoder, and as a share of a step of the BERT-base shape. Processor time of one thread, which other work on the
// machine changes little; medians of interleaved rounds.
//
//   make strategy-bench [ARGUMENTS='64x384 512x768 --only vascl,dclr --rounds 15']

import Encoder
import Foundation
import Host
import Kernels
import Logging
import Objective
import TestSupport

@main
struct StrategyBench {
  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    func option(_ name: String) -> String? {
      guard let place = arguments.firstIndex(of: name), place + 1 < arguments.count else { return nil }
      defer { arguments.removeSubrange(place...place + 1) }
      return arguments[place + 1]
    }
    let folder = option("--plugins") ?? ".build/release"
    let only = option("--only")?.split(separator: ",").map(String.init)
    let rounds = option("--rounds").flatMap(Int.init) ?? 9
    let pool = ThreadPool(threads: 1)
    let services = HostServices(pool: pool, logger: Logger(label: "bench"))
    let registry = try PluginRegistry(searchPath: PluginSearchPath(folders: [folder]), host: services.table)
    let shapes = (arguments.isEmpty ? ["64x384", "64x768", "512x384", "512x768"] : arguments).compactMap(Shape.init)
    let methods = try registry.libraries.flatMap(\.recipes).map(\.name).filter { only?.contains($0) ?? true }
      .map { ($0, try StrategyRequest(method: $0).resolve(with: registry).strategy) }
    let step = EncoderStep(pool: pool).seconds(rounds: min(rounds, 5))
    print("one thread, milliseconds of processor time")
    print("encoder of the BERT-base shape, 2 x 64 sequences of 26 tokens, forward and backward: \(text(step * 1e3))")
    print("method".padded(20) + shapes.map { $0.name.leading(10) }.joined() + "  of that step, 64x768")
    var runs = try methods.map { name, strategy in
      (name, try shapes.map { try MethodRun(strategy, $0, services) })
    }
    // Interleaved, so that what else the machine does meets all alike.
    for _ in 0..<rounds {
      for index in runs.indices { for place in shapes.indices { try runs[index].1[place].time() } }
    }
    for (name, timed) in runs.sorted(by: { $0.0 < $1.0 }) {
      let share = zip(shapes, timed).first { $0.0.name == "64x768" }.map { $0.1.median / step }
      print(
        name.padded(20) + timed.map { text($0.median * 1e3).leading(10) }.joined()
          + (share.map { "  " + String(format: "%.2f %%", 100 * $0) } ?? ""))
    }
  }

  private static func text(_ milliseconds: Double) -> String { String(format: "%.2f", milliseconds) }
}

/// Seconds that this process has had a processor.
private func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
  fileprivate func leading(_ width: Int) -> String { String(repeating: " ", count: max(1, width - count)) + self }
}

/// Rows of a batch and numbers of an embedding, as `64x384`.
private struct Shape {
  let name: String
  let rows: Int, width: Int

  init?(_ text: String) {
    let parts = text.split(separator: "x").compactMap { Int($0) }
    guard parts.count == 2, parts.allSatisfy({ $0 > 0 }) else { return nil }
    (name, rows, width) = (text, parts[0], parts[1])
  }
}

/// A method on made-up embeddings, scores, classes, texts, guides and further encodings.
private struct MethodRun {
  private let objective: EmbeddingObjective
  private let views: [FloatBuffer]
  private let encoded: [PlannedEncoding: FloatBuffer]
  private let labels: RowLabels
  private let shape: Shape
  private var step: Int64 = 0
  private var seconds: [Double] = []

  init(_ strategy: Strategy, _ shape: Shape, _ services: HostServices) throws {
    self.shape = shape
    let needsThird = strategy.losses.contains { $0.name == "sncse" }
    views = (0..<(needsThird ? 3 : 2)).map { Self.numbers(shape.rows * shape.width, "z\($0)") }
    for view in views.dropFirst() {
      for k in 0..<view.count { view.pointer[k] = views[0].pointer[k] + 0.6 * view.pointer[k] }
    }
    labels = RowLabels(
      scores: (0..<shape.rows).map { Float($0 % 5) }, classes: (0..<shape.rows).map { Int64($0 % 8) })
    let lines = Self.lines(shape.rows)
    objective = try EmbeddingObjective(
      ObjectiveConfiguration(strategy: strategy), width: shape.width, rows: shape.rows, views: views.count,
      supervision: labels.supervision, guideWidths: [shape.width],
      texts: RowTexts(rows: lines.count, columns: 1) { row, _ in lines[row] }, services: services)
    encoded = Dictionary(
      uniqueKeysWithValues: objective.wantedEncodings.map { encoding in
        let vectors = Self.numbers(shape.rows * shape.width, "\(encoding)")
        scaleToUnitLength(vectors.matrix(rows: shape.rows, columns: shape.width))
        return (encoding, vectors)
      })
    // Queues fill before anything is timed.
    for _ in 0..<3 { try run() }
  }

  /// Seconds of a batch.
  var median: Double { seconds.sorted()[seconds.count / 2] }

  mutating func time() throws {
    let start = processorSeconds()
    try run()
    seconds.append(processorSeconds() - start)
  }

  private mutating func run() throws {
    func matrix(_ buffer: FloatBuffer) -> Matrix { buffer.matrix(rows: shape.rows, columns: shape.width) }
    _ = try objective.evaluate(
      views.map(matrix), position: StepPosition(step: step), labels: labels, encoded: encoded.mapValues(matrix))
    try objective.commit()
    step += 1
  }

  private static func numbers(_ count: Int, _ name: String) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    RandomStream(seed: 7, name: name).normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: count))
    return buffer
  }

  /// Sentences of 22 words out of two thousand.
  private static func lines(_ count: Int) -> [[UInt8]] {
    let stream = RandomStream(seed: 7, name: "words")
    return (0..<count).map { row -> [UInt8] in
      let words = (UInt64(0)..<22).map { index in "word\(stream.bits(step: UInt64(row), index: index) % 2000)" }
      return Array(words.joined(separator: " ").utf8)
    }
  }
}

/// What a step of batch 64 costs in an encoder of the BERT-base shape, with dropout, without the optimiser.
private struct EncoderStep {
  private let encoder: TransformerEncoder
  private let batch: PackedBatch

  init(pool: ThreadPool) {
    encoder = TransformerEncoder(
      configuration: EncoderConfiguration(
        family: .bert, vocabularySize: 30_522, hiddenSize: 768, layerCount: 12, headCount: 12, intermediateSize: 3072,
        maximumPositions: 512, typeVocabularySize: 2, padTokenID: 0, positionOffset: 0, activation: .gelu),
      pool: pool, seed: 1)
    for parameter in encoder.parameters {
      let isNorm = parameter.name.hasSuffix("LayerNorm.weight")
      RandomStream(seed: 7, name: parameter.name).normal(
        step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: parameter.value, count: parameter.count))
      for k in 0..<parameter.count { parameter.value[k] = isNorm ? 1 : 0.02 * parameter.value[k] }
    }
    let sequences: [[Int32]] = (0..<128).map { row in
      (0..<26).map { place -> Int32 in
        let mixed: Int = row * 131 + place * 977
        return Int32(mixed % 30_000) + 100
      }
    }
    batch = PackedBatch(sequences)
  }

  func seconds(rounds: Int) -> Double {
    let gradient = FloatBuffer(count: 128 * 768)
    for k in 0..<gradient.count { gradient.pointer[k] = 1e-3 }
    var seconds: [Double] = []
    for round in 0...rounds {
      let start = processorSeconds()
      let mode = EncoderMode.training(step: UInt64(round), hiddenDropout: 0.1, attentionDropout: 0.1)
      do {
        _ = try encoder.forward(batch, request: LayerRequest(layers: [12], firstTokenOnly: true), mode: mode)
        try encoder.backward([gradient.matrix(rows: 128, columns: 768)])
      } catch {
        fatalError("\(error)")
      }
      if round > 0 { seconds.append(processorSeconds() - start) }
    }
    return seconds.sorted()[seconds.count / 2]
  }
}
