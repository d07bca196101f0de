// A file being written, from its first byte to the disk. Called by AtomicFile and by the writers of formats.

import Glibc

/// A file being written.
package final class OutputFile {
  /// The name for messages.
  private let path: String
  private var descriptor: Int32

  /// Creates a file that must not exist yet, or with `exclusive: false` opens what is there (a device, say).
  /// - Parameter name: what errors call it, where the file is a temporary one.
  /// - Throws: `FileError.cannotWrite`.
  package init(path: String, exclusive: Bool = true, reportedAs name: String? = nil) throws {
    self.path = name ?? path
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (exclusive ? O_EXCL : 0), 0o666)
    if descriptor < 0 { throw FileError.cannotWrite(path: self.path, operation: "create", code: errno) }
  }

  /// Goes on with a file that is there, behind its first `size` bytes; what follows them is dropped.
  /// - Throws: `FileError.cannotWrite`.
  package init(continuing path: String, at size: Int) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.cannotWrite(path: path, operation: "open", code: errno) }
    guard ftruncate(descriptor, off_t(size)) == 0, lseek(descriptor, off_t(size), SEEK_SET) >= 0 else {
      throw FileError.cannotWrite(path: path, operation: "truncate", code: errno)
    }
  }

  /// Takes over an open descriptor.
  init(descriptor: Int32, reportedAs name: String) {
    path = name
    self.descriptor = descriptor
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  /// Appends bytes.
  /// - Throws: `FileError.cannotWrite`, ENOSPC among its codes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws { try write(bytes, at: nil) }

  /// Overwrites bytes that were written before, from `offset` on.
  /// - Throws: `FileError.cannotWrite`.
  package func overwrite(at offset: Int, with bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int?) throws {
    do throws(WriteFailure) {
      try writeAll(bytes, to: descriptor, at: offset)
    } catch {
      throw FileError.cannotWrite(path: path, operation: "write", code: error.code)
    }
  }

  /// Drops what the file held before.
  func truncate() throws {
    guard ftruncate(descriptor, 0) == 0 else {
      throw FileError.cannotWrite(path: path, operation: "truncate", code: errno)
    }
  }

  /// Appends all that this file holds to another one, and closes this one. It must be open for reading, too.
  func copy(to other: OutputFile) throws {
    let source = try InputFile(descriptor: descriptor, path: path)
    descriptor = -1
    for start in stride(from: 0, to: source.size, by: 1 << 20) {
      try other.write(try source.bytes(at: start, count: min(1 << 20, source.size - start)))
    }
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Appends text in UTF-8.
  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Waits until the bytes are on the disk; devices that cannot sync are passed over.
  /// - Throws: `FileError.cannotWrite`.
  package func sync() throws {
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
      throw FileError.cannotWrite(path: path, operation: "fsync", code: errno)
    }
  }

  /// Waits until the bytes are on the disk, and closes.
  /// - Throws: `FileError.cannotWrite`.
  package func close() throws {
    defer { descriptor = -1 }
    do {
      try sync()
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    if Glibc.close(descriptor) != 0, errno != EINTR {
      throw FileError.cannotWrite(path: path, operation: "close", code: errno)
    }
  }
}
