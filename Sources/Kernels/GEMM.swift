// Matrix products over the pool: op(B) is packed once, then every thread computes rows of C from it. Called by the
// encoder, the head, the similarity blocks and the plugins' host services.

import CKernels

/// Whether an operand of `gemm` is read as stored or transposed.
package enum Transpose {
  case no, yes
}

/// What the operands of a product are rounded to while they are packed; sums are float32.
package enum ProductPrecision: Sendable {
  case float32
  /// bfloat16: 8 bits of significance. Where the processor has no instructions for it, rounded float32: the same
  /// products, added up in another order.
  case bf16

  /// What the user should know of it on this processor; nil: nothing.
  package var note: String? {
    guard self == .bf16, ck_gemm_has_bf16() == 0 else { return nil }
    return "this processor has no instructions for bfloat16: operands are rounded, at the speed of float32"
  }

  fileprivate var code: ck_precision {
    switch self {
    case .float32: CK_FLOAT32
    case .bf16: CK_BF16
    }
  }

  /// The terms of a product's sum that are packed together; a part of a packed operand begins at a multiple of it.
  package var stretch: Int { Int(ck_gemm_depth(code)) }
}

/// op(B) `[k, n]` of a product in the layout the kernels read; the memory belongs to whoever gave the buffer.
package struct PackedMatrix {
  /// Columns and terms of what was packed: op(B) is `[k, n]`.
  package private(set) var n: Int, k: Int
  /// What both operands of the product are rounded to.
  package let precision: ProductPrecision
  private(set) var pointer: UnsafeMutablePointer<Float>
  /// Of a part: its first column, and how many the whole has.
  private(set) var firstColumn = 0
  let columns: Int

  /// Room in `buffer`, whose earlier contents are lost.
  package init(n: Int, k: Int, precision: ProductPrecision = .float32, in buffer: ScratchBuffer) {
    (self.n, self.k, columns, self.precision) = (n, k, n, precision)
    pointer = buffer.reserve(Int(ck_gemm_packed_count(precision.code, Int64(n), Int64(k))))
  }

  /// Only these columns; the first is a multiple of the precision's stretch.
  package func columns(_ range: Range<Int>) -> PackedMatrix {
    precondition(
      range.lowerBound % precision.stretch == 0 && range.upperBound <= n, "columns \(range) are no part of \(n)")
    var part = self
    (part.firstColumn, part.n) = (firstColumn + range.lowerBound, range.count)
    return part
  }

  /// Only these terms; the first is a multiple of the precision's stretch, and so is the end, or it is the last.
  package func terms(_ range: Range<Int>) -> PackedMatrix {
    let stretch = precision.stretch
    precondition(
      range.lowerBound % stretch == 0 && (range.upperBound % stretch == 0 || range.upperBound == k)
        && range.upperBound <= k, "terms \(range) are no part of \(k)")
    var part = self
    part.pointer += Int(ck_gemm_packed_count(precision.code, Int64(columns), Int64(range.lowerBound)))
    part.k = range.count
    return part
  }

  /// Packs some rows of B, which lie side by side at `source`; whoever makes them can do so while they are at hand. The
  /// first is an even one unless B is float32, and so is the end, or it is the last.
  package func store(_ rows: Range<Int>, from source: UnsafePointer<Float>) {
    precondition(
      precision == .float32 || rows.lowerBound % 2 == 0 && (rows.upperBound % 2 == 0 || rows.upperBound == k),
      "rows \(rows) of \(k) are no pairs")
    ck_gemm_pack_rows(
      precision.code, Int64(rows.lowerBound), Int64(rows.count), Int64(n), Int64(k), source, Int64(n), pointer)
  }
}

