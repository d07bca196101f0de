// Which rows of a large table ever had a gradient. AdamW leaves the others exactly as they are (value, moments and
// gradient), so that optimiser, norm and clearing pass them over. Kept by the owner of the table, read by the
// optimiser.

/// Marks of a table's rows. Rows are marked by one thread at a time.
package final class TouchedRows: @unchecked Sendable {
  /// The number of rows.
  package let rows: Int
  /// Numbers of a row.
  package let width: Int
  private let marks: UnsafeMutablePointer<Bool>

  /// No row of `rows` is marked; each has `width` elements.
  package init(rows: Int, width: Int) {
    self.rows = rows
    self.width = width
    marks = .allocate(capacity: max(rows, 1))
    marks.initialize(repeating: false, count: rows)
  }

  deinit { marks.deallocate() }

  /// Whether a row was marked.
  package subscript(row: Int) -> Bool { marks[row] }

  /// Marks a row.
  package func mark(_ row: Int) { marks[row] = true }

  /// Marks every row.
  package func markAll() { marks.update(repeating: true, count: rows) }

  /// Calls `body` with each unbroken run of marked rows within `range`, in order.
  package func forEachRun(in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    var row = range.lowerBound
    while row < range.upperBound {
      guard marks[row] else {
        row += 1
        continue
      }
      let start = row
      while row < range.upperBound, marks[row] { row += 1 }
      body(start..<row)
    }
  }
}
