// GEMM against the plain triple loop on odd shapes, and its independence of the number of threads.

import CKernels
import Kernels
import Testing

@Suite struct GEMMTests {
  struct Shape: CustomTestStringConvertible {
    let m: Int, n: Int, k: Int
    var testDescription: String { "\(m)x\(n)x\(k)" }
  }

  static let precisions = [ProductPrecision.float32, .bf16]

  /// The nearest number of eight binary digits, of two the even one, by arithmetic.
  private func rounded(_ x: Float, _ precision: ProductPrecision) -> Float {
    guard precision == .bf16, x != 0 else { return x }
    let unit = Float(sign: .plus, exponent: x.exponent - 7, significand: 1)
    return (x / unit).rounded(.toNearestOrEven) * unit
  }

  /// Products of two bfloat16 numbers are exact in float32: beside float64 nothing but the sums is rounded.
  private func run(
    _ pool: ThreadPool, _ ta: Transpose, _ tb: Transpose, _ s: Shape, beta: Float,
    _ precision: ProductPrecision = .float32
  ) -> (found: [Float], expected: [Double]) {
    let (left, right) = (randomValues(s.m * s.k, seed: 1), randomValues(s.k * s.n, seed: 2))
    let (a, b) = (left.map { rounded($0, precision) }, right.map { rounded($0, precision) })
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
      pool, ta, tb, m: s.m, n: s.n, k: s.k, alpha: 0.5, a: left, lda: ta == .no ? s.k : s.m, b: right,
      ldb: tb == .no ? s.n : s.k, beta: beta, c: &c, ldc: s.n, precision: precision)
    return (c, expected)
  }

  @Test(
    arguments: [
      Shape(m: 1, n: 1, k: 1), Shape(m: 1, n: 17, k: 5), Shape(m: 13, n: 1, k: 7), Shape(m: 31, n: 37, k: 41),
      Shape(m: 129, n: 67, k: 53), Shape(m: 67, n: 301, k: 29), Shape(m: 1031, n: 19, k: 33),
      Shape(m: 28, n: 64, k: 384), Shape(m: 15, n: 33, k: 1157), Shape(m: 3, n: 600, k: 385),
    ], precisions)
  func matchesTripleLoop(shape: Shape, precision: ProductPrecision) {
    let pool = ThreadPool(threads: 2)
    for ta in [Transpose.no, .yes] {
      for tb in [Transpose.no, .yes] {
        for beta in [Float(0), 1] {
          let (found, expected) = run(pool, ta, tb, shape, beta: beta, precision)
          #expect(relativeError(found, expected) < 2e-6)
        }
      }
    }
  }

  @Test(arguments: [Transpose.no, .yes], precisions)
  func productsHaveTheSameBitsForEveryThreadCount(ta: Transpose, precision: ProductPrecision) {
    let shape = Shape(m: 517, n: 67, k: 809)
    for beta in [Float(0), 1, 0.3] {
      let one = run(ThreadPool(threads: 1), ta, .yes, shape, beta: beta, precision).found
      for threads in 2...5 {
        #expect(run(ThreadPool(threads: threads), ta, .yes, shape, beta: beta, precision).found == one)
      }
    }
  }

  /// Numbers halfway between two of bfloat16, the largest, and what is no number, with and without instructions for it.
  @Test(arguments: [Int32(256), 512])
  func roundingToBF16(bits: Int32) {
    _ = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    let special: [Float] = [
      1 + 0x1p-8, 1 + 3 * 0x1p-8, -1 - 0x1p-8, 1 + 0x1p-8 + 0x1p-20, 0x1.fep127, -0x1.fcp127, .infinity, .nan,
      Float(bitPattern: 0x7fff_ffff), Float(bitPattern: 0xff80_0001), 0, -0.0,
    ]
    let expected: [Float] = [
      1, 1 + 0x1p-6, -1, 1 + 0x1p-7, 0x1.fep127, -0x1.fcp127, .infinity, .nan, .nan, .nan, 0, 0,
    ]
    let pool = ThreadPool(threads: 1)
    for value in special.indices {
      for isLeft in [true, false] {
        var c = [Float](repeating: 5, count: 1)
        let (x, one) = ([special[value]], [Float(1)])
        gemm(
          pool, .no, .no, m: 1, n: 1, k: 1, alpha: 1, a: isLeft ? x : one, lda: 1, b: isLeft ? one : x, ldb: 1,
          beta: 0, c: &c, ldc: 1, precision: .bf16)
        #expect(c[0] == expected[value] || (c[0].isNaN && expected[value].isNaN), "\(special[value]): \(c[0])")
      }
    }
  }

  /// Rows of B that are packed as they come, in any order and across stretches, make the same product.
  @Test(arguments: [Int32(128), 256, 512], precisions)
  func packedByRows(bits: Int32, precision: ProductPrecision) {
    for n in [1, 31, 64, 147] { packedByRows(bits: bits, n: n, precision) }
  }

  private func packedByRows(bits: Int32, n: Int, _ precision: ProductPrecision) {
    _ = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    let (pool, m, k) = (ThreadPool(threads: 1), 23, 901)
    let (a, b) = (randomValues(m * k, seed: 1), randomValues(k * n, seed: 2))
    let (whole, rows) = (ScratchBuffer(), ScratchBuffer())
    let expected = pack(pool, .no, n: n, k: k, b: b, ldb: n, precision: precision, into: whole)
    let found = PackedMatrix(n: n, k: k, precision: precision, in: rows)
    // Pairs of rows belong together.
    let ends = precision == .float32 ? [380, 395, 1, 895] : [380, 396, 2, 894]
    for range in [ends[0]..<ends[1], 0..<ends[2], ends[2]..<ends[0], ends[3]..<901, ends[1]..<ends[3]] {
      found.store(range, from: Array(b[(range.lowerBound * n)..<(range.upperBound * n)]))
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
  @Test(arguments: [Int32(128), 256, 512], precisions)
  func partsOfPackedOperands(bits: Int32, precision: ProductPrecision) {
    for m in [1, 13, 126] { partsOfPackedOperands(bits: bits, m: m, precision) }
  }

  private func partsOfPackedOperands(bits: Int32, m: Int, _ precision: ProductPrecision) {
    _ = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    let (pool, stretch) = (ThreadPool(threads: 1), precision.stretch)
    let (k, middle, n) = (stretch + 7, 2 * stretch + 33, 50)
    let (x, first, second) = (
      randomValues(m * k, seed: 1), randomValues(middle * k, seed: 2), randomValues(n * middle, seed: 3)
    )
    let (firstBuffer, secondBuffer) = (ScratchBuffer(), ScratchBuffer())
    let maps = (
      pack(pool, .yes, n: middle, k: k, b: first, ldb: k, precision: precision, into: firstBuffer),
      pack(pool, .yes, n: n, k: middle, b: second, ldb: middle, precision: precision, into: secondBuffer)
    )
    var (between, expected) = ([Float](repeating: .nan, count: m * middle), [Float](repeating: .nan, count: m * n))
    multiply(pool, worker: 0, .no, m: m, a: x, lda: k, by: maps.0, beta: 0, c: &between, ldc: middle)
    multiply(pool, worker: 0, .no, m: m, a: between, lda: middle, by: maps.1, beta: 0, c: &expected, ldc: n)

    // In float32 the first product writes what the second one reads; else it is rounded and packed between the two.
    let apart = precision == .float32 ? PackedRows.stride : stretch
    let share = PackedRows.count(m, stretch, precision)
    let (packed, written) = (
      FloatBuffer(count: PackedRows.count(m, k, precision)), FloatBuffer(count: max(m * apart, share) + share)
    )
    written.pointer.update(repeating: .nan, count: written.count)
    let left = PackedRows(m: m, k: k, a: x, lda: k, precision: precision, into: packed.pointer)
    var found = [Float](repeating: .nan, count: m * n)
    for start in stride(from: 0, to: middle, by: stretch) {
      let part = start..<min(start + stretch, middle)
      multiply(
        pool, worker: 0, m: m, a: left, by: maps.0.columns(part), beta: 0, c: written.pointer, ldc: apart)
      let operand =
        precision == .float32
        ? PackedRows(written: written.pointer)
        : PackedRows(
          m: m, k: part.count, a: written.pointer, lda: apart, precision: precision,
          into: written.pointer + m * apart)
      multiply(
        pool, worker: 0, m: m, a: operand, by: maps.1.terms(part),
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

  /// The kernels of processors with narrower vectors, as far as this one has them. They are chosen for one thread.
  @Test(arguments: [Int32(128), 256, 512], precisions)
  func everyVectorWidth(bits: Int32, precision: ProductPrecision) {
    let pool = ThreadPool(threads: 1)
    let found = ck_gemm_select(bits)
    defer { _ = ck_gemm_select(512) }
    #expect(found <= bits)
    for shape in [Shape(m: 31, n: 37, k: 41), Shape(m: 14, n: 64, k: 400), Shape(m: 67, n: 301, k: 29)] {
      for (ta, tb) in [(Transpose.no, Transpose.no), (.no, .yes), (.yes, .no), (.yes, .yes)] {
        let (values, expected) = run(pool, ta, tb, shape, beta: 1, precision)
        #expect(relativeError(values, expected) < 2e-6)
      }
    }
  }
}
