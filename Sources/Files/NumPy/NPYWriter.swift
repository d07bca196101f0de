// NumPy's .npy files written: float32 matrices that may grow row by row, since encode reads from pipes.
// Source: numpy/lib/format.py, version 1.0.

/// Writes a float32 matrix piece by piece; the number of rows is known at the end only.
package final class NPYWriter {
  private static let headerSize = 128
  private let target: AtomicFile
  private let columns: Int
  private var rows = 0

  /// Begins a file of rows of `columns` values, which `finish` puts at `path`.
  /// - Throws: `FileError.cannotWrite`.
  package init(path: String, columns: Int) throws {
    self.columns = columns
    target = try AtomicFile(path: path)
    try target.file.write(header())
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
    try target.file.overwrite(at: 0, with: header())
    try target.finish()
  }

  /// Magic, version 1.0, length and dictionary, padded with blanks to a fixed size that ends in a line feed.
  private func header() -> [UInt8] {
    let length = Self.headerSize - 10
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
    bytes += Array(text.utf8)
    bytes += [UInt8](repeating: 32, count: Self.headerSize - 1 - bytes.count)
    return bytes + [10]
  }
}
