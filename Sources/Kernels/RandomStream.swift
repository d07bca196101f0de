// Named, counter-based random numbers: an element depends on seed, name, step and position only, so adding
// a consumer or a thread changes nobody else's numbers. Used for dropout, initialisation, data order, plugins.

import CKernels

/// One named stream of Philox4x32-10 under a seed; key = (seed, name), counter = (position, step).
package struct RandomStream: Sendable {
  /// The 64-bit Philox key made of seed and name.
  package let key: UInt64

  /// The stream `name` under `seed`.
  package init(seed: UInt64, name: String) {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    key = RandomStream.mixed(RandomStream.mixed(seed) ^ hash)
  }

  /// Fills `target` with uniform numbers in [0, 1) with 24 bits; element `k` depends on `(step, offset + k)` only.
  package func uniform(step: UInt64, offset: UInt64, into target: UnsafeMutableBufferPointer<Float>) {
    forEachBlockRun(step: step, offset: offset, count: target.count) { words, start, count, position in
      guard let base = target.baseAddress else { return }
      ck_words_to_uniform(words + start, Int64(count), base + position)
    }
  }

  /// Fills `target` with normal numbers (mean 0, variance 1); element `k` depends on `(step, offset + k)` only.
  ///
  /// Source: Box and Muller, "A note on the generation of random normal deviates", 1958; words 2j and 2j + 1
  /// give elements 2j (cosine) and 2j + 1 (sine).
  package func normal(step: UInt64, offset: UInt64, into target: UnsafeMutableBufferPointer<Float>) {
    forEachBlockRun(step: step, offset: offset, count: target.count) { words, start, count, position in
      guard let base = target.baseAddress else { return }
      ck_words_to_normal(words, Int64(start), Int64(count), base + position)
    }
  }

  /// 64 random bits of `(step, index)`; `uniform` at offset `4 * index` of the same step shares them.
  package func bits(step: UInt64, index: UInt64) -> UInt64 {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { words in
      guard let base = words.baseAddress else { return 0 }
      ck_philox_words(key, step, index, 1, base)
      return UInt64(base[0]) | UInt64(base[1]) << 32
    }
  }

  /// Hands out whole blocks of words in runs: `body(words, first word to use, how many, position in the target)`.
  private func forEachBlockRun(
    step: UInt64, offset: UInt64, count: Int,
    _ body: (_ words: UnsafePointer<UInt32>, _ start: Int, _ count: Int, _ position: Int) -> Void
  ) {
    let capacity = 1024
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: capacity) { words in
      guard let base = words.baseAddress else { return }
      var done = 0
      while done < count {
        let start = offset &+ UInt64(done)
        let skip = Int(start % 4)
        let run = min(count - done, capacity - skip)
        ck_philox_words(key, step, start / 4, Int64((skip + run + 3) / 4), base)
        body(base, skip, run, done)
        done += run
      }
    }
  }

  /// The finaliser of SplitMix64: every input bit moves every output bit.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
