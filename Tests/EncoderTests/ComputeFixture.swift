// Reading Tests/Fixtures/encoder and the formulas that make_fixture.py shares with these tests.

import Encoder
import Foundation
import Kernels
import ModelFiles
import TestSupport

/// Hidden states of one sentence and layer: the norm over all values, and some of them.
struct SampledState: Decodable {
  let norm: Double
  let values: [Double]
}

/// Gradients of one linear functional of hidden states.
struct GradientCase: Decodable {
  struct Tensor: Decodable {
    let norm: Double
    let max: Double
    let values: [Double]
    /// The row the values were taken from; nil: the whole tensor.
    let row: Int?
  }
  let layers: [Int]
  let firstTokenOnly: Bool
  let loss: Double
  let tensors: [String: Tensor]
}

struct MiniLMFixture: Decodable {
  let sentences: [[Int32]]
  let states: [[SampledState]]
  let batch: [[Int32]]
  let gradients: [GradientCase]
}

struct TinyFixture: Decodable {
  struct Model: Decodable {
    let name: String
    let states: [[SampledState]]
    let gradients: [GradientCase]
  }
  let sentences: [[Int32]]
  let models: [Model]
}

/// A model of architectures.json.
struct ArchitectureFixture: Decodable {
  struct Masked: Decodable {
    let loss: Double
    let tensors: [String: GradientCase.Tensor]
  }
  let name: String
  /// The text of config.json.
  let config: String
  let sentences: [[Int32]]
  let states: [[SampledState]]
  let gradients: [GradientCase]
  /// nil where another model of the architecture has it.
  let masked: Masked?
}

enum ComputeFixture {
  /// One model of each architecture, and some more of those that have kinds.
  static let architectures = Result {
    try ["architectures", "modernbert"].flatMap { try load($0, as: [ArchitectureFixture].self) }
  }

  /// The encoder of such a model, filled by the formula.
  static func encoder(
    of fixture: ArchitectureFixture, pool: ThreadPool, precision: ProductPrecision = .float32, learns: Bool = true
  ) throws -> TransformerEncoder {
    let folder = try Scratch()
    try fixture.config.write(toFile: folder.path + "/config.json", atomically: true, encoding: .utf8)
    let configuration = try EncoderConfiguration(contentsOf: folder.path + "/config.json")
    return filled(
      TransformerEncoder(configuration: configuration, pool: pool, seed: 5, precision: precision, learns: learns))
  }

  /// The same by its name, or one of the models of `tinyEncoder`.
  static func encoder(
    _ name: String, pool: ThreadPool, precision: ProductPrecision = .float32, learns: Bool = true
  ) throws -> TransformerEncoder {
    guard let fixture = try architectures.get().first(where: { $0.name == name }) else {
      return tinyEncoder(name, pool: pool, precision: precision, learns: learns)
    }
    return try encoder(of: fixture, pool: pool, precision: precision, learns: learns)
  }

  /// Whether a tensor is the bias of keys, which has no gradient in exact arithmetic: softmax ignores it.
  static func isKeyBias(_ name: String) -> Bool { queryBias(of: name) != name }

  /// The bias of queries beside one of keys; any other name as it is.
  static func queryBias(of name: String) -> String {
    for (key, query) in [("key.bias", "query.bias"), ("k_lin.bias", "q_lin.bias"), ("attn.k.bias", "attn.q.bias")]
    where name.hasSuffix(key) {
      return name.dropLast(key.count) + query
    }
    return name
  }

