// The encoder against Hugging Face transformers in float64: hidden states of every layer, gradients of every
// parameter, on all-MiniLM-L6-v2 with real sentences and on small random models.

import Encoder
import Foundation
import Kernels
import ModelFiles
import TestSupport
import Testing

@Suite struct ComputeParityTests {
  static let pool = ThreadPool(threads: min(2, ThreadPool.availableThreads()))

  static func miniLM(precision: ProductPrecision = .float32) throws -> TransformerEncoder? {
    guard let path = Resources.model else { return nil }
    let folder = try ModelFolder(path: path)
    return try TransformerEncoder(
      configuration: folder.configuration, weights: folder.openWeights(), pool: pool, seed: 1,
      precision: precision)
  }

  /// The largest error of sampled values and of norms (per value) over sentences and layers.
  static func compareStates(_ encoder: TransformerEncoder, _ sentences: [[Int32]], _ expected: [[SampledState]])
    throws -> Double
  {
    var worst = 0.0
    for start in stride(from: 0, to: sentences.count, by: 8) {
      let group = Array(sentences[start..<min(start + 8, sentences.count)])
      let batch = PackedBatch(group)
      let hidden = try encoder.forward(
        batch, request: LayerRequest(layers: Array(0..<encoder.layerCount), firstTokenOnly: false), mode: .inference)
      for (index, ids) in group.enumerated() {
        for (layer, state) in hidden.enumerated() {
          let values = UnsafeBufferPointer(start: state.row(batch.offsets[index]), count: ids.count * state.columns)
          let truth = expected[start + index][layer]
          let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
          worst = max(worst, abs(norm - truth.norm) / Double(values.count).squareRoot())
          for (k, value) in truth.values.enumerated() {
            let at = ComputeFixture.position(start + index, layer, k, values.count)
            worst = max(worst, abs(Double(values[at]) - value))
          }
        }
      }
    }
    return worst
  }

  /// The largest error relative to the largest gradient of its tensor. The key bias has no gradient in exact
  /// arithmetic (softmax ignores it), so it is measured by the query bias.
  static func compareGradients(_ test: GradientCase, _ encoder: TransformerEncoder, _ batch: PackedBatch) throws
    -> Double
  {
    let loss = try ComputeFixture.run(test, encoder, batch)
    #expect(isClose(loss, test.loss, absolute: 0.01, relative: 1e-4))
    var worst = 0.0
    #expect(Set(test.tensors.keys) == Set(encoder.parameters.map(\.name)))
    for parameter in encoder.parameters {
      let truth = try #require(test.tensors[parameter.name])
      let scaleName = ComputeFixture.queryBias(of: parameter.name)
      let scale = max(test.tensors[scaleName]?.max ?? truth.max, 1e-30)
      let values = UnsafeBufferPointer(start: parameter.gradient, count: parameter.count)
      let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      var error = abs(norm - truth.norm) / max(truth.norm, scale)
      let width = truth.row == nil ? parameter.count : parameter.shape[1]
      for (k, value) in truth.values.enumerated() {
        let at = (truth.row ?? 0) * width + ComputeFixture.position(1, 2, k, width)
        error = max(error, abs(Double(values[at]) - value) / scale)
      }
      #expect(error < 1e-3, "\(parameter.name): \(error)")
      worst = max(worst, error)
    }
    return worst
  }

  @Test(.needs(.model)) func hiddenStatesOfRealSentences() throws {
    let encoder = try #require(try Self.miniLM())
    let fixture = try ComputeFixture.load("minilm", as: MiniLMFixture.self)
    let worst = try Self.compareStates(encoder, fixture.sentences, fixture.states)
    print("hidden states of all-MiniLM-L6-v2: largest error \(worst)")
    #expect(worst < 2e-5)
  }

  @Test(.needs(.model)) func gradientsOfRealSentences() throws {
    let encoder = try #require(try Self.miniLM())
    let fixture = try ComputeFixture.load("minilm", as: MiniLMFixture.self)
    for test in fixture.gradients {
      let worst = try Self.compareGradients(test, encoder, PackedBatch(fixture.batch))
      print("gradients of all-MiniLM-L6-v2, layers \(test.layers): largest relative error \(worst)")
    }
  }

  /// "padding" has texts that hold the padding token literally.
  @Test(
    arguments: [
      ("tiny", "roberta"), ("tiny", "bert gelu_new"), ("tiny", "bert relu"), ("padding", "roberta"),
      ("padding", "bert gelu_new"),
    ])
  func randomModels(file: String, name: String) throws {
    let fixture = try ComputeFixture.load(file, as: TinyFixture.self)
    let model = try #require(fixture.models.first { $0.name == name })
    let encoder = ComputeFixture.tinyEncoder(name, pool: Self.pool)
    #expect(try Self.compareStates(encoder, fixture.sentences, model.states) < 2e-5)
    for test in model.gradients {
      let worst = try Self.compareGradients(test, encoder, PackedBatch(fixture.sentences))
      print("\(name), layers \(test.layers), first only \(test.firstTokenOnly): largest relative error \(worst)")
    }
  }
}
