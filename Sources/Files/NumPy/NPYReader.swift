// NumPy's .npy files read: float32 and float64 matrices. Called by NPYFile of Kernels, which has the memory for them.
// Source: numpy/lib/format.py (NEP 1), versions 1.0 to 3.0.

/// An open .npy file whose header and size have been checked.
package final class NPYReader {
  /// The number of rows.
  package var rows: Int { header.rows }
  /// Numbers in a row.
  package var columns: Int { header.columns }
  private let file: InputFile
  private let header: NPYHeader

  /// Opens a two-dimensional, C-ordered, little-endian float32 or float64 array.
  /// - Throws: `FileError`.
  package init(path: String) throws {
    file = try InputFile(path: path, expected: "a matrix as .npy file")
    header = try NPYHeader(file)
    let (count, overflow) = header.rows.multipliedReportingOverflow(by: header.columns)
    let left = file.size - header.end
    guard !overflow, count <= left / header.width, count * header.width == left else {
      throw Self.malformed(
        path, "\(header.rows) x \(header.columns) values of \(header.width) bytes", "\(left) bytes of data")
    }
  }

  /// Fills `values` [rows, columns], row-major; float64 files are rounded to float32.
  /// - Throws: `FileError`.
  package func read(into values: UnsafeMutablePointer<Float>) throws {
    let count = rows * columns
    if header.width == 4 {
      return try file.read(at: header.end, into: UnsafeMutableRawBufferPointer(start: values, count: 4 * count))
    }
    var doubles = [Double](repeating: 0, count: min(count, 1 << 16))
    for start in stride(from: 0, to: count, by: 1 << 16) {
      let part = min(count - start, doubles.count)
      try doubles.withUnsafeMutableBytes { buffer in
        let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(8 * part)])
        try file.read(at: header.end + 8 * start, into: bytes)
      }
      for i in 0..<part { values[start + i] = Float(doubles[i]) }
    }
  }

  static func malformed(_ path: String, _ expected: String, _ found: String) -> FileError {
    .malformed(
      path: path, place: "", expected: expected, found: found,
      advice: "Save it with numpy.save from a C-ordered float array")
  }
}