  static func load<T: Decodable>(_ name: String, as type: T.Type) throws -> T {
    let data = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("encoder/\(name).json")))
    return try JSONDecoder().decode(type, from: data)
  }

  static func position(_ sentence: Int, _ layer: Int, _ k: Int, _ count: Int) -> Int {
    let place: Int = sentence * 7919 + layer * 104729 + k * 1_299_709 + k * k * 31
    return place % count
  }

  static func coefficient(_ layer: Int, _ sentence: Int, _ token: Int, _ feature: Int) -> Double {
    let place: Int = layer * 37 + sentence * 131 + token * 31 + feature * 17
    let mixed: Int = (place + (token * feature) % 29) % 101
    return Double(mixed - 50) / 50
  }

  static func weight(_ tensor: Int, _ element: Int, scale: Double, offset: Double) -> Float {
    var u = (UInt64(element) &* 2_654_435_761 &+ UInt64(tensor) * 40503 + 12345) & 0xffff_ffff
    u ^= u >> 15
    u = (u &* 2_246_822_519) & 0xffff_ffff
    u ^= u >> 13
    return Float(offset + (Double(u) / 4_294_967_296 * 2 - 1) * scale)
  }

  /// The encoder of `tiny_models` by its name in the fixture, filled by the formula; "bert wide" has feed-forward
  /// blocks of several stretches in every precision.
  static func tinyEncoder(
    _ name: String, pool: ThreadPool, seed: UInt64 = 5, precision: ProductPrecision = .float32, learns: Bool = true
  ) -> TransformerEncoder {
    let isRoberta = name == "roberta"
    let configuration = EncoderConfiguration(
      family: isRoberta ? .roberta : .bert, vocabularySize: 101, hiddenSize: 48, layerCount: 3, headCount: 4,
      intermediateSize: name == "bert wide" ? 2 * ProductPrecision.float32.stretch + 33 : 72, maximumPositions: 88,
      typeVocabularySize: isRoberta ? 1 : 2,
      layerNormEpsilon: isRoberta ? 1e-5 : 1e-12, padTokenID: isRoberta ? 1 : 0, positionOffset: isRoberta ? 2 : 0,
      activation: name == "bert relu" ? .relu : name == "bert gelu_new" ? .geluTanh : .gelu)
    return filled(
      TransformerEncoder(configuration: configuration, pool: pool, seed: seed, precision: precision, learns: learns))
  }

  private static func filled(_ encoder: TransformerEncoder) -> TransformerEncoder {
    for (index, parameter) in encoder.parameters.sorted(by: { $0.name < $1.name }).enumerated() {
      for element in 0..<parameter.count {
        parameter.value[element] = weight(
          index, element, scale: parameter.shape.count == 1 ? 0.3 : 0.2,
          offset: isNormWeight(parameter.name) ? 1 : 0)
      }
    }
    return encoder
  }

  /// Whatever an architecture calls it: LayerNorm, sa_layer_norm, full_layer_layer_norm, attn_norm.
  static func isNormWeight(_ name: String) -> Bool { name.lowercased().hasSuffix("norm.weight") }

  /// The gradients of the functional, laid out like the hidden states, and the functional's value.
  static func functional(_ test: GradientCase, _ hidden: [Matrix], offsets: [Int]) -> (
    loss: Double, gradients: [FloatBuffer]
  ) {
    var loss = 0.0
    let gradients = zip(test.layers, hidden).map { layer, state in
      let gradient = FloatBuffer(count: state.rows * state.columns)
      for sentence in 0..<offsets.count - 1 {
        let tokens = test.firstTokenOnly ? 1 : offsets[sentence + 1] - offsets[sentence]
        for token in 0..<tokens {
          let row = test.firstTokenOnly ? sentence : offsets[sentence] + token
          for feature in 0..<state.columns {
            let c = coefficient(layer, sentence, token, feature)
            gradient.pointer[row * state.columns + feature] = Float(c)
            loss += c * Double(state.row(row)[feature])
          }
        }
      }
      return gradient
    }
    return (loss, gradients)
  }

  /// Runs forward and backward of a case at dropout 0 and returns the functional.
  static func run(_ test: GradientCase, _ encoder: TransformerEncoder, _ batch: PackedBatch) throws -> Double {
    for parameter in encoder.parameters { parameter.clearGradient() }
    let hidden = try encoder.forward(
      batch, request: LayerRequest(layers: test.layers, firstTokenOnly: test.firstTokenOnly),
      mode: .training(step: 0, hiddenDropout: 0, attentionDropout: 0))
    let (loss, gradients) = functional(test, hidden, offsets: batch.offsets)
    try withExtendedLifetime(gradients) {
      try encoder.backward(zip(gradients, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) })
    }
    return loss
  }
}
