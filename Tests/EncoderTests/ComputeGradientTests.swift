// The encoder against itself: gradients against central differences with dropout on, first tokens against full
// layers, every thread count against one thread, and what it refuses.

import Encoder
import Kernels
import TestSupport
import Testing

@Suite struct ComputeGradientTests {
  private static let lengths = [1, 2, 7, 17, 40]
  private static let batch = makeBatch(lengths)

  private static func makeBatch(_ lengths: [Int]) -> PackedBatch {
    PackedBatch(
      lengths.enumerated().map { s, count in (0..<count).map { Int32((s * 13 + $0 * 7 + $0 * $0) % 99 + 2) } })
  }
  private static let training = EncoderMode.training(step: 3, hiddenDropout: 0.2, attentionDropout: 0.1)

  private func test(_ layers: [Int], firstTokenOnly: Bool) -> GradientCase {
    GradientCase(layers: layers, firstTokenOnly: firstTokenOnly, loss: 0, tensors: [:])
  }

  private func forward(
    _ encoder: TransformerEncoder, _ test: GradientCase, _ mode: EncoderMode = training,
    on batch: PackedBatch = batch
  ) throws -> [Matrix] {
    try encoder.forward(
      batch, request: LayerRequest(layers: test.layers, firstTokenOnly: test.firstTokenOnly), mode: mode)
  }

