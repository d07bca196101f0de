// A .npy file that grows row by row; its header is completed at the end. Used by encode, which may read from a pipe.
// Source: numpy/lib/format.py, version 1.0.

import Foundation
import Kernels
import Training

/// Writes float32 `[rows, width]` beside `path` and moves it there when it is complete.
final class MatrixWriter {
  private static let headerBytes = 128
  private let path: String
  private let temporary: String
  private let width: Int
  private let descriptor: Int32
  private var rows = 0
  private var isFinished = false

  /// - Throws: `TrainingError.cannotWrite`.
  init(path: String, width: Int) throws {
    self.path = path
    self.width = width
    temporary = path + ".unfinished-\(getpid())"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw TrainingError.cannotWrite(path: path, operation: "open", code: errno) }
    try write([UInt8](repeating: 0, count: Self.headerBytes))
  }

  deinit {
    close(descriptor)
    if !isFinished { unlink(temporary) }
  }

  func append(_ matrix: Matrix) throws {
    for row in 0..<matrix.rows {
      try write(UnsafeRawBufferPointer(start: matrix.row(row), count: width * 4))
    }
    rows += matrix.rows
  }

  func finish() throws {
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(width)), }"
    text += String(repeating: " ", count: Self.headerBytes - 11 - text.utf8.count) + "\n"
    guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw failure("seek") }
    try write([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(Self.headerBytes - 10), 0] + Array(text.utf8))
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure("fsync") }
    guard rename(temporary, path) == 0 else { throw failure("rename") }
    isFinished = true
  }

  private func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let count = Foundation.write(descriptor, base + done, bytes.count - done)
      if count >= 0 { done += count } else if errno != EINTR { throw failure("write") }
    }
  }

  private func failure(_ operation: String) -> TrainingError {
    .cannotWrite(path: path, operation: operation, code: errno)
  }
}
