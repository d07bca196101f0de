// Tests for NaN and infinity: a sum of squares over everything, and a search for the place only where that fails.

/// The first index (row * columns + column) whose value is NaN or infinite; nil where all are finite.
func firstNonFiniteIndex(
  _ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, rowStride: Int
) -> Int? {
  if rowStride == columns {
    if sumOfSquares(pointer, rows * columns).isFinite { return nil }
  } else {
    var sum: Float = 0
    for row in 0..<rows { sum += sumOfSquares(pointer + row * rowStride, columns) }
    if sum.isFinite { return nil }
  }
  // A sum may overflow although every value is finite: then the search finds nothing.
  for row in 0..<rows {
    for column in 0..<columns where !pointer[row * rowStride + column].isFinite { return row * columns + column }
  }
  return nil
}

/// The sum of squares in eight interleaved parts, which the compiler turns into vector code.
private func sumOfSquares(_ pointer: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
  var parts = SIMD8<Float>(repeating: 0)
  let whole = count & ~7
  let raw = UnsafeRawPointer(pointer)
  for index in stride(from: 0, to: whole, by: 8) {
    let value = raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
    parts += value * value
  }
  var sum = parts.sum()
  for index in whole..<count { sum += pointer[index] * pointer[index] }
  return sum
}
