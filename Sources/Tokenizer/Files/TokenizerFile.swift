// Reads whole files of a model folder as bytes. Called by the readers beside it.

import Files

/// A file of a tokenizer folder.
enum TokenizerFile {
  /// All bytes of a file.
  /// - Throws: `TokenizerError.unreadable` with the system's reason.
  static func read(_ path: String) throws -> [UInt8] {
    do {
      let file = try InputFile(path: path, expected: "a file of a tokenizer")
      guard file.size <= maximumSize else {
        throw TokenizerError.invalid(
          file: path, at: "the file", expected: "at most \(maximumSize >> 20) MiB", found: "\(file.size) bytes")
      }
      return try file.bytes(at: 0, count: file.size)
    } catch FileError.unreadable(_, _, let code) {
      throw TokenizerError.unreadable(file: path, reason: systemMessage(code))
    } catch FileError.notFound {
      throw TokenizerError.unreadable(file: path, reason: "no such file")
    } catch FileError.malformed(_, _, "a regular file", let found, _) {
      throw TokenizerError.unreadable(file: path, reason: found)
    }
  }

  /// No vocabulary is larger by far: it would only cost memory.
  private static let maximumSize = 256 << 20
  /// The lines of a text file without their ends; no empty one after the last line end.
  static func lines(_ path: String) throws -> [ArraySlice<UInt8>] {
    var lines = try read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
  }
}