/// Packs op(B) `[k, n]` into `buffer`, whose earlier contents are lost; `ldb` is the distance between stored rows.
package func pack(
  _ pool: ThreadPool, _ tb: Transpose, n: Int, k: Int, b: UnsafePointer<Float>, ldb: Int,
  precision: ProductPrecision = .float32, into buffer: ScratchBuffer
) -> PackedMatrix {
  let packed = PackedMatrix(n: n, k: k, precision: precision, in: buffer)
  let stretch = precision.stretch
  let panels = (n + panelWidth - 1) / panelWidth
  // Blocks of some 2^16 elements: a few panels of one stretch of terms.
  let share = max(1, (1 << 16) / max(1, panelWidth * min(k, stretch)))
  let shares = (panels + share - 1) / share
  pool.parallelFor((k + stretch - 1) / stretch * shares, grain: 1) { range, _ in
    for block in range {
      let (part, first) = (block / shares, block % shares * share)
      ck_gemm_pack(
        precision.code, Int64(part), Int64(first), Int64(min(share, panels - first)), tb == .yes ? 1 : 0, Int64(n),
        Int64(k), b, Int64(ldb), packed.pointer)
    }
  }
  return packed
}

/// Rows `[m, k]` in the layout the kernels read from the left, for several products on one thread.
package struct PackedRows {
  /// Elements between rows of one stretch: a product in float32 may write its C there, and be the next one's operand as
  /// it stands.
  package static var stride: Int { Int(ck_gemm_row_stride()) }
  let pointer: UnsafePointer<Float>
  let precision: ProductPrecision

  /// Elements of four bytes that `m` rows of `k` terms take.
  package static func count(_ m: Int, _ k: Int, _ precision: ProductPrecision = .float32) -> Int {
    Int(ck_gemm_left_count(Int64(m))) * ((k + precision.stretch - 1) / precision.stretch)
  }

  /// Packs rows that lie `lda` apart into `memory`, which has room for `count(m, k, precision)`.
  package init(
    m: Int, k: Int, a: UnsafePointer<Float>, lda: Int, precision: ProductPrecision = .float32,
    into memory: UnsafeMutablePointer<Float>
  ) {
    ck_gemm_pack_left(precision.code, Int64(m), Int64(k), a, Int64(lda), memory)
    (pointer, self.precision) = (UnsafePointer(memory), precision)
  }

  /// Rows of at most a stretch of float32 that were written `stride` apart into memory for `count(m, k)`.
  package init(written memory: UnsafePointer<Float>) { (pointer, precision) = (memory, .float32) }
}

/// C = alpha * op(A) B + beta * C for `m` rows on the calling thread; `worker` is its number in `parallelFor`.
package func multiply(
  _ pool: ThreadPool, worker: Int, _ ta: Transpose, m: Int, alpha: Float = 1, a: UnsafePointer<Float>, lda: Int,
  by b: PackedMatrix, beta: Float, c: UnsafeMutablePointer<Float>, ldc: Int
) {
  let layout = ta == .yes ? CK_COLUMNS : CK_ROWS
  run(pool, worker, layout, m: m, alpha: alpha, a: a, lda: lda, by: b, beta: beta, c: c, ldc: ldc)
}

/// C = A B + beta * C for `m` packed rows on the calling thread.
package func multiply(
  _ pool: ThreadPool, worker: Int, m: Int, a: PackedRows, by b: PackedMatrix, beta: Float,
  c: UnsafeMutablePointer<Float>, ldc: Int
) {
  precondition(a.precision == b.precision, "both operands are packed alike")
  run(pool, worker, CK_PACKED, m: m, alpha: 1, a: a.pointer, lda: 0, by: b, beta: beta, c: c, ldc: ldc)
}

