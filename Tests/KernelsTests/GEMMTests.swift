// GEMM against the plain triple loop on odd shapes, and its independence of the number of threads.

import Kernels
import Testing

@Suite struct GEMMTests {
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

  @Test func sameBitsForEveryThreadCount() {
    let shape = Shape(m: 517, n: 263, k: 129)
    let one = run(ThreadPool(threads: 1), .no, .yes, shape, beta: 0).found
    for threads in 2...5 { #expect(run(ThreadPool(threads: threads), .no, .yes, shape, beta: 0).found == one) }
  }
}
