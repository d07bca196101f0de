// .npy files of rows that grow at their end and are read by position: the vectors of an index. How many of the rows
// count is said elsewhere, so that a row that was half written when a process ended is none.

/// Rows `[rows, columns]` of a .npy file, to be read in any order.
package final class NPYRows: Sendable {
  /// Elements of a row.
  package let columns: Int
  /// How many there are to whoever opened the file.
  package let rows: Int
  private let element: NPYElement
  private nonisolated(unsafe) let file: InputFile

  /// Opens a file that `NPYRowsWriter` wrote.
  /// - Parameter rows: how many of its rows count; the header is not asked, nor is what follows them.
  /// - Throws: `FileError`.
  package init(path: String, _ element: NPYElement, rows: Int, columns: Int, expected: String) throws {
    (self.element, self.rows, self.columns) = (element, rows, columns)
    file = try InputFile(path: path, expected: expected)
    let head = try file.bytes(at: 0, count: min(file.size, NPYHeader.written))
    guard NPYHeader.isWritten(head, element, columns: columns) else {
      throw FileError.malformed(
        path: path, place: "", expected: "\(expected): rows of \(columns) values of type \(element.rawValue)",
        found: "something else", advice: "The file is broken; build it again")
    }
    let size = NPYHeader.written + rows * columns * element.size
    guard file.size >= size else {
      throw FileError.malformed(
        path: path, place: "", expected: "\(rows) rows, \(size) bytes", found: "\(file.size) bytes",
        advice: "The file is broken; build it again")
    }
  }

  /// Copies rows to where there is room for them. May be called from any thread.
  /// - Throws: `FileError`.
  package func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    let size = columns * element.size
    try file.read(
      at: NPYHeader.written + range.lowerBound * size,
      into: UnsafeMutableRawBufferPointer(start: target, count: range.count * size))
  }
}

/// Appends rows to a .npy file.
package final class NPYRowsWriter {
  private let element: NPYElement
  private let columns: Int
  private var rows: Int
  private let file: OutputFile

  /// Begins a new file, or goes on behind the first `rows` rows of one; those that follow are dropped.
  /// - Throws: `FileError.cannotWrite`.
  package init(path: String, _ element: NPYElement, behind rows: Int?, columns: Int) throws {
    (self.element, self.columns, self.rows) = (element, columns, rows ?? 0)
    if let rows {
      file = try OutputFile(continuing: path, at: NPYHeader.written + rows * columns * element.size)
    } else {
      file = try OutputFile(path: path)
      try file.write(NPYHeader.bytes(element, rows: 0, columns: columns))
    }
  }

  /// Appends `count` rows, which lie one after the other.
  /// - Throws: `FileError.cannotWrite`.
  package func append(_ values: UnsafeRawPointer, rows count: Int) throws {
    try file.write(UnsafeRawBufferPointer(start: values, count: count * columns * element.size))
    rows += count
  }

  /// Waits until the rows are on the disk.
  /// - Throws: `FileError.cannotWrite`.
  package func sync() throws { try file.sync() }

  /// Says in the header how many rows there are, and closes the file.
  /// - Throws: `FileError.cannotWrite`.
  package func finish() throws {
    try file.overwrite(at: 0, with: NPYHeader.bytes(element, rows: rows, columns: columns))
    try file.close()
  }
}
