// Matrix products: OpenBLAS, called single-threaded, split over the pool at borders that depend on the
// shape only. Called by the encoder, the head, the similarity blocks and the plugins' host services.

import COpenBLAS

/// Whether an operand of `gemm` is read as stored or transposed.
package enum Transpose {
  case no, yes

  var blas: CBLAS_TRANSPOSE { self == .no ? CblasNoTrans : CblasTrans }
}

/// OpenBLAS' own threads are switched off once, before the first product.
private let singleThreaded: Void = openblas_set_num_threads(1)

/// The name of the processor family OpenBLAS chose its kernels for, such as `Haswell`.
package func blasCoreName() -> String { String(cString: openblas_get_corename()) }

/// C = alpha * op(A) op(B) + beta * C, row-major float32: op(A) `[m, k]`, op(B) `[k, n]`, C `[m, n]`.
///
/// `lda`, `ldb`, `ldc` are the distances between rows as stored. With beta 0, C may hold anything before.
package func gemm(
  _ pool: ThreadPool, _ ta: Transpose, _ tb: Transpose, m: Int, n: Int, k: Int, alpha: Float,
  a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float,
  c: UnsafeMutablePointer<Float>, ldc: Int
) {
  guard m > 0, n > 0 else { return }
  let splitsRows = m >= n
  let tile = m * n * max(k, 1) <= 1 << 18 ? max(m, n) : tileSize(max(m, n))
  pool.parallelFor(max(m, n), grain: tile) { range, _ in
    let i = splitsRows ? range.lowerBound : 0
    let j = splitsRows ? 0 : range.lowerBound
    serialGEMM(
      ta, tb, m: splitsRows ? range.count : m, n: splitsRows ? n : range.count, k: k, alpha: alpha,
      a: a + (ta == .no ? i * lda : i), lda: lda, b: b + (tb == .no ? j : j * ldb), ldb: ldb, beta: beta,
      c: c + i * ldc + j, ldc: ldc)
  }
}

/// `gemm` on the calling thread.
package func serialGEMM(
  _ ta: Transpose, _ tb: Transpose, m: Int, n: Int, k: Int, alpha: Float = 1,
  a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float,
  c: UnsafeMutablePointer<Float>, ldc: Int
) {
  _ = singleThreaded
  cblas_sgemm(
    CblasRowMajor, ta.blas, tb.blas, blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb),
    beta, c, blasint(ldc))
}

/// How many rows (or columns) of a product one thread takes at a time: large enough for OpenBLAS to run at
/// speed (it repacks the other operand for every tile), small enough to share out evenly.
///
/// Depends on the size only, so that results do not depend on the number of threads.
package func tileSize(_ size: Int) -> Int {
  guard size >= 128 else { return max(size, 1) }
  let pieces = size < 256 ? 2 : (size + 1023) / 1024 * 4
  return ((size + pieces - 1) / pieces + 15) / 16 * 16
}
