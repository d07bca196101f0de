// Vectors as bytes: each number of a vector as a multiple of the vector's own step, with how far the result is from the
// vector. From these follow bounds that a score cannot leave, so that a search through bytes misses nothing.

import CKernels
import Kernels

/// A vector in bytes: v = step * code + rest, |rest| <= error.
struct QuantizedVector {
  var step: Float
  /// The length of what the bytes leave out, rounded up.
  var error: Float

  /// Writes the codes of `vector` [width].
  init(_ vector: UnsafePointer<Float>, width: Int, codes: UnsafeMutablePointer<Int8>) {
    var largest: Float = 0
    for i in 0..<width { largest = max(largest, abs(vector[i])) }
    step = largest / 127
    var squares = 0.0
    for i in 0..<width {
      let code = step > 0 ? (vector[i] / step).rounded() : 0
      codes[i] = Int8(max(-127, min(127, code)))
      let rest = Double(vector[i]) - Double(step) * Double(codes[i])
      squares += rest * rest
    }
    error = Float(squares.squareRoot()).nextUp
  }
}

/// A query in 16-bit numbers, as fine as sums of 32 bits allow.
struct QuantizedQuery {
  /// How scores follow from products: an upper bound.
  let bounds: ck_code_bounds

  /// Rounding of the few float32 operations that make a bound, and of unit vectors' lengths, is far below it.
  private static let rounding: Float = 2e-6

  /// Writes `query` [width], of length 1 or 0, to `numbers`.
  init(_ query: UnsafePointer<Float>, width: Int, into numbers: UnsafeMutablePointer<Int16>) {
    var (sum, largest) = (0.0, 0.0)
    for i in 0..<width {
      sum += abs(Double(query[i]))
      largest = max(largest, abs(Double(query[i])))
    }
    // |sum of products with bytes| <= 127 * (scale * sum + width / 2) < 2^31, and each number fits 16 bits.
    let room = Double(Int32.max) / 127 - Double(width) / 2
    let scale = largest > 0 ? min(32_767 / largest, room / sum) : 1
    var (rest, length) = (0.0, 0.0)
    for i in 0..<width {
      numbers[i] = Int16((Double(query[i]) * scale).rounded(.toNearestOrAwayFromZero))
      let rounded = Double(numbers[i]) / scale
      rest += (Double(query[i]) - rounded) * (Double(query[i]) - rounded)
      length += rounded * rounded
    }
    bounds = ck_code_bounds(
      factor: Float(1 / scale), slack: Float(rest.squareRoot()) + Self.rounding,
      length: Float(length.squareRoot()).nextUp)
  }
}
