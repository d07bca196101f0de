// GEMM against the plain triple loop on odd shapes, and its independence of the number of threads.

import CKernels
import Kernels
import Testing

// Serial, since one test changes the kernels that all of them use.
@Suite(.serialized) struct GEMMTests {
  struct Shape: CustomTestStringConvertible {
    let m: Int, n: Int, k: Int
    var testDescription: String { "\(m)x\(n)x\(k)" }
  }

  private func run(_ pool: ThreadPool, _ ta: Transpose, _ tb: Transpose, _ s: Shape, beta: Float) -> (
    found: [Float], expected: [Double]
  ) {
    let a = randomValues(s.m * s.k, seed: 1)
    let b = randomValues(s.k * s.n, seed: 2)
    var c = randomValues(s.m * s.n, seed: 3)
    var expected = doubles(c)
    for i in 0..<s.m {
      for j in 0..<s.n {
        var sum = 0.0
        for p in 0..<s.k {
          sum +=
            Double(ta == .no ? a[i * s.k + p] : a[p * s.m + i]) * Double(tb == .no ? b[p * s.n + j] : b[j * s.k + p])
        }
        expected[i * s.n + j] = 0.5 * sum + Double(beta) * expected[i * s.n + j]
      }
    }
    gemm(
      pool, ta, tb, m: s.m, n: s.n, k: s.k, alpha: 0.5, a: a, lda: ta == .no ? s.k : s.m, b: b,
      ldb: tb == .no ? s.n : s.k, beta: beta, c: &c, ldc: s.n)
    return (c, expected)
  }

  @Test(arguments: [
    Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 17, k: 5), Shape(m: 13, n: 1, k: 7), Shape(m: 31, n: 37, k: 41),
    Shape(m: 129, n: 67, k: 53), Shape(m: 67, n: 301, k: 29), Shape(m: 1031, n: 19, k: 33),
    Shape(m: 28, n: 64, k: 384), Shape(m: 15, n: 33, k: 1157), Shape(m: 3, n: 600, k: 385),
  ])
  func matchesTripleLoop(shape: Shape) {
    let pool = ThreadPool(threads: 2)
    for ta in [Transpose.no, .yes] {
      for tb in [Transpose.no, .yes] {
        for beta in [Float(0), 1] {
          let (found, expected) = run(pool, ta, tb, shape, beta: beta)
          #expect(relativeError(found, expected) < 2e-6)
        }
      }
    }
  }

  @Test(arguments: [Transpose.no, .yes], [Float(0), 1, 0.3])
  func productsHaveTheSameBitsForEveryThreadCount(ta: Transpose, beta: Float) {
    let shape = Shape(m: 517, n: 263, k: 529)
    let one = run(ThreadPool(threads: 1), ta, .yes, shape, beta: beta).found
    for threads in 2...5 { #expect(run(ThreadPool(threads: threads), ta, .yes, shape, beta: beta).found == one) }
  }

  /// Rows of B that are packed as they come, in any order and across stretches, make the same product.
  @Test(arguments: [Int32(128), 256, 512], [1, 31, 64, 147])
  func packedByRows(bits: Int32, n: Int) {
    _ = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    let (pool, m, k) = (ThreadPool(threads: 2), 23, 901)
    let (a, b) = (randomValues(m * k, seed: 1), randomValues(k * n, seed: 2))
    let (whole, rows) = (ScratchBuffer(), ScratchBuffer())
    let expected = pack(pool, .no, n: n, k: k, b: b, ldb: n, into: whole)
    let found = PackedMatrix(n: n, k: k, in: rows)
    for range in [380..<395, 0..<1, 1..<380, 895..<901, 395..<895] {
      b.withUnsafeBufferPointer { found.store(range, from: $0.baseAddress! + range.lowerBound * n) }
    }
    for transpose in [Transpose.no, .yes] {
      let products = [expected, found].map { packed in
        var c = [Float](repeating: .nan, count: m * n)
        multiply(pool, transpose, m: m, a: a, lda: transpose == .no ? k : m, by: packed, beta: 0, c: &c, ldc: n)
        return c
      }
      #expect(products[0] == products[1] && !products[0].contains { $0.isNaN })
    }
  }

  /// A product in parts: stretches of columns whose results are written where the next product reads them, which adds
  /// up stretches of terms. The order of every sum is that of the whole products.
  @Test(arguments: [Int32(128), 256, 512], [1, 13, 126])
  func partsOfPackedOperands(bits: Int32, m: Int) {
    _ = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    let pool = ThreadPool(threads: 1)
    let (k, middle, n) = (stretch + 7, 2 * stretch + 33, 50)
    let (x, first, second) = (
      randomValues(m * k, seed: 1), randomValues(middle * k, seed: 2), randomValues(n * middle, seed: 3)
    )
    let (firstBuffer, secondBuffer) = (ScratchBuffer(), ScratchBuffer())
    let maps = (
      pack(pool, .yes, n: middle, k: k, b: first, ldb: k, into: firstBuffer),
      pack(pool, .yes, n: n, k: middle, b: second, ldb: middle, into: secondBuffer)
    )
    var (between, expected) = ([Float](repeating: .nan, count: m * middle), [Float](repeating: .nan, count: m * n))
    multiply(pool, worker: 0, .no, m: m, a: x, lda: k, by: maps.0, beta: 0, c: &between, ldc: middle)
    multiply(pool, worker: 0, .no, m: m, a: between, lda: middle, by: maps.1, beta: 0, c: &expected, ldc: n)

    let (packed, written) = (
      FloatBuffer(count: PackedRows.count(m, k)), FloatBuffer(count: PackedRows.count(m, stretch))
    )
    written.pointer.update(repeating: .nan, count: written.count)
    let left = PackedRows(m: m, k: k, a: x, lda: k, into: packed.pointer)
    var found = [Float](repeating: .nan, count: m * n)
    for start in stride(from: 0, to: middle, by: stretch) {
      let part = start..<min(start + stretch, middle)
      multiply(
        pool, worker: 0, m: m, a: left, by: maps.0.columns(part), beta: 0, c: written.pointer, ldc: PackedRows.stride)
      multiply(
        pool, worker: 0, m: m, a: PackedRows(written: written.pointer), by: maps.1.terms(part),
        beta: start == 0 ? 0 : 1,
        c: &found, ldc: n)
    }
    #expect(found == expected && !found.contains { $0.isNaN })
  }

  @Test func noTermsLeaveTheScaledC() {
    var c = randomValues(35, seed: 3)
    let before = c
    let nothing = [Float(0)]
    gemm(
      ThreadPool(threads: 1), .no, .no, m: 5, n: 7, k: 0, alpha: 1, a: nothing, lda: 1, b: nothing, ldb: 7, beta: 0.5,
      c: &c, ldc: 7)
    #expect(c == before.map { $0 * 0.5 })
  }

  /// The kernels of processors with narrower vectors, as far as this one has them.
  @Test(arguments: [Int32(128), 256, 512])
  func everyVectorWidth(bits: Int32) {
    let pool = ThreadPool(threads: 2)
    let found = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    #expect(found <= bits)
    for shape in [Shape(m: 31, n: 37, k: 41), Shape(m: 14, n: 64, k: 400), Shape(m: 67, n: 301, k: 29)] {
      for (ta, tb) in [(Transpose.no, Transpose.no), (.no, .yes), (.yes, .no), (.yes, .yes)] {
        let (values, expected) = run(pool, ta, tb, shape, beta: 1)
        #expect(relativeError(values, expected) < 2e-6)
      }
    }
  }
}
