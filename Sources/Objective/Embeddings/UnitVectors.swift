// Row-wise arithmetic of the objective: norms, unit vectors and their gradients. Rows: [rows, width], float32.

package import Kernels

/// Norms below this count as this, so that a zero vector gives no division by zero.
package let normFloor: Float = 1e-8

/// The dot product of two rows, in eight interleaved sums.
func dot(_ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ count: Int) -> Float {
  let left = UnsafeRawPointer(a)
  let right = UnsafeRawPointer(b)
  var parts = SIMD8<Float>(repeating: 0)
  let whole = count & ~7
  for index in stride(from: 0, to: whole, by: 8) {
    parts +=
      left.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
      * right.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
  }
  var sum = parts.sum()
  for index in whole..<count { sum += a[index] * b[index] }
  return sum
}

/// The sum of the products of all elements of two matrices of one size, in double precision: squares of the gradients
/// of a small loss would leave float32's range.
func innerProduct(_ a: Matrix, _ b: Matrix) -> Double {
  var sum = 0.0
  for index in 0..<a.rows {
    let (left, right) = (UnsafeRawPointer(a.row(index)), UnsafeRawPointer(b.row(index)))
    var parts = SIMD8<Double>.zero
    let whole = a.columns & ~7
    for column in stride(from: 0, to: whole, by: 8) {
      parts +=
        SIMD8<Double>(left.loadUnaligned(fromByteOffset: column * 4, as: SIMD8<Float>.self))
        * SIMD8<Double>(right.loadUnaligned(fromByteOffset: column * 4, as: SIMD8<Float>.self))
    }
    sum += parts.sum()
    for column in whole..<a.columns { sum += Double(a.row(index)[column]) * Double(b.row(index)[column]) }
  }
  return sum
}

/// `inverse[i] = 1 / max(norm of row i, normFloor)`.
func inverseNorms(_ pool: ThreadPool, _ rows: Matrix, into inverse: UnsafeMutablePointer<Float>) {
  pool.parallelFor(rows.rows, grain: 64) { range, _ in
    for index in range {
      let row = rows.row(index)
      inverse[index] = 1 / max(dot(row, row, rows.columns).squareRoot(), normFloor)
    }
  }
}

/// Writes unit rows and the inverse norms: `u_i = x_i * inverse_i`.
func normalise(_ pool: ThreadPool, _ rows: Matrix, into unit: Matrix, inverse: UnsafeMutablePointer<Float>) {
  pool.parallelFor(rows.rows, grain: 64) { range, _ in
    for index in range {
      let row = rows.row(index)
      let factor = 1 / max(dot(row, row, rows.columns).squareRoot(), normFloor)
      inverse[index] = factor
      let target = unit.row(index)
      for column in 0..<rows.columns { target[column] = row[column] * factor }
    }
  }
}

/// Scales every row to length 1; a row of zeros stays one.
package func scaleToUnitLength(_ rows: Matrix) {
  for index in 0..<rows.rows {
    let row = rows.row(index)
    let length = max(dot(row, row, rows.columns).squareRoot(), normFloor)
    for column in 0..<rows.columns { row[column] /= length }
  }
}

/// Adds to `dRaw` the gradient that arrived at the unit rows.
///
/// With u = x / |x|: dx = (du - u (u . du)) / |x|. Where the norm was floored u is linear in x: dx = du / normFloor.
func normaliseBackward(
  _ pool: ThreadPool, unit: Matrix, dUnit: Matrix, inverse: UnsafeMutablePointer<Float>, dRaw: Matrix
) {
  let floored = 1 / normFloor
  pool.parallelFor(unit.rows, grain: 64) { range, _ in
    for index in range {
      let u = unit.row(index)
      let du = dUnit.row(index)
      let target = dRaw.row(index)
      let factor = inverse[index]
      let along = factor >= floored ? 0 : dot(u, du, unit.columns)
      for column in 0..<unit.columns { target[column] += factor * (du[column] - along * u[column]) }
    }
  }
}

/// The smallest multiple of 16 floats (64 bytes) that holds `width`, so that every row starts aligned.
func alignedStride(_ width: Int) -> Int { (width + 15) & ~15 }
