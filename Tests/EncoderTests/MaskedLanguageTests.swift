// The masked-language-model head against the classes ...ForMaskedLM of Hugging Face's transformers in float64.

import Encoder
import Foundation
import Kernels
import TestSupport
import Testing

@Suite struct MaskedLanguageTests {
  struct Case: Decodable {
    let name: String
    let loss: Double
    let tensors: [String: GradientCase.Tensor]
  }

  @Test(arguments: ["roberta", "bert gelu_new"])
  func lossAndGradients(name: String) throws {
    let test = try #require(try ComputeFixture.load("mlm", as: [Case].self).first { $0.name == name })
    try compare(test, ComputeFixture.tinyEncoder(name, pool: ComputeParityTests.pool))
  }

  @Test(
    "every architecture's head",
    arguments: try ComputeFixture.architectures.get().filter { $0.masked != nil }.map(\.name))
  func architectures(name: String) throws {
    let fixture = try #require(try ComputeFixture.architectures.get().first { $0.name == name })
    let masked = try #require(fixture.masked)
    let test = Case(name: name, loss: masked.loss, tensors: masked.tensors)
    try compare(test, try ComputeFixture.encoder(of: fixture, pool: ComputeParityTests.pool))
  }

  /// Every third token is guessed; labels by the formula of make_mlm_fixture.py.
  private func compare(_ test: Case, _ encoder: TransformerEncoder) throws {
    let head = try MaskedLanguageHead(encoder, weights: nil, seed: 1)
    for (index, parameter) in head.parameters.sorted(by: { $0.name < $1.name }).enumerated() {
      for element in 0..<parameter.count {
        parameter.value[element] = ComputeFixture.weight(
          1000 + index, element, scale: parameter.shape.count == 1 ? 0.3 : 0.2,
          offset: ComputeFixture.isNormWeight(parameter.name) ? 1 : 0)
      }
    }
    let sentences = [1, 2, 7, 16, 17].enumerated().map { s, count in
      (0..<count).map { t in Int32((s * 13 + t * 7 + t * t) % 99 + 2) }
    }
    let batch = PackedBatch(sentences)
    let positions = Array(stride(from: 0, to: batch.tokens.count, by: 3))
    let labels = positions.map { (batch.tokens[$0] * 5 + 3) % Int32(encoder.configuration.vocabularySize) }
    let scale = 0.25
    let hidden = try encoder.forward(
      batch, request: LayerRequest(layers: [encoder.layerCount - 1], firstTokenOnly: false),
      mode: .training(step: 0, hiddenDropout: 0, attentionDropout: 0))[0]
    let gradient = FloatBuffer(count: hidden.rows * hidden.columns)
    let dHidden = gradient.matrix(rows: hidden.rows, columns: hidden.columns)
    let loss = head.train(hidden: hidden, positions: positions, labels: labels, scale: scale, dHidden: dHidden)
    try encoder.backward([dHidden])
    #expect(isClose(loss, test.loss, relative: 1e-5), "\(loss), not \(test.loss)")
    let all = encoder.parameters + head.parameters
    // ModernBERT's head has the names of another one, but for what stands before them.
    func name(_ parameter: Parameter) -> String {
      let prefix = "masked_words."
      return parameter.name.hasPrefix(prefix) ? String(parameter.name.dropFirst(prefix.count)) : parameter.name
    }
    #expect(Set(all.map(name)) == Set(test.tensors.keys))
    for parameter in all {
      let truth = try #require(test.tensors[name(parameter)])
      // The key bias has no gradient in exact arithmetic; it is measured by the query bias.
      let scaleName = ComputeFixture.queryBias(of: parameter.name)
      let size = max(test.tensors[scaleName]?.max ?? truth.max, 1e-30)
      for (k, value) in truth.values.enumerated() {
        let at = ComputeFixture.position(1, 2, k, parameter.count)
        let error = abs(Double(parameter.gradient[at]) / scale - value) / size
        #expect(error < 1e-4, "\(parameter.name)[\(at)]: \(error)")
      }
      let values = UnsafeBufferPointer(start: parameter.gradient, count: parameter.count)
      let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot() / scale
      #expect(isClose(norm, truth.norm, absolute: 1e-4 * size, relative: 1e-4), "\(parameter.name): norm \(norm)")
    }
  }

  /// A word whose bias makes it all but certain: the label's gradient is minus the sum of the others', which are small
  /// numbers formed by themselves, and the loss is that sum.
  @Test(arguments: [Float(12), 20, 30])
  func aLossCloseToZeroKeepsItsDigits(bias: Float) throws {
    let encoder = ComputeFixture.tinyEncoder("bert relu", pool: ComputeParityTests.pool)
    let head = try MaskedLanguageHead(encoder, weights: nil, seed: 3)
    let (tokenBias, label) = (head.parameters[4], 7)
    tokenBias.value[label] = bias
    let batch = PackedBatch([[2, 9, 11, 4], [5, 8]])
    let hidden = try encoder.forward(
      batch, request: LayerRequest(layers: [encoder.layerCount - 1], firstTokenOnly: false),
      mode: .training(step: 0, hiddenDropout: 0, attentionDropout: 0))[0]
    let gradient = FloatBuffer(count: hidden.rows * hidden.columns)
    let loss = head.train(
      hidden: hidden, positions: [1, 3, 5], labels: [7, 7, 7], scale: 1,
      dHidden: gradient.matrix(rows: hidden.rows, columns: hidden.columns))
    let others = (0..<tokenBias.count).filter { $0 != label }.reduce(0.0) { $0 + Double(tokenBias.gradient[$1]) }
    #expect(others > 0 && isClose(-Double(tokenBias.gradient[label]), others, relative: 1e-5))
    #expect(isClose(loss, others, relative: max(1e-5, others)), "\(loss), \(others)")
  }

  @Test func startsAsTheFamilyDoesWhereTheCheckpointHasNone() throws {
    let encoder = ComputeFixture.tinyEncoder("bert relu", pool: ComputeParityTests.pool)
    let head = try MaskedLanguageHead(encoder, weights: nil, seed: 3)
    #expect(!head.isPretrained)
    let dense = head.parameters[0]
    let squares = (0..<dense.count).reduce(0.0) { $0 + Double(dense.value[$1]) * Double(dense.value[$1]) }
    #expect(isClose((squares / Double(dense.count)).squareRoot(), 0.02, relative: 0.1))
    #expect((0..<48).allSatisfy { head.parameters[2].value[$0] == 1 && head.parameters[3].value[$0] == 0 })
  }
}