  /// Gradients of the functional of a case with dropout, tensor by tensor.
  private func gradients(_ encoder: TransformerEncoder, _ test: GradientCase, on batch: PackedBatch = batch) throws
    -> [[Float]]
  {
    for parameter in encoder.parameters { parameter.clearGradient() }
    let hidden = try forward(encoder, test, on: batch)
    let upstream = ComputeFixture.functional(test, hidden, offsets: batch.offsets).gradients
    try withExtendedLifetime(upstream) {
      try encoder.backward(zip(upstream, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) })
    }
    return encoder.parameters.map { Array(UnsafeBufferPointer(start: $0.gradient, count: $0.count)) }
  }

  private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  /// Along the gradient plus a random direction, both of length 1, the slope must be the gradient's length plus
  /// its part along the random direction.
  @Test(
    arguments: [
      "roberta", "bert gelu_new", "bert wide", "distilbert", "mpnet", "electra", "ernie", "albert", "modernbert",
      "modernbert biased", "modernbert wide",
    ], [false, true])
  func centralDifferencesWithDropout(name: String, firstTokenOnly: Bool) throws {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 2))
    let test = test(firstTokenOnly ? [1, 3] : [0, 2, 3], firstTokenOnly: firstTokenOnly)
    let analytic = try gradients(encoder, test)
    var worst = 0.0
    for (parameter, gradient) in zip(encoder.parameters, analytic) where !ComputeFixture.isKeyBias(parameter.name) {
      let g = gradient.map(Double.init)
      let random = (0..<g.count).map { Double(ComputeFixture.weight(77, $0, scale: 1, offset: 0)) }
      let (size, randomSize) = (norm(g), norm(random))
      // What stands above the highest hidden state that is read has no part in it.
      if encoder.layerCount > 4, ["layers.3.", "final_norm."].contains(where: parameter.name.hasPrefix) {
        #expect(size == 0, "\(parameter.name)")
        continue
      }
      let direction = zip(g, random).map { $0 / size + $1 / randomSize }
      let start = Array(UnsafeBufferPointer(start: parameter.value, count: parameter.count))
      func loss(_ step: Double) throws -> Double {
        for i in 0..<start.count { parameter.value[i] = Float(Double(start[i]) + step * direction[i]) }
        let hidden = try forward(encoder, test)
        return ComputeFixture.functional(test, hidden, offsets: Self.batch.offsets).loss
      }
      let slope = try (loss(2e-3) - loss(-2e-3)) / 4e-3
      for i in 0..<start.count { parameter.value[i] = start[i] }
      let expected = zip(g, direction).reduce(0) { $0 + $1.0 * $1.1 }
      let error = abs(slope - expected) / size
      #expect(error < 5e-3, "\(parameter.name): \(slope), expected \(expected)")
      worst = max(worst, error)
    }
    print("\(name), first only \(firstTokenOnly): largest error of a slope \(worst)")
  }

  @Test(arguments: ["roberta", "distilbert", "mpnet", "albert", "modernbert", "modernbert biased"])
  func firstTokensAgreeWithFullLayers(name: String) throws {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 2))
    let (short, full) = (test([0, 2, 3], firstTokenOnly: true), test([0, 2, 3], firstTokenOnly: false))
    let width = encoder.hiddenSize
    let shortStates = try forward(encoder, short).map {
      Array(UnsafeBufferPointer(start: $0.pointer, count: 5 * width))
    }
    let fullStates = try forward(encoder, full)
    for (found, state) in zip(shortStates, fullStates) {
      for (i, value) in found.enumerated() {
        #expect(abs(value - state.row(Self.batch.offsets[i / width])[i % width]) < 1e-5)
      }
    }
    let found = try gradients(encoder, short)
    for parameter in encoder.parameters { parameter.clearGradient() }
    let hidden = try forward(encoder, full)
    let upstream = hidden.map { FloatBuffer(count: $0.rows * $0.columns) }
    for (layer, buffer) in zip(full.layers, upstream) {
      for sentence in 0..<5 {
        for feature in 0..<width {
          buffer.pointer[Self.batch.offsets[sentence] * width + feature] = Float(
            ComputeFixture.coefficient(layer, sentence, 0, feature))
        }
      }
    }
    try withExtendedLifetime(upstream) {
      try encoder.backward(zip(upstream, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) })
    }
    for (parameter, values) in zip(encoder.parameters, found) where !ComputeFixture.isKeyBias(parameter.name) {
      let scale = values.reduce(0) { max($0, abs($1)) }
      for i in 0..<parameter.count {
        #expect(abs(parameter.gradient[i] - values[i]) <= 1e-4 * scale, "\(parameter.name)")
      }
    }
  }

  /// Long enough for several tiles of rows; a short batch in between must leave no trace in reused memory.
  @Test(arguments: ["roberta", "mpnet", "electra", "albert", "modernbert", "modernbert biased"], [false, true])
  func gradientsHaveTheSameBitsForEveryThreadCount(name: String, firstTokenOnly: Bool) throws {
    let batch = Self.makeBatch((0..<150).map { 1 + $0 * 7 % 23 })
    let test = test([1, 3], firstTokenOnly: firstTokenOnly)
    let one = try gradients(ComputeFixture.encoder(name, pool: ThreadPool(threads: 1)), test, on: batch)
    for threads in 2...4 {
      let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: threads))
      #expect(try gradients(encoder, test, on: batch) == one)
      _ = try gradients(encoder, test)
      #expect(try gradients(encoder, test, on: batch) == one)
    }
  }

  /// A model and the hidden states that are asked of it.
  struct Request: CustomTestStringConvertible {
    let name: String
    let layers: [Int]
    var testDescription: String { "\(name), \(layers)" }
  }

  private static func requests(_ names: [String]) -> [Request] {
    names.flatMap { name in [[0], [1], [0, 1, 3], [3]].map { Request(name: name, layers: $0) } }
  }

  /// Sequences that share tokens at the same place, whose embeddings are computed once, get the bits they get alone.
  @Test(arguments: requests(["bert wide", "modernbert", "modernbert biased"]), [false, true])
  func inferenceOfABatchIsThatOfItsSequences(request: Request, firstTokenOnly: Bool) throws {
    let layers = request.layers
    let encoder = try ComputeFixture.encoder(request.name, pool: ThreadPool(threads: 2))
    let sequences: [[Int32]] = [
      [3, 7, 9, 4], [3, 7, 4], [7, 3, 9, 4, 4, 4, 4, 4, 4], [3, 8, 9, 4], [3], [3, 7, 9, 4],
    ]
    func states(_ sequences: [[Int32]]) throws -> [[Float]] {
      try forward(encoder, test(layers, firstTokenOnly: firstTokenOnly), .inference, on: PackedBatch(sequences)).map {
        Array(UnsafeBufferPointer(start: $0.pointer, count: $0.rows * $0.columns))
      }
    }
    let together = try states(sequences)
    let alone = try sequences.map { try states([$0]) }
    for layer in layers.indices { #expect(together[layer] == alone.flatMap { $0[layer] }) }
  }

  /// What keeps nothing gives the bits of training, with and without dropout, in an encoder that has no gradients.
  @Test(arguments: requests(["bert wide", "modernbert", "modernbert wide"]), [false, true])
  func readingHasTheBitsOfTraining(request: Request, firstTokenOnly: Bool) throws {
    let pool = ThreadPool(threads: 2)
    let trained = try ComputeFixture.encoder(request.name, pool: pool)
    let reader = try ComputeFixture.encoder(request.name, pool: pool, learns: false)
    let test = test(request.layers, firstTokenOnly: firstTokenOnly)
    for (hidden, attention): (Float, Float) in [(0.2, 0.1), (0, 0.1), (0.2, 0)] {
      func states(_ encoder: TransformerEncoder, _ mode: EncoderMode) throws -> [[Float]] {
        try forward(encoder, test, mode).map {
          Array(UnsafeBufferPointer(start: $0.pointer, count: $0.rows * $0.columns))
        }
      }
      let expected = try states(trained, .training(step: 3, hiddenDropout: hidden, attentionDropout: attention))
      let reading = EncoderMode.reading(step: 3, hiddenDropout: hidden, attentionDropout: attention)
      #expect(try states(reader, reading) == expected)
      #expect(try states(trained, reading) == expected)
    }
  }

  /// A sequence with a rate of its own is dropped by that rate alone: the others keep their bits, and the pass's own
  /// rate, said of a sequence, changes none.
  @Test(arguments: requests(["bert wide", "modernbert biased"]).filter { $0.layers != [1] }, [false, true])
  func dropoutOfSequences(request: Request, firstTokenOnly: Bool) throws {
    let layers = request.layers
    let encoder = try ComputeFixture.encoder(request.name, pool: ThreadPool(threads: 2))
    let test = test(layers, firstTokenOnly: firstTokenOnly)
    func states(_ rates: [Float]?, hidden: Float = 0.1, attention: Float = 0.1) throws -> [[[Float]]] {
      var batch = Self.batch
      batch.dropout = rates
      let mode = EncoderMode.training(step: 3, hiddenDropout: hidden, attentionDropout: attention)
      return try forward(encoder, test, mode, on: batch).map { state in
        batch.offsets.indices.dropLast().map { s in
          let rows = firstTokenOnly ? s..<s + 1 : batch.offsets[s]..<batch.offsets[s + 1]
          return rows.flatMap { row in (0..<state.columns).map { state.row(row)[$0] } }
        }
      }
    }
    let plain = try states(nil)
    #expect(try states([0.1, -1, 0.1, -1, 0.1]) == plain)
    #expect(try states([0, 0, 0, 0, 0]) == states(nil, hidden: 0, attention: 0))
    #expect(try states([0.4, 0.4, 0.4, 0.4, 0.4], hidden: 0, attention: 0) == states(nil, hidden: 0.4, attention: 0.4))
    let mixed = try states([-1, 0.4, -1, 0, -1])
    let heavy = try states(nil, hidden: 0.4, attention: 0.4)
    let none = try states(nil, hidden: 0, attention: 0)
    for layer in layers.indices {
      for s in 0..<5 { #expect(mixed[layer][s] == (s == 1 ? heavy : s == 3 ? none : plain)[layer][s]) }
      #expect(mixed[layer][3] != plain[layer][3])
    }
  }

  /// Gradients of a batch whose sequences have rates of their own.
  @Test(arguments: [false, true]) func centralDifferencesWithDropoutOfSequences(firstTokenOnly: Bool) throws {
    let encoder = ComputeFixture.tinyEncoder("roberta", pool: ThreadPool(threads: 2))
    let test = test(firstTokenOnly ? [1, 3] : [0, 2, 3], firstTokenOnly: firstTokenOnly)
    var batch = Self.batch
    batch.dropout = [0.3, -1, 0, 0.5, 0.1]
    let analytic = try gradients(encoder, test, on: batch)
    for threads in [1, 3] {
      let other = ComputeFixture.tinyEncoder("roberta", pool: ThreadPool(threads: threads))
      #expect(try gradients(other, test, on: batch) == analytic)
    }
    for (parameter, gradient) in zip(encoder.parameters, analytic) where !ComputeFixture.isKeyBias(parameter.name) {
      let g = gradient.map(Double.init)
      let size = norm(g)
      let start = Array(UnsafeBufferPointer(start: parameter.value, count: parameter.count))
      func loss(_ step: Double) throws -> Double {
        for i in 0..<start.count { parameter.value[i] = Float(Double(start[i]) + step * g[i] / size) }
        return ComputeFixture.functional(test, try forward(encoder, test, on: batch), offsets: batch.offsets).loss
      }
      let slope = try (loss(2e-3) - loss(-2e-3)) / 4e-3
      for i in 0..<start.count { parameter.value[i] = start[i] }
      #expect(abs(slope - size) < 5e-3 * size, "\(parameter.name): \(slope), expected \(size)")
    }
  }

  @Test func masksFollowSeedAndStep() throws {
    let pool = ThreadPool(threads: 2)
    let test = test([3], firstTokenOnly: true)
    func states(seed: UInt64, step: UInt64) throws -> [Float] {
      let encoder = ComputeFixture.tinyEncoder("roberta", pool: pool, seed: seed)
      let mode = EncoderMode.training(step: step, hiddenDropout: 0.1, attentionDropout: 0.1)
      let hidden = try forward(encoder, test, mode)
      return Array(UnsafeBufferPointer(start: hidden[0].pointer, count: hidden[0].rows * hidden[0].columns))
    }
    #expect(try states(seed: 1, step: 1) == states(seed: 1, step: 1))
    #expect(try states(seed: 1, step: 1) != states(seed: 1, step: 2))
    #expect(try states(seed: 1, step: 1) != states(seed: 2, step: 1))
  }

  @Test func gradientsAccumulate() throws {
    let encoder = ComputeFixture.tinyEncoder("bert relu", pool: ThreadPool(threads: 2))
    let test = test([3], firstTokenOnly: false)
    let once = try gradients(encoder, test)
    let hidden = try forward(encoder, test)
    let upstream = ComputeFixture.functional(test, hidden, offsets: Self.batch.offsets).gradients
    try withExtendedLifetime(upstream) {
      try encoder.backward([upstream[0].matrix(rows: hidden[0].rows, columns: hidden[0].columns)])
    }
    for (parameter, values) in zip(encoder.parameters, once) where !ComputeFixture.isKeyBias(parameter.name) {
      let scale = values.reduce(0) { max($0, abs($1)) }
      for i in 0..<parameter.count { #expect(abs(parameter.gradient[i] - 2 * values[i]) <= 1e-5 * scale) }
    }
  }

  @Test func refusesWhatItCannotEncode() {
    let encoder = ComputeFixture.tinyEncoder("roberta", pool: ThreadPool(threads: 1))
    let request = LayerRequest(layers: [3], firstTokenOnly: false)
    let long = [Int32](repeating: 5, count: 89)
    #expect(throws: EncoderError.sequenceLength(sequence: 1, tokens: 89, maximum: 88)) {
      try encoder.forward(PackedBatch([[5], long]), request: request, mode: .inference)
    }
    #expect(throws: EncoderError.sequenceLength(sequence: 0, tokens: 0, maximum: 88)) {
      try encoder.forward(PackedBatch([[], [5]]), request: request, mode: .inference)
    }
    for bad in [Int32(-1), 101] {
      let expected = EncoderError.tokenOutOfRange(sequence: 1, position: 2, token: bad, vocabularySize: 101)
      #expect(throws: expected) {
        try encoder.forward(PackedBatch([[5], [6, 7, bad]]), request: request, mode: .inference)
      }
    }
  }

  @Test func emptyBatchesGiveEmptyStates() throws {
    let encoder = ComputeFixture.tinyEncoder("roberta", pool: ThreadPool(threads: 1))
    let hidden = try encoder.forward(
      PackedBatch([]), request: LayerRequest(layers: [0, 3], firstTokenOnly: true), mode: .inference)
    #expect(hidden.map(\.rows) == [0, 0])
  }
}
