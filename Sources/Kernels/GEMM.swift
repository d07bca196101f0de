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
  _ = singleThreaded
  let tile = tileSize(m: m, n: n, k: k)
  let columnTiles = (n + tile.columns - 1) / tile.columns
  let tiles = (m + tile.rows - 1) / tile.rows * columnTiles
  pool.parallelFor(tiles, grain: 1) { range, _ in
    for index in range {
      let i = index / columnTiles * tile.rows
      let j = index % columnTiles * tile.columns
      cblas_sgemm(
        CblasRowMajor, ta.blas, tb.blas, blasint(min(tile.rows, m - i)), blasint(min(tile.columns, n - j)),
        blasint(k), alpha, a + (ta == .no ? i * lda : i), blasint(lda), b + (tb == .no ? j : j * ldb),
        blasint(ldb), beta, c + i * ldc + j, blasint(ldc))
    }
  }
}

/// Tiles large enough for OpenBLAS to run at speed and small enough to share out evenly.
private func tileSize(m: Int, n: Int, k: Int) -> (rows: Int, columns: Int) {
  let work = m * n * max(k, 1)
  guard work > 1 << 18 else { return (m, n) }
  if m >= n {
    let pieces = min(max(m / 192, 1), 16)
    let rows = ((m + pieces - 1) / pieces + 15) / 16 * 16
    return (rows, n)
  }
  let pieces = min(max(n / 192, 1), 16)
  let columns = ((n + pieces - 1) / pieces + 15) / 16 * 16
  return (m, columns)
}
