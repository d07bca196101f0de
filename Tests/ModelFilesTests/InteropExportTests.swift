// Writes exports of a real model, with our own embeddings beside them, for Tests/Interop/check_export.py.
// Runs only where CSE_EXPORT_DIR names a folder to write to; CSE_EXPORT_MODEL may name another model than the default.

import Encoder
import Foundation
import Kernels
import ModelFiles
import TestSupport
import Testing
import Tokenizer

private let directory = ProcessInfo.processInfo.environment["CSE_EXPORT_DIR"]

@Suite(
  "exports for other programs",
  .enabled(
    if: directory != nil && Resources.model != nil,
    "it writes folders for Tests/Interop/check_export.py and is run with CSE_EXPORT_DIR"))
struct InteropExportTests {
  private static let lines = [
    "A man is playing a guitar.", "Yes.", "She didn't know — or care — what time it was, did she?",
    "The naïve café owner paid 1,234.50 € for 北京 tea 🍵.", "a a a a a a a a a a a a", "Nobody was there",
    String(repeating: "The quick brown fox jumps over the lazy dog and runs away. ", count: 24) + "End.",
  ]

  struct Variant {
    var name: String
    var pooler: String
    var layers: [Int]
    var shares: [Float]
    var hasHead = false
  }

  private func variants(_ top: Int) -> [Variant] {
    let mixture = (0...top).map { Float($0 + 1) / Float((top + 1) * (top + 2) / 2) }
    return [
      Variant(name: "cls", pooler: "cls", layers: [top], shares: [1]),
      Variant(name: "cls_head", pooler: "cls", layers: [top], shares: [1], hasHead: true),
      Variant(name: "avg", pooler: "avg", layers: [top], shares: [1]),
      Variant(name: "max", pooler: "max", layers: [top], shares: [1]),
      Variant(name: "avg_top2", pooler: "avg_top2", layers: [top - 1, top], shares: [0.5, 0.5]),
      Variant(name: "avg_first_last", pooler: "avg_first_last", layers: [0, top], shares: [0.5, 0.5]),
      Variant(
        name: "avg_layer1_last_head", pooler: "avg_first_last:first=layer1", layers: [1, top],
        shares: [0.5, 0.5], hasHead: true),
      Variant(name: "weighted", pooler: "weighted", layers: Array(0...top), shares: mixture),
      Variant(name: "unknown", pooler: "avg+mine", layers: [top], shares: [1]),
    ]
  }

  @Test("writes an export and its embeddings for each pooler")
  func writesExportsForOtherPrograms() throws {
    let target = try #require(directory)
    let model = try #require(ProcessInfo.processInfo.environment["CSE_EXPORT_MODEL"] ?? Resources.model)
    let source = try ModelFolder(path: model)
    let pool = ThreadPool(threads: 2)
    let encoder = try TransformerEncoder(
      configuration: source.configuration, weights: source.openWeights(), pool: pool, seed: 1)
    // Trained weights differ from the source's: so do these.
    let noise = RandomStream(seed: 5, name: "test.export")
    for (i, parameter) in encoder.parameters.enumerated() {
      var change = [Float](repeating: 0, count: parameter.count)
      change.withUnsafeMutableBufferPointer { noise.normal(step: UInt64(i), offset: 0, into: $0) }
      for k in 0..<parameter.count { parameter.value[k] += 0.003 * change[k] }
    }
    let width = source.shape.hiddenSize
    let head = Parameter(name: "head.dense.weight", shape: [width, width], decays: true)
    let bias = Parameter(name: "head.dense.bias", shape: [width], decays: false)
    for k in 0..<head.count { head.value[k] = fixtureValue(1, k) / 16 }
    for k in 0..<width { bias.value[k] = fixtureValue(2, k) / 4 }
    let tokenizer = try TokenizerFolder.load(model)
    let limit = source.shape.maximumPositions
    let batch = PackedBatch(Self.lines.map { tokenizer.encode($0, maximumLength: limit).ids })
    try (Self.lines.joined(separator: "\n") + "\n").write(
      toFile: target + "/lines.txt", atomically: true, encoding: .utf8)
    for variant in variants(source.shape.layerCount) {
      let states = try encoder.forward(
        batch, request: LayerRequest(layers: variant.layers, firstTokenOnly: false), mode: .inference)
      let pooled = embed(states, batch, variant, head, bias)
      try NPYFile.write(pooled.matrix(rows: batch.sequences, columns: width), to: target + "/\(variant.name).npy")
      try ModelExport.write(
        to: target + "/" + variant.name, from: source, encoder: encoder.parameters,
        pooling: pooling(variant, layers: source.shape.layerCount + 1),
        head: variant.hasHead ? .kept(weight: head, bias: bias) : .none,
        record: ModelExport.Record(temperature: 0.05, strategy: "test", versions: ["mixcse": "test"]))
    }
  }

  private func pooling(_ variant: Variant, layers: Int) -> ExportPooling {
    if variant.name == "unknown" { return ExportPooling(text: variant.pooler, obstacle: "is a chain") }
    var weights = [Float](repeating: 0, count: layers)
    for (layer, share) in zip(variant.layers, variant.shares) { weights[layer] = share }
    let tokens: ExportPooling.Tokens = variant.pooler == "cls" ? .cls : variant.pooler == "max" ? .max : .mean
    return ExportPooling(text: variant.pooler, tokens: tokens, layerWeights: weights)
  }

  /// The poolers written out once more, naively.
  private func embed(
    _ states: [Matrix], _ batch: PackedBatch, _ variant: Variant, _ head: Parameter, _ bias: Parameter
  ) -> FloatBuffer {
    let width = bias.count
    let result = FloatBuffer(count: batch.sequences * width)
    for s in 0..<batch.sequences {
      let tokens = batch.offsets[s]..<batch.offsets[s + 1]
      var row = [Double](repeating: 0, count: width)
      for k in 0..<width {
        for (state, share) in zip(states, variant.shares) {
          let values = tokens.map { Double(state.row($0)[k]) }
          switch variant.pooler {
          case "cls": row[k] = values[0]
          case "max": row[k] = values.max() ?? 0
          default: row[k] += Double(share) * values.reduce(0, +) / Double(values.count)
          }
        }
      }
      for k in 0..<width {
        let dense = (0..<width).reduce(Double(bias.value[k])) { $0 + Double(head.value[k * width + $1]) * row[$1] }
        result.pointer[s * width + k] = Float(variant.hasHead ? tanh(dense) : row[k])
      }
    }
    return result
  }
}
