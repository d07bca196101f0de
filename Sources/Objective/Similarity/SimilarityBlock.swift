// One block of candidate columns at run time: its similarities (a GEMM into its group's matrix), the cells that
// samplers edit, and the way back from the gradient of the similarities to the vectors on both sides.

import Host
import Kernels
import PluginAPI

/// Rows against columns: one block of columns in a SimilarityMatrix.
final class SimilarityBlock {
  let planned: PlannedBlock
  /// Index of the sampler that declared it; nil for the host's own.
  let owner: Int?
  let rows, columns: ComparedVectors
  /// The header's description, at an address that stays.
  let raw: UnsafeMutablePointer<cse_block>
  /// First column in the group, columns in use, and columns there would be if no sampler lowered them.
  private(set) var start = 0
  var count = 0
  private(set) var fullCount = 0
  private(set) var hasSimilarities = false
  /// Factors and offsets of the cells; nil while nobody may edit them.
  private(set) var edits: CellEdits?
  /// The similarities, a window into the group's matrix.
  let similarity: Tensor
  /// Added to the diagonal's logits before samplers edit: the weight of real hard negatives.
  let diagonalBias: Float
  private let stateRows: Int?
  private let width: Int

  init(
    _ planned: PlannedBlock, owner: Int?, rows: ComparedVectors, columns: ComparedVectors, width: Int,
    diagonalBias: Float = 0
  ) {
    self.planned = planned
    self.owner = owner
    self.rows = rows
    self.columns = columns
    self.width = width
    self.diagonalBias = diagonalBias
    if case .state = planned.columns { stateRows = columns.raw.rows } else { stateRows = nil }
    var described = planned.raw
    described.label = visibleText(planned.label)
    raw = .visible(.shown, capacity: 1, repeating: described)
    similarity = Tensor(shape: [0, 0])
  }

  /// The block of another matrix, in the middle of a batch: the same vectors, edits and number of columns.
  convenience init(sharing other: SimilarityBlock) {
    self.init(
      other.planned, owner: other.owner, rows: other.rows, columns: other.columns, width: other.width,
      diagonalBias: other.diagonalBias)
    (edits, count, fullCount) = (other.edits, other.count, other.fullCount)
  }

  deinit { raw.freeVisible() }

  /// Columns with `n` rows in the batch.
  func columnCount(rows n: Int) -> Int { planned.columnCount(rows: n, stateRows: stateRows) }

  /// Allocates the cells' factors and offsets for at most `maxRows` rows.
  func allowEdits(maxRows: Int) {
    guard edits == nil else { return }
    edits = CellEdits(maxRows: maxRows, maxColumns: columnCount(rows: maxRows), label: planned.label)
  }

  /// Starts a batch of `n` rows: all columns, no edits, no similarities yet.
  func begin(rows n: Int, _ pool: ThreadPool) {
    fullCount = columnCount(rows: n)
    count = fullCount
    hasSimilarities = false
    edits?.begin(rows: n, columns: fullCount, pool)
    if diagonalBias != 0 { edits?.setDiagonal(diagonalBias) }
  }

  /// Computes the similarities into `matrix` (the group's, `stride` apart) from column `start` on.
  func computeSimilarities(
    _ pool: ThreadPool, into matrix: UnsafeMutablePointer<Float>, stride: Int, start: Int, rows n: Int
  ) {
    self.start = start
    hasSimilarities = true
    let target = matrix + start
    similarity.reshape([n, count], rowStride: stride)
    similarity.point(to: target)
    guard count > 0 else { return }
    let left = factor(rows)
    let right = factor(columns)
    if planned.isPrivate {
      pool.parallelFor(n, grain: 16) { range, _ in
        for row in range {
          for column in 0..<self.count {
            target[row * stride + column] = dot(left.row(row), right.row(row * self.fullCount + column), self.width)
          }
        }
      }
    } else {
      gemm(
        pool, .no, .yes, m: n, n: count, k: width, alpha: 1, a: left.pointer, lda: left.rowStride, b: right.pointer,
        ldb: right.rowStride, beta: 0, c: target, ldc: stride)
    }
    scaleByStates(pool, target, stride: stride, rows: n)
  }

  /// Sends `gradient` (at the similarities; rows `stride` apart; overwritten) to both sides.
  func propagate(_ pool: ThreadPool, gradient: UnsafeMutablePointer<Float>, stride: Int, rows n: Int) {
    let cosine = !planned.usesDotProduct
    let dRows = planned.detachesRows ? nil : cosine ? rows.dUnit : rows.dRaw
    let dColumns = planned.detachesColumns ? nil : cosine ? columns.dUnit : columns.dRaw
    guard count > 0, dRows != nil || dColumns != nil else { return }
    // A state gives no gradient, but its vectors enter the other side's with unit length.
    scaleByStates(pool, gradient, stride: stride, rows: n)
    if planned.isPrivate { return propagatePrivate(pool, gradient, stride, n, dRows, dColumns) }
    let left = factor(rows)
    let right = factor(columns)
    if let dRows {
      gemm(
        pool, .no, .no, m: n, n: width, k: count, alpha: 1, a: gradient, lda: stride, b: right.pointer,
        ldb: right.rowStride, beta: 1, c: dRows.pointer, ldc: dRows.rowStride)
    }
    if let dColumns {
      gemm(
        pool, .yes, .no, m: count, n: width, k: n, alpha: 1, a: gradient, lda: stride, b: left.pointer,
        ldb: left.rowStride, beta: 1, c: dColumns.pointer, ldc: dColumns.rowStride)
    }
  }

  private func propagatePrivate(
    _ pool: ThreadPool, _ gradient: UnsafeMutablePointer<Float>, _ stride: Int, _ n: Int, _ dRows: Matrix?,
    _ dColumns: Matrix?
  ) {
    let left = factor(rows)
    let right = factor(columns)
    pool.parallelFor(n, grain: 16) { range, _ in
      for row in range {
        for column in 0..<self.count {
          let factor = gradient[row * stride + column]
          let index = row * self.fullCount + column
          if let dRows { addScaled(factor, right.row(index), to: dRows.row(row), self.width) }
          if let dColumns { addScaled(factor, left.row(row), to: dColumns.row(index), self.width) }
        }
      }
    }
  }

  /// What enters the product: unit vectors for cosines where there are any, else the vectors.
  private func factor(_ side: ComparedVectors) -> Matrix { planned.usesDotProduct ? side.raw : side.unit ?? side.raw }

  /// Cosines against a state: divides by the norms of its vectors, which are not stored normalised.
  private func scaleByStates(_ pool: ThreadPool, _ cells: UnsafeMutablePointer<Float>, stride: Int, rows n: Int) {
    guard !planned.usesDotProduct else { return }
    let rowScale = rows.unit == nil ? rows.inverse : nil
    let columnScale = columns.unit == nil ? columns.inverse : nil
    guard rowScale != nil || columnScale != nil else { return }
    pool.parallelFor(n, grain: 16) { range, _ in
      for row in range {
        let target = cells + row * stride
        let factor = rowScale?[row] ?? 1
        if let columnScale {
          for column in 0..<self.count { target[column] *= factor * columnScale[column] }
        } else {
          for column in 0..<self.count { target[column] *= factor }
        }
      }
    }
  }
}

/// `target += factor * source`.
func addScaled(
  _ factor: Float, _ source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, _ n: Int
) {
  for index in 0..<n { target[index] += factor * source[index] }
}
