// Eigenvalues of a symmetric matrix, without vectors. Called by SpaceStatistics once per evaluation.

import Glibc

/// Eigenvalues of symmetric matrices.
package enum SymmetricEigenvalues {
  /// The eigenvalues of `matrix` [size, size], of which only the lower half is read, in ascending order.
  ///
  /// Householder's reduction to tridiagonal form, then QL steps with implicit shifts: about 4/3 size^3 operations.
  /// Source: Wilkinson and Reinsch, "Handbook for Automatic Computation II", 1971, tred1 and tql1.
  package static func values(_ matrix: [Double], size: Int) -> [Double] {
    precondition(matrix.count == size * size, "a square matrix")
    guard size > 0 else { return [] }
    var (diagonal, beside) = tridiagonal(matrix, size)
    diagonalise(&diagonal, &beside)
    return diagonal.sorted()
  }

  /// The diagonal and what lies below it (`beside[i]` between i and i + 1) of a similar tridiagonal matrix.
  private static func tridiagonal(_ matrix: [Double], _ n: Int) -> ([Double], [Double]) {
    var a = matrix
    var diagonal = [Double](repeating: 0, count: n)
    var beside = [Double](repeating: 0, count: n)
    var p = [Double](repeating: 0, count: n)
    a.withUnsafeMutableBufferPointer { a in
      // Row i is reduced to its first i - 1 entries' reflection; what is left above shrinks by one.
      for i in stride(from: n - 1, through: 1, by: -1) {
        diagonal[i] = a[i * n + i]
        let v = UnsafeMutableBufferPointer(rebasing: a[(i * n)..<(i * n + i)])
        let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else { continue }
        let alpha = v[i - 1] > 0 ? -length : length
        beside[i - 1] = alpha
        v[i - 1] -= alpha
        let square = v.reduce(0) { $0 + $1 * $1 }
        guard square > 0 else { continue }
        reflect(a, n, v, 2 / square, &p)
      }
      diagonal[0] = a[0]
    }
    return (diagonal, beside)
  }

  /// A <- H A H with H = 1 - beta v v^T, on the leading block as large as v; lower half.
  private static func reflect(
    _ a: UnsafeMutableBufferPointer<Double>, _ n: Int, _ v: UnsafeMutableBufferPointer<Double>, _ beta: Double,
    _ p: inout [Double]
  ) {
    let m = v.count
    for j in 0..<m { p[j] = 0 }
    for j in 0..<m {
      var dot = a[j * n + j] * v[j]
      for k in 0..<j {
        dot += a[j * n + k] * v[k]
        p[k] += a[j * n + k] * v[j]
      }
      p[j] += dot
    }
    var projection = 0.0
    for j in 0..<m {
      p[j] *= beta
      projection += p[j] * v[j]
    }
    let shift = beta / 2 * projection
    for j in 0..<m { p[j] -= shift * v[j] }
    for j in 0..<m {
      for k in 0...j { a[j * n + k] -= v[j] * p[k] + p[j] * v[k] }
    }
  }

  private static func diagonalise(_ d: inout [Double], _ e: inout [Double]) {
    let n = d.count
    for low in 0..<n {
      // 60 rounds are many times what a value takes; a matrix that is not finite ends here, too.
      for _ in 0..<60 {
        var m = low
        while m < n - 1, abs(e[m]) > 0x1p-52 * (abs(d[m]) + abs(d[m + 1])) { m += 1 }
        if m == low { break }
        var g = (d[low + 1] - d[low]) / (2 * e[low])
        g = d[m] - d[low] + e[low] / (g + (g >= 0 ? length(g, 1) : -length(g, 1)))
        step(&d, &e, from: low, to: m, g)
      }
    }
  }

  /// One implicit QL step on rows `low` to `m`.
  private static func step(_ d: inout [Double], _ e: inout [Double], from low: Int, to m: Int, _ start: Double) {
    var (g, s, c, p) = (start, 1.0, 1.0, 0.0)
    for i in stride(from: m - 1, through: low, by: -1) {
      let (f, b) = (s * e[i], c * e[i])
      let r = length(f, g)
      if i + 1 < d.count { e[i + 1] = r }
      if r == 0 {
        d[i + 1] -= p
        e[m] = 0
        return
      }
      (s, c) = (f / r, g / r)
      let g2 = d[i + 1] - p
      let r2 = (d[i] - g2) * s + 2 * c * b
      p = s * r2
      d[i + 1] = g2 + p
      g = c * r2 - b
    }
    d[low] -= p
    e[low] = g
    e[m] = 0
  }
  /// The length of (x, y) whose squares need not be numbers that can be written. C's hypot would do, but a program that
  /// calls it needs glibc 2.35 where everything else asks for 2.34.
  private static func length(_ x: Double, _ y: Double) -> Double {
    let (longer, shorter) = (max(abs(x), abs(y)), min(abs(x), abs(y)))
    guard longer > 0 else { return longer }
    let ratio = shorter / longer
    return longer * (1 + ratio * ratio).squareRoot()
  }
}
