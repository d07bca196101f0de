// NumPy's .npy files written: float32 matrices that may grow row by row, since encode reads from pipes.
// Source: numpy/lib/format.py, version 1.0.

/// Writes a float32 matrix piece by piece; the number of rows is known at the end only.
package final class NPYWriter {
  private let target: AtomicFile
  private let columns: Int
  private var rows = 0

  /// Begins a file of rows of `columns` values, which `finish` puts at `path`.
  /// - Throws: `FileError.cannotWrite`.
  package init(path: String, columns: Int) throws {
    self.columns = columns
    target = try AtomicFile(path: path)
    try target.file.write(NPYHeader.bytes(.float32, rows: 0, columns: columns))
  }

  /// Appends `values` [rows, columns], which lie one after the other.
  /// - Throws: `FileError.cannotWrite`.
  package func append(_ values: UnsafePointer<Float>, rows count: Int) throws {
    try target.file.write(UnsafeRawBufferPointer(start: values, count: 4 * count * columns))
    rows += count
  }

  /// Fills in the number of rows and puts the file in its place.
  /// - Throws: `FileError.cannotWrite`.
  package func finish() throws {
    try target.file.overwrite(at: 0, with: NPYHeader.bytes(.float32, rows: rows, columns: columns))
    try target.finish()
  }
}