private func run(
  _ pool: ThreadPool, _ worker: Int, _ layout: ck_gemm_layout, m: Int, alpha: Float, a: UnsafePointer<Float>, lda: Int,
  by b: PackedMatrix, beta: Float, c: UnsafeMutablePointer<Float>, ldc: Int
) {
  let scratch = pool.scratch(worker).reserve(Int(ck_gemm_scratch_count(Int64(m))))
  let shape = ck_gemm_shape(
    m: Int64(m), n: Int64(b.n), k: Int64(b.k), layout: layout, precision: b.precision.code, alpha: alpha,
    beta: beta, lda: Int64(lda), ldc: Int64(ldc), first: Int64(b.firstColumn), columns: Int64(b.columns))
  guard pool.profile.isOn else { return ck_gemm_run(shape, a, b.pointer, c, scratch) }
  let began = ck_nanoseconds()
  ck_gemm_run(shape, a, b.pointer, c, scratch)
  pool.profile.count(
    worker: worker, operations: 2 * Double(m) * Double(b.n) * Double(b.k), nanoseconds: ck_nanoseconds() - began)
}

/// C = alpha * op(A) B + beta * C, rows shared out over the pool.
package func multiply(
  _ pool: ThreadPool, _ ta: Transpose, m: Int, alpha: Float = 1, a: UnsafePointer<Float>, lda: Int,
  by b: PackedMatrix, beta: Float, c: UnsafeMutablePointer<Float>, ldc: Int
) {
  pool.parallelFor(shares(m, cost: b.n * b.k, threads: pool.threads)) { range, _, worker in
    let i = range.lowerBound
    multiply(
      pool, worker: worker, ta, m: range.count, alpha: alpha, a: a + (ta == .no ? i * lda : i), lda: lda, by: b,
      beta: beta, c: c + i * ldc, ldc: ldc)
  }
}

/// C = alpha * op(A) op(B) + beta * C, row-major, all stored as float32: op(A) `[m, k]`, op(B) `[k, n]`, C `[m, n]`.
///
/// `lda`, `ldb`, `ldc` are the distances between rows as stored. With beta 0, C may hold anything before.
package func gemm(
  _ pool: ThreadPool, _ ta: Transpose, _ tb: Transpose, m: Int, n: Int, k: Int, alpha: Float,
  a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float,
  c: UnsafeMutablePointer<Float>, ldc: Int, precision: ProductPrecision = .float32
) {
  guard m > 0, n > 0 else { return }
  pool.withPackingBuffer { buffer in
    let packed = pack(pool, tb, n: n, k: k, b: b, ldb: ldb, precision: precision, into: buffer)
    multiply(pool, ta, m: m, alpha: alpha, a: a, lda: lda, by: packed, beta: beta, c: c, ldc: ldc)
  }
}

private var panelWidth: Int { Int(ck_gemm_panel_width()) }
private var tileHeight: Int { Int(ck_gemm_tile_height()) }

/// Which rows of a product one thread takes at a time: as many for each thread, some 128 at once, since fewer would
/// read all of B for little work; whole tiles of the kernel; all of them where the product is too small to share. A
/// row's numbers do not depend on it.
private func shares(_ m: Int, cost: Int, threads: Int) -> Tiles {
  guard m * cost > 1 << 18, threads > 1 else { return Tiles(m, of: max(m, 1)) }
  guard m < 512 * threads else { return rowTiles(m) }
  let pieces = (m + 128 * threads - 1) / (128 * threads) * threads
  let units = (m + tileHeight - 1) / tileHeight
  return Tiles(m, of: (units + pieces - 1) / pieces * tileHeight)
}

/// Which rows one thread takes at a time where several steps follow one another on the same rows: large enough for the
/// products to run at speed, small enough to share out evenly where one processor is slower than another.
///
/// Depends on the number of rows only, so that sums over tiles do not depend on the number of threads.
package func rowTiles(_ rows: Int) -> Tiles {
  // Whole tiles of the kernels with six and with fourteen rows.
  guard rows < 1024 else { return Tiles(rows, of: 126, last: 42) }
  guard rows >= 128 else { return Tiles(rows, of: max(rows, 1)) }
  let pieces = rows < 256 ? 2 : 4
  return Tiles(rows, of: ((rows + pieces - 1) / pieces + 15) / 16 * 16)
}
