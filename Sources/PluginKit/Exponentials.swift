// Powers of e over rows of numbers, sixteen at a time: what softmax losses spend their time on.

extension Vector {
  /// The largest number; -infinity for none.
  public var largest: Float {
    var lanes = SIMD16<Float>(repeating: -.infinity)
    for k in stride(from: 0, to: count, by: 16) {
      let values = sixteen(k, upTo: count)
      lanes.replace(with: values, where: values .> lanes)
    }
    return lanes.max()
  }

  /// The sum of `exp(v_k - peak)` over a range, in double precision; `peak` is no less than any of them. -infinity, and
  /// what is more than 700 below the peak, counts 0.
  ///
  /// A loss is a sum of these, and whoever checks its gradient by differences needs its digits.
  public func sumOfExponentials(_ range: Range<Int>, less peak: Float) -> Double {
    var sums = SIMD8<Double>.zero
    let top = Double(peak)
    for k in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
      let values = sixteen(k, upTo: range.upperBound)
      sums += exponentials(SIMD8<Double>(values.lowHalf) - top)
      sums += exponentials(SIMD8<Double>(values.highHalf) - top)
    }
    return sums.sum()
  }

  /// Adds `factor * exp(v_k - peak)` for the numbers v_k of `other` in a range, in single precision; what is more than
  /// 87 below the peak counts 0.
  public func addExponentials(of other: Vector, _ range: Range<Int>, less peak: Float, times factor: Float) {
    for k in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
      let added = factor * exponentials(other.sixteen(k, upTo: range.upperBound), less: peak)
      if k + 16 <= range.upperBound {
        let sum = sixteen(k, upTo: range.upperBound) + added
        UnsafeMutableRawPointer(pointer + k).storeBytes(of: sum, as: SIMD16<Float>.self)
      } else {
        for lane in 0..<(range.upperBound - k) { pointer[k + lane] += added[lane] }
      }
    }
  }

  /// Numbers from `k` on; -infinity from `end` on.
  @inline(__always)
  private func sixteen(_ k: Int, upTo end: Int) -> SIMD16<Float> {
    if k + 16 <= end { return UnsafeRawPointer(pointer + k).loadUnaligned(as: SIMD16<Float>.self) }
    var values = SIMD16<Float>(repeating: -.infinity)
    for lane in 0..<(end - k) { values[lane] = pointer[k + lane] }
    return values
  }
}

// x = n ln 2 + r, e^r by its Taylor polynomial on |r| <= ln 2 / 2, 2^n by the exponent's bits. n is rounded by adding a
// number so large that no fraction is left: n stands in the lowest bits of the sum. ln 2 is taken in two parts, so that
// n times the first is exact.

/// e^(v - peak) for v <= peak, to about two units in the last place; 0 below e^-87.
@inline(__always)
private func exponentials(_ values: SIMD16<Float>, less peak: Float) -> SIMD16<Float> {
  let difference = values - peak
  // What rounding took from the difference: of -40 it would be seen in the sixth digit of the power.
  // Source: Knuth, TAOCP 2, section 4.2.2, theorem B.
  let back = difference - values
  let lost = (values - (difference - back)) - (peak + back)
  let isTiny = difference .< -87
  let x = difference.replacing(with: -87, where: isTiny)
  let shifted = x * 1.442_695_04 + 12_582_912
  let n = shifted - 12_582_912
  let r = x - n * 0.693_359_375 + n * 2.121_944_4e-4
  var p = r * 1.984_126_98e-4 + 1.388_888_9e-3
  p = p * r + 8.333_333_3e-3
  p = p * r + 4.166_666_7e-2
  p = p * r + 1.666_666_7e-1
  p = p * r + 0.5
  p = p * r * r + r + 1
  let power = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23 &+ 0x3f80_0000
  return (p * unsafeBitCast(power, to: SIMD16<Float>.self) * (lost + 1)).replacing(with: 0, where: isTiny)
}

/// e^x for x <= 0, to 1e-14 of it; 0 below -700.
@inline(__always)
private func exponentials(_ x: SIMD8<Double>) -> SIMD8<Double> {
  let isTiny = x .< -700
  let x = x.replacing(with: -700, where: isTiny)
  let shifted = x * 1.442_695_040_888_963_4 + 0x1.8p52
  let n = shifted - 0x1.8p52
  let r = x - n * 0.693_147_180_369_123_8 - n * 1.908_214_929_270_587_7e-10
  // 1 / k! from k = 11 on down.
  var p = r * 2.505_210_838_544_172e-8 + 2.755_731_922_398_589e-7
  p = p * r + 2.755_731_922_398_589_3e-6
  p = p * r + 2.480_158_730_158_730_2e-5
  p = p * r + 1.984_126_984_126_984_1e-4
  p = p * r + 1.388_888_888_888_889e-3
  p = p * r + 8.333_333_333_333_333e-3
  p = p * r + 4.166_666_666_666_666_4e-2
  p = p * r + 1.666_666_666_666_666_6e-1
  p = p * r + 0.5
  p = p * r * r + r + 1
  let power = unsafeBitCast(shifted, to: SIMD8<Int64>.self) &<< 52 &+ 0x3ff0_0000_0000_0000
  return (p * unsafeBitCast(power, to: SIMD8<Double>.self)).replacing(with: 0, where: isTiny)
}
