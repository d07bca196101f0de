// Owned memory and unsafe views of it: everything the kernels read and write.
// Used by every module above; views must not outlive the buffer they look into.

import CKernels

/// A block of float32 owned by this object: zeroed at first, aligned to 64 bytes, of fixed size.
package final class FloatBuffer: @unchecked Sendable {
  /// The first element; valid as long as the buffer lives.
  package let pointer: UnsafeMutablePointer<Float>
  /// The number of elements.
  package let count: Int

  private let isOwn: Bool

  /// Allocates `count >= 0` zeroed elements, for those who may see them, of which many of the first `sparse` will never
  /// be written: they take up no memory then.
  package init(count: Int, _ visibility: Visibility = .own, sparse: Int = 0) {
    precondition(count >= 0, "a buffer cannot hold \(count) elements")
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard !overflow else { OutOfMemory.end(byteCount: nil) }
    isOwn = visibility == .own || SharedMemory.current == nil
    guard let memory = isOwn ? ck_allocate(byteCount) : allocateVisible(byteCount: byteCount, visibility) else {
      OutOfMemory.end(byteCount: byteCount)
    }
    pointer = memory.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
    if sparse > 0 { ck_prefer_small_pages(memory, min(sparse, count) * MemoryLayout<Float>.stride) }
  }

  deinit {
    if isOwn { ck_free(pointer, count * MemoryLayout<Float>.stride) } else { pointer.freeVisible() }
  }

  /// The whole buffer as `[rows, columns]`; `rows * columns` must not exceed `count`.
  package func matrix(rows: Int, columns: Int) -> Matrix {
    precondition(rows * columns <= count, "[\(rows), \(columns)] does not fit \(count) elements")
    return Matrix(pointer, rows: rows, columns: columns)
  }

  /// Sets every element to zero.
  package func clear() { pointer.update(repeating: 0, count: count) }
}

/// An unsafe view of float32 rows: `[rows, columns]`, row-major, `rowStride` elements from row to row.
package struct Matrix {
  /// The first number of the first row.
  package var pointer: UnsafeMutablePointer<Float>
  /// The number of rows.
  package var rows: Int
  /// Numbers of a row.
  package var columns: Int
  /// Numbers from the start of a row to the next one; at least `columns`.
  package var rowStride: Int

  /// A view at `pointer`; rows lie `rowStride` (default: `columns`) elements apart.
  package init(_ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int, rowStride: Int? = nil) {
    self.pointer = pointer
    self.rows = rows
    self.columns = columns
    self.rowStride = rowStride ?? columns
  }

  /// The first element of row `i`.
  package func row(_ i: Int) -> UnsafeMutablePointer<Float> { pointer + i * rowStride }

  /// The first `count` numbers of every row, in place.
  package func firstColumns(_ count: Int) -> Matrix {
    precondition(count <= columns, "\(count) of \(columns) columns")
    return Matrix(pointer, rows: rows, columns: count, rowStride: rowStride)
  }
}
