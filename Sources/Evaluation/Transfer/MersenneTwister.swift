// The random numbers of the reference evaluator: MT19937 as NumPy's legacy generator and PyTorch's CPU generator use
// it, so that folds, batches and first weights of the transfer tasks are the same ones. Used by Transfer/ only;
// everything else in this project draws from `RandomStream`.

/// MT19937 with the integer seeding of its authors (init_genrand).
///
/// Source: Matsumoto and Nishimura, "Mersenne Twister", 1998; NumPy's `_shuffle_raw` and `random_interval`;
/// PyTorch's `uniform_real_distribution<float>`.
package struct MersenneTwister: Sendable {
  private var state: [UInt32]
  private var position = 624

  /// The generator that NumPy makes of this seed.
  package init(seed: UInt32) {
    state = [seed]
    state.reserveCapacity(624)
    for i in 1..<624 {
      let last = state[i - 1]
      state.append(1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(i))
    }
  }

  /// The next 32 random bits.
  mutating func next() -> UInt32 {
    if position == 624 { renew() }
    var y = state[position]
    position += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9d2c_5680
    y ^= (y << 15) & 0xefc6_0000
    return y ^ (y >> 18)
  }

  private mutating func renew() {
    for i in 0..<624 {
      let y = (state[i] & 0x8000_0000) | (state[(i + 1) % 624] & 0x7fff_ffff)
      state[i] = state[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
    }
    position = 0
  }

  /// A number in `0...limit`, by masking and trying again (`random_interval`).
  private mutating func interval(_ limit: UInt32) -> UInt32 {
    let mask = UInt32.max >> UInt32(limit.leadingZeroBitCount)
    while true {
      let value = next() & mask
      if value <= limit { return value }
    }
  }

  /// Shuffles in place, from the last element down (`RandomState.shuffle`).
  package mutating func shuffle<Element>(_ values: inout [Element]) {
    for i in stride(from: values.count - 1, through: 1, by: -1) { values.swapAt(i, Int(interval(UInt32(i)))) }
  }

  /// `0..<count` in random order (`numpy.random.permutation`).
  package mutating func permutation(_ count: Int) -> [Int32] {
    var values = Array(0..<Int32(count))
    shuffle(&values)
    return values
  }

  /// A float32 in `[-bound, bound)` with 24 bits (`torch.Tensor.uniform_`).
  package mutating func uniform(bound: Float) -> Float {
    let unit = Float(next() & 0xff_ffff) * 0x1p-24
    return (-bound).addingProduct(unit, bound - -bound)  // fused, as in PyTorch's binary
  }
}
