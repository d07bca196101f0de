// A file of records opened for reading: compressed files are first unpacked into an unnamed temporary file, so that
// rows can be read in any order. Used by RecordScanner and by what reads single records again.

import Files
import Glibc

/// An open file of known size, or its bytes.
package final class RecordFile {
  private enum Storage {
    case file(InputFile)
    case bytes([UInt8])
  }

  /// The path the user gave.
  package let path: String
  private let isCompressed: Bool
  private let storage: Storage
  /// What the file was when it was last known to hold what it held at opening.
  private var identity: FileIdentity?
  private var sha256: String?

  /// Opens `path`; a compressed file is unpacked into an unnamed file in `spoolFolder`.
  /// - Parameter expected: what the file should be, for the error where it is missing.
  /// - Throws: `FileError`.
  package init(path: String, isCompressed: Bool, spoolFolder: String, expected: String) throws {
    self.path = path
    self.isCompressed = isCompressed
    let file =
      isCompressed
      ? try GzipFile.unpacked(path, expected: expected, into: spoolFolder)
      : try InputFile(path: path, expected: expected)
    (storage, identity) = (.file(file), file.identity)
  }

  /// A file that was read whole, as a pipe must be.
  package init(path: String, bytes: [UInt8]) {
    self.path = path
    (storage, isCompressed) = (.bytes(bytes), false)
  }

  /// Bytes of text, unpacked.
  package var size: Int {
    switch storage {
    case .file(let file): file.size
    case .bytes(let bytes): bytes.count
    }
  }

  /// Reads up to `buffer.count` bytes from `offset` on; fewer only at the end of the file.
  package func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    switch storage {
    case .file(let file): return try file.read(upTo: buffer, at: offset)
    case .bytes(let bytes):
      let count = min(buffer.count, bytes.count - offset)
      guard count > 0 else { return 0 }
      bytes.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
      return count
    }
  }

  /// SHA-256 and size of the file as it lies on the disk.
  /// - Throws: `FileError`.
  package func digest() throws -> (sha256: String, bytes: Int) {
    guard case .file(let file) = storage, !isCompressed else { return try fileDigest(path) }
    let sha256 = try Files.digest(of: file)
    self.sha256 = sha256
    return (sha256, size)
  }

  /// What is another than when the file was opened; nil where nothing is. A file that was only touched holds what it
  /// held: where its time differs, its bytes are looked at, if their digest was asked for.
  /// - Throws: `FileError`.
  package func change() throws -> String? {
    guard case .file(let file) = storage, let now = file.currentIdentity, now != identity else { return nil }
    guard now.size == size else { return "\(now.size) bytes instead of \(size)" }
    guard let sha256, try Files.digest(of: file) == sha256 else { return "a later change" }
    identity = now
    return nil
  }
}
