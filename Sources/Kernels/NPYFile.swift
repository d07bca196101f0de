// Matrices as NumPy's .npy files. Called by `mixcse encode`, `probe` and `plugins call`, and by the check of a rebuilt
// plugin.

package import Files

/// A matrix read from a .npy file.
package struct NPYFile {
  /// The number of rows.
  package let rows: Int
  /// Numbers in a row.
  package let columns: Int
  /// `[rows, columns]`, row-major; float64 files are rounded to float32.
  package let buffer: FloatBuffer

  /// A view of all of it; the file has to outlive it.
  package var matrix: Matrix { buffer.matrix(rows: rows, columns: columns) }

  /// Reads a two-dimensional, C-ordered, little-endian float32 or float64 array.
  /// - Throws: `FileError`.
  package init(contentsOf path: String) throws {
    let reader = try NPYReader(path: path)
    (rows, columns) = (reader.rows, reader.columns)
    buffer = FloatBuffer(count: rows * columns)
    try reader.read(into: buffer.pointer)
  }

  /// Writes a float32 matrix; an old file stays until the new one is complete.
  /// - Throws: `FileError.cannotWrite`.
  package static func write(_ matrix: Matrix, to path: String) throws {
    let writer = try NPYWriter(path: path, columns: matrix.columns)
    try writer.append(matrix)
    try writer.finish()
  }
}

extension NPYWriter {
  /// Appends the rows of a matrix of as many columns as the file has.
  /// - Throws: `FileError.cannotWrite`.
  package func append(_ matrix: Matrix) throws {
    if matrix.rowStride == matrix.columns { return try append(matrix.pointer, rows: matrix.rows) }
    for row in 0..<matrix.rows { try append(matrix.row(row), rows: 1) }
  }
}
