// A training file opened for reading: compressed files are first unpacked into an unnamed temporary file, so that rows
// can be read in any order. Used by RecordScanner and TrainingData.

import Files
import Glibc

/// An open training file of known size that notices when it changes.
final class DataFile {
  /// The path the user gave.
  let path: String
  private let file: InputFile
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
  }

  /// Reads up to `buffer.count` bytes from `offset` on; fewer only at the end of the file.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try file.read(upTo: buffer, at: offset)
  }

  /// - Throws: `TrainingError.changedFile` where size or time of the file differ from those at opening.
  func checkUnchanged() throws {
    let now = file.currentIdentity
    guard now == file.identity else {
      let found = now.flatMap { $0.size == size ? nil : "\($0.size) bytes instead of \(size)" } ?? "a later change"
      throw TrainingError.changedFile(path: path, found: found)
    }
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
