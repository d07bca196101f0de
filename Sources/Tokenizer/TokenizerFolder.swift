// Reads the tokenizer files of a Hugging Face model folder. Called by Training, Evaluation and the command.

import Files

/// Makes a tokenizer from a Hugging Face model folder.
package enum TokenizerFolder {
  /// Loads `tokenizer.json`, else `vocab.txt` (WordPiece), else `vocab.json` and `merges.txt` (byte-level BPE).
  ///
  /// Options in `tokenizer_config.json` (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`,
  /// `add_prefix_space`, names of special tokens) go before those in `tokenizer.json`, as in transformers. A file
  /// that is there but broken is an error; no other file is tried instead.
  /// - Throws: `TokenizerError` naming the file, what was expected, what was found and what to do.
  package static func load(_ folder: String) throws -> any Tokenizer {
    guard Path.isFolder(folder) else { throw TokenizerError.missingFolder(folder) }
    let settings = try TokenizerSettings(folder: folder)
    if Path.exists(folder + "/tokenizer.json") {
      return try TokenizerJSON(folder + "/tokenizer.json", settings).load()
    }
    if Path.exists(folder + "/vocab.txt") { return try loadVocabularyText(folder + "/vocab.txt", settings) }
    if Path.exists(folder + "/vocab.json") {
      guard Path.exists(folder + "/merges.txt") else {
        throw TokenizerError.missingFile(expected: ["merges.txt (beside vocab.json)"], folder: folder)
      }
      return try loadByteLevel(folder, settings)
    }
    throw TokenizerError.missingFile(
      expected: ["tokenizer.json", "vocab.txt", "vocab.json with merges.txt"], folder: folder)
  }

  /// `vocab.txt`: one token a line, its id the number of the line from 0.
  private static func loadVocabularyText(_ path: String, _ settings: TokenizerSettings) throws -> any Tokenizer {
    let entries = try lines(of: path).enumerated().map { index, line in
      guard line.withContiguousStorageIfAvailable({ UTF8Text.validPrefix($0) == $0.count }) ?? false else {
        throw TokenizerError.invalid(
          file: path, at: "line \(index + 1)", expected: "UTF-8", found: "other bytes, \(quoted(line.prefix(40)))")
      }
      return (bytes: Array(line), id: Int32(index))
    }
    let parts = try TokenizerParts(
      .wordPiece, entries: entries, named: try settings.addedTokens(.wordPiece), settings: settings, file: path)
    let options = try settings.bertOptions(over: BertNormalizerOptions())
    return parts.wordPiece(options, prefix: Array("##".utf8), maximumCharacters: 100)
  }

  /// `vocab.json`: an object of token and id; `merges.txt`: two tokens a line, in order of rank.
  private static func loadByteLevel(_ folder: String, _ settings: TokenizerSettings) throws -> any Tokenizer {
    let path = folder + "/vocab.json"
    let entries = try JSONNode.read(path).members().map { (bytes: $0.key, id: try $0.node.integer()) }
    var merges: [BytePairReader.Merge] = []
    for (index, line) in try lines(of: folder + "/merges.txt").enumerated() where !line.starts(with: "#version".utf8) {
      let place = "line \(index + 1)"
      guard let merge = BytePairReader.Merge(line: line, place: place) else {
        throw TokenizerError.invalid(
          file: folder + "/merges.txt", at: place, expected: "two tokens and one blank between them",
          found: quoted(line.prefix(60)))
      }
      merges.append(merge)
    }
    let parts = try TokenizerParts(
      .byteLevel, entries: entries, named: try settings.addedTokens(.byteLevel), settings: settings, file: path)
    let reader = BytePairReader(vocabulary: parts.vocabulary, file: path, mergesFile: folder + "/merges.txt")
    return parts.byteLevel(
      try reader.model(merges, unknownID: nil, wholeFirst: false),
      addsPrefixSpace: try settings.addsPrefixSpace(over: false))
  }

  /// The lines of a text file without their ends; no empty one after the last line end.
  private static func lines(of path: String) throws -> [ArraySlice<UInt8>] {
    var lines = try TokenizerFile.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
  }
}
