// Reads the tokenizer files of a Hugging Face model folder. Called by Training, Evaluation and the command.

import Files

/// Makes a tokenizer from a Hugging Face model folder.
package enum TokenizerFolder {
  /// Loads `tokenizer.json`, else SentencePiece's file (where the class of the tokenizer has one), else `vocab.txt`
  /// (WordPiece), else `vocab.json` and `merges.txt` (byte-level BPE).
  ///
  /// Whether options (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`, `add_prefix_space`) are those of
  /// `tokenizer_config.json` or those of `tokenizer.json`, the class of the tokenizer decides, as in transformers. A
  /// file that is there but broken is an error; no other file is tried instead.
  /// - Throws: `TokenizerError` naming the file, what was expected, what was found and what to do.
  package static func load(_ folder: String) throws -> any Tokenizer {
    guard Path.isFolder(folder) else { throw FileError.noModelFolder(folder) }
    let settings = try TokenizerSettings(folder: folder)
    if try Path.isPresent(folder + "/tokenizer.json") {
      return try TokenizerJSON(folder + "/tokenizer.json", settings).load()
    }
    if settings.needsJSON { throw TokenizerError.missingFile(expected: ["tokenizer.json"], folder: folder) }
    if let name = settings.builtFamily?.sentencePieceFile {
      guard try Path.isPresent(folder + "/" + name) else {
        throw TokenizerError.missingFile(expected: ["tokenizer.json", name], folder: folder)
      }
      return try loadSentencePiece(folder + "/" + name, settings)
    }
    if try Path.isPresent(folder + "/vocab.txt") { return try loadVocabularyText(folder + "/vocab.txt", settings) }
    if try Path.isPresent(folder + "/vocab.json") {
      guard try Path.isPresent(folder + "/merges.txt") else {
        throw TokenizerError.missingFile(expected: ["merges.txt (beside vocab.json)"], folder: folder)
      }
      return try loadByteLevel(folder, settings)
    }
    throw TokenizerError.missingFile(
      expected: ["tokenizer.json", "vocab.txt", "vocab.json with merges.txt"], folder: folder)
  }

  /// `vocab.txt`: one token a line, its id the number of the line from 0.
  private static func loadVocabularyText(_ path: String, _ settings: TokenizerSettings) throws -> any Tokenizer {
    let built = settings.builtFamily
    let family = built?.algorithm == .wordPiece ? built ?? .wordPiece : .wordPiece
    let parts = try TokenizerParts(
      family, entries: VocabularyText.entries(path), named: settings.addedTokens(defaults: family),
      settings: settings, file: path)
    return parts.wordPiece(try settings.bertOptions(), prefix: Array("##".utf8), maximumCharacters: 100)
  }

  /// A SentencePiece model, with the tokens that its class puts around the pieces.
  private static func loadSentencePiece(_ path: String, _ settings: TokenizerSettings) throws -> any Tokenizer {
    let file = try SentencePieceFile(path)
    let family = settings.builtFamily ?? .unigram
    let vocabulary = try file.vocabulary(family, settings)
    let parts = try TokenizerParts(
      family, entries: vocabulary.entries,
      named: settings.addedTokens(defaults: family, further: file.addedTokens), settings: settings, file: path)
    return try UnigramReader(family: family, vocabulary: vocabulary, settings: settings)
      .built(parts, charsmap: file.charsmap(), unknownID: file.unknownID)
  }

  /// `vocab.json`: an object of token and id; `merges.txt`: two tokens a line, in order of rank.
  private static func loadByteLevel(_ folder: String, _ settings: TokenizerSettings) throws -> any Tokenizer {
    let path = folder + "/vocab.json"
    let entries = try JSONNode.read(path).members().map { (bytes: $0.key, id: try $0.node.integer()) }
    var merges: [BytePairReader.Merge] = []
    for (index, line) in try TokenizerFile.lines(folder + "/merges.txt").enumerated()
    where !line.starts(with: "#version".utf8) {
      let place = "line \(index + 1)"
      guard let merge = BytePairReader.Merge(line: line, place: place) else {
        throw TokenizerError.invalid(
          file: folder + "/merges.txt", at: place, expected: "two tokens and one blank between them",
          found: quoted(line.prefix(60)))
      }
      merges.append(merge)
    }
    let parts = try TokenizerParts(
      .byteLevel, entries: entries, named: settings.addedTokens(defaults: .byteLevel), settings: settings, file: path)
    let reader = BytePairReader(vocabulary: parts.vocabulary, file: path, mergesFile: folder + "/merges.txt")
    return parts.byteLevel(
      try reader.model(merges, unknownID: nil, wholeFirst: false),
      addsPrefixSpace: try settings.addsPrefixSpace())
  }
}
