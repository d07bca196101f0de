// An encoder in parts against the same one on whole batches: the same bits forward, the same gradients but for the
// order of sums.

import Encoder
import Kernels
import TestSupport
import Testing

@Suite struct ChunkedEncoderTests {
  private static let batch: PackedBatch = {
    var batch = PackedBatch(
      [1, 2, 7, 17, 40, 3, 9, 21].enumerated().map { s, count in
        (0..<count).map { Int32((s * 13 + $0 * 7 + $0 * $0) % 99 + 2) }
      })
    batch.dropout = nil
    return batch
  }()
  private static let requests = [
    LayerRequest(layers: [3], firstTokenOnly: true), LayerRequest(layers: [0, 2, 3], firstTokenOnly: false),
  ]

  private func numbers(_ matrices: [Matrix]) -> [[Float]] {
    matrices.map { Array(UnsafeBufferPointer(start: $0.pointer, count: $0.rows * $0.columns)) }
  }

  private static let modes: [EncoderMode] = [
    .inference, .reading(step: 9, hiddenDropout: 0.2, attentionDropout: 0.1),
    .training(step: 9, hiddenDropout: 0.2, attentionDropout: 0.1),
  ]

  @Test(
    "hidden states are the same bits", arguments: ["roberta", "bert gelu_new", "mpnet", "albert", "modernbert biased"],
    [1, 3, 7, 8, 100])
  func sameBits(_ name: String, _ size: Int) throws {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 2))
    let chunked = ChunkedEncoder(encoder, size: size)
    var varied = Self.batch
    varied.dropout = [0.5, -1, 0, -1, 0.3, -1, 0.9, 0]
    for (batch, request, mode) in [Self.batch, varied].flatMap({ batch in
      Self.requests.flatMap { request in Self.modes.map { (batch, request, $0) } }
    }) {
      let whole = numbers(try encoder.forward(batch, request: request, mode: mode))
      #expect(numbers(try chunked.forward(batch, request: request, mode: mode)) == whole)
    }
  }

  @Test(
    "gradients are those of the whole batch to 1e-6",
    arguments: ["bert wide", "mpnet", "albert", "modernbert", "modernbert biased"], [1, 3, 7, 8])
  func gradients(_ name: String, _ size: Int) throws {
    let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 2))
    for request in Self.requests {
      func gradients(_ passes: any SentenceEncoder) throws -> [[Double]] {
        for parameter in encoder.parameters { parameter.clearGradient() }
        let hidden = try passes.forward(Self.batch, request: request, mode: Self.modes[2])
        let owners = hidden.enumerated().map { layer, states in
          let buffer = FloatBuffer(count: states.rows * states.columns)
          for i in 0..<buffer.count { buffer.pointer[i] = ComputeFixture.weight(layer, i, scale: 1, offset: 0) }
          return buffer
        }
        try withExtendedLifetime(owners) {
          try passes.backward(zip(owners, hidden).map { $0.matrix(rows: $1.rows, columns: $1.columns) })
        }
        return encoder.parameters.map { parameter in
          (0..<parameter.count).map { Double(parameter.gradient[$0]) }
        }
      }
      let whole = try gradients(encoder)
      let parts = try gradients(ChunkedEncoder(encoder, size: size))
      // Keys' biases have no gradient but rounding.
      for (parameter, (a, b)) in zip(encoder.parameters, zip(whole, parts))
      where !ComputeFixture.isKeyBias(parameter.name) {
        let norm = a.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let error = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        #expect(error <= 1e-6 * norm, "\(parameter.name): \(error) of \(norm)")
      }
    }
  }

  @Test("a step takes the memory of a part, however large the batch", arguments: ["bert wide", "albert"])
  func memory(_ name: String) throws {
    for request in Self.requests {
      func numbers(_ sequences: Int, size: Int?) throws -> Int {
        let encoder = try ComputeFixture.encoder(name, pool: ThreadPool(threads: 1))
        let passes = ChunkedEncoder.of(encoder, size: size)
        let lengths = [Int](repeating: 9, count: sequences)
        let batch = PackedBatch(lengths.map { Array(Self.batch.tokens.suffix($0)) })
        try passes.backward(try passes.forward(batch, request: request, mode: Self.modes[2]))
        return reserved(encoder)
      }
      let part = try numbers(4, size: nil)
      #expect(try part > 0 && numbers(8, size: nil) > part)
      #expect(try numbers(8, size: 4) == part && numbers(48, size: 4) == part)
    }
  }

  /// How many numbers there is room for in the buffers that passes write to, wherever an encoder has them.
  private func reserved(_ encoder: TransformerEncoder) -> Int {
    var seen: Set<ObjectIdentifier> = []
    func count(_ value: Any) -> Int {
      let mirror = Mirror(reflecting: value)
      if mirror.displayStyle == .class {
        // Threads have buffers of their own, for products of any kind.
        guard !(value is ThreadPool), seen.insert(ObjectIdentifier(value as AnyObject)).inserted else { return 0 }
      }
      if let buffer = value as? ScratchBuffer { return buffer.capacity }
      return mirror.children.reduce(0) { $0 + count($1.value) }
    }
    return count(encoder)
  }

  @Test("a sequence that cannot be computed is named by its place in the whole batch")
  func names() throws {
    let chunked = ChunkedEncoder(ComputeFixture.tinyEncoder("roberta", pool: ThreadPool(threads: 1)), size: 2)
    let batch = PackedBatch((0..<6).map { [2, 3, $0 == 5 ? 4000 : 4] })
    #expect {
      _ = try chunked.forward(batch, request: Self.requests[0], mode: .inference)
    } throws: { error in
      "\(error)".contains("sequence 5")
    }
  }
}
