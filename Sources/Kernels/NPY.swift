// NumPy's .npy files: float32 and float64 matrices in, float32 matrices out. Called by `mixcse encode` and `probe`.
// Source: numpy/lib/format.py (NEP 1), versions 1.0 to 3.0.

import Glibc

/// What can be wrong with a .npy file.
package enum NPYError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, operation: String, code: Int32)
  case malformed(path: String, expected: String, found: String)
  case cannotWrite(path: String, operation: String, code: Int32)

  /// What was expected, what was found, and in which file.
  package var description: String {
    switch self {
    case .unreadable(let path, let operation, let code), .cannotWrite(let path, let operation, let code):
      let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
      return "\(path): \(operation) failed: \(reason)"
    case .malformed(let path, let expected, let found):
      return "\(path): expected \(expected), found \(found). Save it with numpy.save from a C-ordered float array"
    }
  }

  /// 65 bad data, 66 a file is missing, 75 stopped by a full disk.
  package var exitCode: Int32 {
    switch self {
    case .malformed: 65
    case .unreadable: 66
    case .cannotWrite(_, _, let code): code == ENOSPC || code == EDQUOT || code == EFBIG ? 75 : 66
    }
  }
}

/// A matrix read from a .npy file.
package struct NPYFile {
  /// The number of rows.
  package let rows: Int
  /// Numbers of a row.
  package let columns: Int
  /// `[rows, columns]`, row-major; float64 files are rounded to float32.
  package let buffer: FloatBuffer

  /// The numbers as float32: `[rows, columns]`.
  package var matrix: Matrix { buffer.matrix(rows: rows, columns: columns) }

  /// Reads a two-dimensional, C-ordered, little-endian float32 or float64 array.
  /// - Throws: `NPYError`.
  package init(contentsOf path: String) throws {
    guard let file = fopen(path, "rbe") else {
      throw NPYError.unreadable(path: path, operation: "open", code: errno)
    }
    defer { fclose(file) }
    let header = try NPYHeader(file, path: path)
    let (count, overflow) = header.rows.multipliedReportingOverflow(by: header.columns)
    let left = try Self.remaining(file, path)
    guard !overflow, count <= left / header.width, count * header.width == left else {
      throw NPYError.malformed(
        path: path, expected: "\(header.rows) x \(header.columns) values of \(header.width) bytes",
        found: "\(left) bytes of data")
    }
    let buffer = FloatBuffer(count: count)
    try Self.read(file, into: buffer.pointer, count: count, width: header.width, path)
    (rows, columns, self.buffer) = (header.rows, header.columns, buffer)
  }

  private static func remaining(_ file: UnsafeMutablePointer<FILE>, _ path: String) throws -> Int {
    let here = ftell(file)
    guard here >= 0, fseek(file, 0, SEEK_END) == 0 else {
      throw NPYError.unreadable(path: path, operation: "seek", code: errno)
    }
    let end = ftell(file)
    guard end >= here, fseek(file, here, SEEK_SET) == 0 else {
      throw NPYError.unreadable(path: path, operation: "seek", code: errno)
    }
    return end - here
  }

  private static func read(
    _ file: UnsafeMutablePointer<FILE>, into destination: UnsafeMutablePointer<Float>, count: Int, width: Int,
    _ path: String
  ) throws {
    var done = 0
    var doubles = [Double](repeating: 0, count: width == 8 ? min(count, 1 << 16) : 0)
    while done < count {
      let part = width == 8 ? min(count - done, doubles.count) : count - done
      let got = width == 8 ? fread(&doubles, 8, part, file) : fread(destination + done, 4, part, file)
      guard got == part else { throw NPYError.unreadable(path: path, operation: "read", code: EIO) }
      if width == 8 { for i in 0..<part { destination[done + i] = Float(doubles[i]) } }
      done += part
    }
  }

  /// Writes a float32 matrix; an old file stays until the new one is complete.
  /// - Throws: `NPYError.cannotWrite`.
  package static func write(_ matrix: Matrix, to path: String) throws {
    let writer = try NPYWriter(path: path, columns: matrix.columns)
    try writer.append(matrix)
    try writer.finish()
  }
}

/// Writes a float32 matrix piece by piece; the number of rows is known at the end only.
package final class NPYWriter {
  private static let headerSize = 128
  private let path: String
  private let temporary: String
  private let columns: Int
  private var rows = 0
  private var file: UnsafeMutablePointer<FILE>?

  /// Begins a file beside `path`, which `finish` renames.
  /// - Throws: `NPYError.cannotWrite`.
  package init(path: String, columns: Int) throws {
    self.path = path
    self.columns = columns
    temporary = path + ".tmp-\(getpid())-" + String(UInt32.random(in: 0 ... .max), radix: 16)
    file = fopen(temporary, "wbxe")
    if file == nil { throw NPYError.cannotWrite(path: path, operation: "create", code: errno) }
    try put(header())
  }

  deinit {
    if let file {
      fclose(file)
      unlink(temporary)
    }
  }

  /// Appends rows of `columns` values.
  package func append(_ matrix: Matrix) throws {
    precondition(matrix.columns == columns, "every row of a file has the same width")
    for row in 0..<matrix.rows {
      try check(fwrite(matrix.row(row), 4, columns, file) == columns, "write")
    }
    rows += matrix.rows
  }

  /// Fills in the number of rows, syncs and puts the file in its place.
  package func finish() throws {
    try check(fseek(file, 0, SEEK_SET) == 0, "seek")
    try put(header())
    try check(fflush(file) == 0 && fsync(fileno(file)) == 0, "fsync")
    try check(fclose(file) == 0, "close")
    file = nil
    guard rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw NPYError.cannotWrite(path: path, operation: "rename", code: code)
    }
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

  private func put(_ bytes: [UInt8]) throws { try check(fwrite(bytes, 1, bytes.count, file) == bytes.count, "write") }

  private func check(_ success: Bool, _ operation: String) throws {
    guard success else { throw NPYError.cannotWrite(path: path, operation: operation, code: errno) }
  }
}
