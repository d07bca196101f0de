// Reads vocab.txt, the vocabulary of WordPiece. Called by TokenizerFolder.
// Follows Hugging Face's reader: white space at the end of a line is no part of the token, and of a token that comes
// twice the last line counts. So a vocabulary keeps its ids whatever is repeated or left blank in it.

/// A vocabulary with one token a line; the id is the number of the line, from 0.
enum VocabularyText {
  /// The tokens with their ids, each once.
  /// - Throws: `TokenizerError` where a line is no UTF-8.
  static func entries(_ path: String) throws -> [Vocabulary.Entry] {
    let lines = try TokenizerFile.lines(path)
    var last: [[UInt8]: Int] = [:]
    last.reserveCapacity(lines.count)
    let tokens = try lines.enumerated().map { index, line in
      guard line.withContiguousStorageIfAvailable({ UTF8Text.validPrefix($0) == $0.count }) ?? false else {
        throw TokenizerError.invalid(
          file: path, at: "line \(index + 1)", expected: "UTF-8", found: "other bytes, \(quoted(line.prefix(40)))")
      }
      let token = Array(trimmed(line))
      last[token] = index
      return token
    }
    guard tokens.count <= Int(Int32.max) else {
      throw TokenizerError.invalid(
        file: path, at: "the file", expected: "at most 2147483647 lines", found: "\(tokens.count)")
    }
    return tokens.enumerated().compactMap { index, token in
      last[token] == index ? (bytes: token, id: Int32(index)) : nil
    }
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var line = line
    while let byte = line.last, byte <= 0x20 || byte >= 0x80 {
      let start = line.lastIndex { $0 & 0xC0 != 0x80 } ?? line.startIndex
      let scalar = line[start...].withUnsafeBufferPointer { $0.baseAddress.map { UTF8Text.character($0).scalar } ?? 0 }
      guard ByteLevelCharacters.shared.flags[scalar] & ByteLevelCharacters.Flag.whitespace != 0 else { break }
      line = line[..<start]
    }
    return line
  }
}
