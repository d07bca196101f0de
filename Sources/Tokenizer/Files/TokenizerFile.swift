// Reads whole files of a model folder as bytes. Called by the readers beside it.

import Files

/// A file of a tokenizer folder.
enum TokenizerFile {
  /// All bytes of a file.
  /// - Throws: `TokenizerError.unreadable` with the system's reason.
  static func read(_ path: String) throws -> [UInt8] {
    if Path.isFolder(path) { throw TokenizerError.unreadable(file: path, reason: "a folder") }
    do {
      return try WholeFile.bytes(of: path, expected: "a file of a tokenizer")
    } catch FileError.unreadable(_, _, let code) {
      throw TokenizerError.unreadable(file: path, reason: systemMessage(code))
    } catch FileError.notFound {
      throw TokenizerError.unreadable(file: path, reason: "no such file")
    }
  }
}
