// The encoder with products in bfloat16: near the one in float32, and the same bits whoever computes.

import Encoder
import Kernels
import TestSupport
import Testing

@Suite struct RoundedProductsTests {
  static let sentences: [[Int32]] = [[2, 17, 31, 8, 3], [2, 5, 3], [2] + (4..<40).map { Int32($0) } + [3], [2, 3]]

  /// What a pass leaves behind: hidden states and the gradients of every parameter.
  struct Outcome: Equatable {
    var states: [[Float]] = []
    var gradients: [String: [Float]] = [:]
  }

  static func run(
    _ name: String, threads: Int, _ precision: ProductPrecision, firstTokenOnly: Bool = false, copies: Int = 1
  ) throws -> Outcome {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: threads), precision: precision)
    let batch = PackedBatch(Array(repeating: sentences, count: copies).flatMap { $0 })
    let test = GradientCase(
      layers: firstTokenOnly ? [encoder.layerCount - 1] : [1, encoder.layerCount - 1], firstTokenOnly: firstTokenOnly,
      loss: 0, tensors: [:])
    let hidden = try encoder.forward(
      batch, request: LayerRequest(layers: test.layers, firstTokenOnly: firstTokenOnly),
      mode: .training(step: 3, hiddenDropout: 0.1, attentionDropout: 0.1))
    var outcome = Outcome()
    outcome.states = hidden.map { Array(UnsafeBufferPointer(start: $0.pointer, count: $0.rows * $0.columns)) }
    let gradients = ComputeFixture.functional(test, hidden, offsets: batch.offsets).gradients
    try withExtendedLifetime(gradients) {
      try encoder.backward(zip(gradients, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) })
    }
    for parameter in encoder.parameters {
      outcome.gradients[parameter.name] = Array(
        UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
    }
    return outcome
  }

  /// The length of the difference as a share of the length.
  static func distance(_ found: [Float], _ truth: [Float]) -> Double {
    let squares = zip(found, truth).reduce((0.0, 0.0)) { sums, pair in
      let (x, y) = (Double(pair.0), Double(pair.1))
      return (sums.0 + (x - y) * (x - y), sums.1 + y * y)
    }
    return (squares.0 / squares.1).squareRoot()
  }

  /// Operands have a rounding error of 2^-9 at most, and a pass is some ten products deep.
  @Test(arguments: [
    "bert", "bert wide", "roberta", "bert gelu_new", "electra", "albert", "mpnet", "distilbert",
    "modernbert",
  ])
  func isNearFloat32(name: String) throws {
    for firstTokenOnly in [false, true] {
      let (found, truth) = (
        try Self.run(name, threads: 2, .bf16, firstTokenOnly: firstTokenOnly),
        try Self.run(name, threads: 2, .float32, firstTokenOnly: firstTokenOnly)
      )
      for (state, exact) in zip(found.states, truth.states) {
        let distance = Self.distance(state, exact)
        #expect(distance < 0.02 && distance > 1e-5, "\(distance)")
      }
      for (tensor, exact) in truth.gradients
      where !ComputeFixture.isKeyBias(tensor) && exact.contains(where: { $0 != 0 }) {
        let distance = Self.distance(try #require(found.gradients[tensor]), exact)
        #expect(distance < 0.04, "\(tensor): \(distance)")
      }
    }
  }

  /// Enough rows for several tiles and stretches of the sums over tokens.
  @Test(arguments: ["bert", "bert wide", "roberta"])
  func theSameBitsForEveryThreadCount(name: String) throws {
    let one = try Self.run(name, threads: 1, .bf16, copies: 30)
    for threads in 2...3 { #expect(try Self.run(name, threads: threads, .bf16, copies: 30) == one) }
  }

  /// On real sentences, as far as the embeddings point elsewhere.
  @Test(.needs(.model)) func realSentencesStayInPlace() throws {
    guard let exact = try ComputeParityTests.miniLM() else { return }
    let rounded = try #require(try ComputeParityTests.miniLM(precision: .bf16))
    let fixture = try ComputeFixture.load("minilm", as: MiniLMFixture.self)
    let request = LayerRequest(layers: [exact.layerCount - 1], firstTokenOnly: false)
    for sentence in fixture.sentences {
      let batch = PackedBatch([sentence])
      let (x, y) = (
        try exact.forward(batch, request: request, mode: .inference)[0],
        try rounded.forward(batch, request: request, mode: .inference)[0]
      )
      let means = [x, y].map { state in
        (0..<state.columns).map { column in
          (0..<state.rows).reduce(0.0) { $0 + Double(state.row($1)[column]) } / Double(state.rows)
        }
      }
      func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      let cosine =
        product(means[0], means[1]) / (product(means[0], means[0]) * product(means[1], means[1])).squareRoot()
      #expect(cosine > 0.9999 && cosine < 1 - 1e-9, "\(cosine)")
    }
  }
}
