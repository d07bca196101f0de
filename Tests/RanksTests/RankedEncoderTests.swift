// One process with its batches in shards against the plain encoder and optimiser: with one shard the same bits all the
// way, with several the same sums in another order. What several processes do is tested with mpirun (CommandTests).

import Encoder
import Kernels
import Ranks
import TestSupport
import Testing

@Suite struct RankedEncoderTests {
  private static let pool = ThreadPool(threads: 2)
  private static let request = LayerRequest(layers: [1, 2], firstTokenOnly: false)
  private static let mode = EncoderMode.training(step: 3, hiddenDropout: 0.1, attentionDropout: 0.1)
  private static let batch = PackedBatch(
    [4, 9, 2, 30, 7, 7].enumerated().map { s, count in (0..<count).map { Int32((s * 13 + $0 * 7) % 60 + 2) } })

  /// The same weights each time; the two feed-forward maps have more numbers than a chunk.
  private func encoder() -> TransformerEncoder {
    let configuration = EncoderConfiguration(
      family: .bert, vocabularySize: 70, hiddenSize: 96, layerCount: 2, headCount: 4, intermediateSize: 500,
      maximumPositions: 40, typeVocabularySize: 2)
    let encoder = TransformerEncoder(configuration: configuration, pool: Self.pool, seed: 5)
    var state: UInt32 = 1
    for parameter in encoder.parameters {
      for element in 0..<parameter.count {
        state = state &* 1_664_525 &+ 1_013_904_223
        parameter.value[element] =
          Float(Int32(bitPattern: state)) / 0x1p34 + (parameter.name.hasSuffix("LayerNorm.weight") ? 1 : 0)
      }
    }
    return encoder
  }

  /// Hidden states, and two steps of the gradients that they have times themselves.
  private func train(_ passes: any SentenceEncoder, step: (Double, Int) throws -> Void) throws -> [Float] {
    var seen: [Float] = []
    for number in 1...2 {
      let hidden = try passes.forward(Self.batch, request: Self.request, mode: Self.mode)
      seen += hidden.flatMap { Array(UnsafeBufferPointer(start: $0.pointer, count: $0.rows * $0.columns)) }
      try passes.backward(hidden)
      let norm =
        try passes.device?.squaredGradientNorm()
        ?? passes.parameters.reduce(0) { $0 + squaredGradientNorm(Self.pool, $1) }
      seen.append(Float(norm))
      try step(norm, number)
    }
    return seen + passes.parameters.flatMap { Array(UnsafeBufferPointer(start: $0.value, count: $0.count)) }
  }

  private func plain() throws -> [Float] {
    let encoder = encoder()
    let moments = encoder.parameters.map { (FloatBuffer(count: $0.count), FloatBuffer(count: $0.count)) }
    return try withExtendedLifetime(moments) {
      try train(encoder) { norm, number in
        for (parameter, (m, v)) in zip(encoder.parameters, moments) {
          adamwStep(
            Self.pool, parameter, m: m.pointer, v: v.pointer, learningRate: 1e-3, weightDecay: 0.01, step: number,
            gradientScale: Float(1 / norm.squareRoot()))
          parameter.clearGradient(Self.pool)
        }
      }
    }
  }

  private func ranked(shards: Int) throws -> [Float] {
    let ranked = RankedEncoder(encoder(), folder: "", seed: 5, threads: nil, shards: shards, group: RankGroup())
    return try train(ranked) { norm, number in
      ranked.step(
        DeviceStep(
          learningRate: Double(Float(1e-3)), weightDecay: Double(Float(0.01)),
          gradientScale: Double(Float(1 / norm.squareRoot())), number: number))
    }
  }

  @Test func oneShardIsThePlainEncoder() throws {
    #expect(try ranked(shards: 1) == plain())
  }

  @Test("several shards add up in another order", arguments: [2, 4, 8])
  func shards(_ shards: Int) throws {
    let (expected, found) = (try plain(), try ranked(shards: shards))
    let first = 2 * Self.batch.tokens.count * 96
    #expect(found.prefix(first) == expected.prefix(first), "nothing was added up yet")
    #expect(isClose(Double(found[first]), Double(expected[first]), relative: 1e-6))
    // The gradient of keys' biases is zero but for rounding, and AdamW takes whole steps in its direction.
    let isNoise = encoder().parameters.flatMap { [Bool](repeating: $0.name.hasSuffix("key.bias"), count: $0.count) }
    let weights = zip(expected.suffix(isNoise.count), found.suffix(isNoise.count))
    #expect(zip(isNoise, weights).allSatisfy { $0 || abs($1.0 - $1.1) < 2e-3 })
  }

  @Test func checkpointsSeeMomentsWhole() throws {
    let ranked = RankedEncoder(encoder(), folder: "", seed: 5, threads: nil, shards: 2, group: RankGroup())
    _ = try train(ranked) { _, number in
      ranked.step(DeviceStep(learningRate: 1e-3, weightDecay: 0, gradientScale: 1, number: number))
    }
    let copy = RankedEncoder(encoder(), folder: "", seed: 5, threads: nil, shards: 1, group: RankGroup())
    for (index, parameter) in ranked.parameters.enumerated() {
      let (there, back) = (FloatBuffer(count: parameter.count), FloatBuffer(count: parameter.count))
      for part in DevicePart.allCases where part != .gradient {
        ranked.read(part, of: index, into: there.pointer)
        copy.write(part, of: index, from: there.pointer)
        copy.read(part, of: index, into: back.pointer)
        let isSame = (0..<parameter.count).allSatisfy { there.pointer[$0] == back.pointer[$0] }
        #expect(isSame, "\(part) of \(parameter.name)")
        let isZero = (0..<parameter.count).allSatisfy { there.pointer[$0] == 0 }
        #expect(!isZero || parameter.name.contains("token_type"), "\(part) of \(parameter.name) is zero")
      }
    }
  }
}
