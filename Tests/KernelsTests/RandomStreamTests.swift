// Philox4x32-10 against the known answers of Random123, and what every stream promises.

import CKernels
import Kernels
import Testing

@Suite struct RandomStreamTests {
  /// The three vectors of Random123's kat_vectors for philox4x32-10: counter, key, answer.
  @Test(arguments: [
    (
      [UInt32](repeating: 0, count: 4), [UInt32](repeating: 0, count: 2),
      [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8] as [UInt32]
    ),
    (
      [UInt32](repeating: .max, count: 4), [UInt32](repeating: .max, count: 2),
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ])
  func knownRandomNumbers(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
    var out = [UInt32](repeating: 0, count: 4)
    ck_philox_block(counter, key, &out)
    #expect(out == answer)
    let wideKey = UInt64(key[0]) | UInt64(key[1]) << 32
    let block = UInt64(counter[0]) | UInt64(counter[1]) << 32
    let step = UInt64(counter[2]) | UInt64(counter[3]) << 32
    ck_philox_words(wideKey, step, block, 1, &out)
    #expect(out == answer)
  }

  private func uniform(_ stream: RandomStream, step: UInt64, offset: UInt64, count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.uniform(step: step, offset: offset, into: .init(rebasing: buffer[0..<count]))
      initialized = count
    }
  }

  private func normal(_ stream: RandomStream, step: UInt64, offset: UInt64, count: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      stream.normal(step: step, offset: offset, into: .init(rebasing: buffer[0..<count]))
      initialized = count
    }
  }

  @Test func elementsDependOnPositionOnly() {
    let stream = RandomStream(seed: 42, name: "test")
    let whole = uniform(stream, step: 7, offset: 0, count: 5000)
    let wholeNormal = normal(stream, step: 7, offset: 0, count: 5000)
    for (offset, count) in [(0, 1), (1, 3), (2, 9), (3, 1025), (5, 2048), (1023, 1025), (4999, 1)] {
      #expect(uniform(stream, step: 7, offset: UInt64(offset), count: count) == Array(whole[offset..<offset + count]))
      #expect(
        normal(stream, step: 7, offset: UInt64(offset), count: count) == Array(wholeNormal[offset..<offset + count]))
    }
  }

  @Test func namesSeedsAndStepsGiveOtherNumbers() {
    let base = uniform(RandomStream(seed: 1, name: "a"), step: 0, offset: 0, count: 64)
    #expect(base == uniform(RandomStream(seed: 1, name: "a"), step: 0, offset: 0, count: 64))
    #expect(base != uniform(RandomStream(seed: 1, name: "b"), step: 0, offset: 0, count: 64))
    #expect(base != uniform(RandomStream(seed: 2, name: "a"), step: 0, offset: 0, count: 64))
    #expect(base != uniform(RandomStream(seed: 1, name: "a"), step: 1, offset: 0, count: 64))
  }

  @Test func momentsAreRight() {
    let count = 200_000
    let stream = RandomStream(seed: 3, name: "moments")
    let flat = uniform(stream, step: 0, offset: 0, count: count).map(Double.init)
    #expect(flat.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(flat.reduce(0, +) / Double(count) - 0.5) < 0.003)
    let bell = normal(stream, step: 1, offset: 0, count: count).map(Double.init)
    let mean = bell.reduce(0, +) / Double(count)
    let variance = bell.reduce(0) { $0 + $1 * $1 } / Double(count)
    let fourth = bell.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(count)
    let neighbours = zip(bell, bell.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / Double(count)
    #expect(abs(mean) < 0.01 && abs(variance - 1) < 0.02 && abs(fourth - 3) < 0.12 && abs(neighbours) < 0.01)
  }

  @Test func bitsAreTheBlocksFirstWords() {
    let stream = RandomStream(seed: 9, name: "bits")
    let bits = stream.bits(step: 3, index: 11)
    let first = uniform(stream, step: 3, offset: 44, count: 2)
    #expect(first[0] == Float(UInt32(truncatingIfNeeded: bits) >> 8) * 0x1p-24)
    #expect(first[1] == Float(UInt32(truncatingIfNeeded: bits >> 32) >> 8) * 0x1p-24)
  }
}
