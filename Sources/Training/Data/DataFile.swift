// A training file opened for reading: compressed files are first unpacked into an unnamed temporary file, so that rows
// can be read in any order. Used by RecordScanner and TrainingData.

import Files
import Glibc

/// An open training file of known size that notices when it changes.
final class DataFile {
  /// The path the user gave.
  let path: String
  private let isCompressed: Bool
  private let file: InputFile
  /// What the file was when it was last known to hold what was indexed.
  private var identity: FileIdentity
  private var sha256: String?
  /// Bytes of text, unpacked.
  var size: Int { file.size }

  /// Opens `path`; a compressed file is unpacked into an unnamed file in `spoolFolder`.
  /// - Throws: `FileError`.
  init(path: String, isCompressed: Bool, spoolFolder: String) throws {
    let expected = "a file of training sentences"
    self.path = path
    file =
      isCompressed
      ? try GzipFile.unpacked(path, expected: expected, into: spoolFolder)
      : try InputFile(path: path, expected: expected)
    identity = file.identity
    self.isCompressed = isCompressed
  }

  /// SHA-256 and size of the file as it lies on the disk.
  /// - Throws: `FileError`.
  func digest() throws -> (sha256: String, bytes: Int) {
    if isCompressed { return try fileDigest(path) }
    let sha256 = try Files.digest(of: file)
    self.sha256 = sha256
    return (sha256, size)
  }

  /// Reads up to `buffer.count` bytes from `offset` on; fewer only at the end of the file.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try file.read(upTo: buffer, at: offset)
  }

  /// A file that was only touched holds what it held: where its time differs, its bytes are looked at.
  /// - Throws: `TrainingError.changedFile` where they differ from those that were indexed; `FileError`.
  func checkUnchanged() throws {
    guard let now = file.currentIdentity, now != identity else { return }
    guard now.size == size else {
      throw TrainingError.changedFile(path: path, found: "\(now.size) bytes instead of \(size)")
    }
    guard let sha256, try Files.digest(of: file) == sha256 else {
      throw TrainingError.changedFile(path: path, found: "a later change")
    }
    identity = now
  }
}

/// Writes the first `count` bytes of `bytes`, retrying what the system interrupts.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8], count: Int, path: String) throws {
  try bytes.withUnsafeBytes { buffer in
    var done = 0
    while done < count, let base = buffer.baseAddress {
      let written = write(descriptor, base + done, min(count - done, 1 << 30))
      if written >= 0 {
        done += written
      } else if errno != EINTR {
        throw TrainingError.cannotWrite(path: path, operation: "write", code: errno)
      }
    }
  }
}
