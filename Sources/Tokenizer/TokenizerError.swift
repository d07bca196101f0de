// What can go wrong while tokenizer files are read; encoding itself cannot fail.

/// A tokenizer folder that cannot be used, with what was expected, what was found, where, and what to do.
package enum TokenizerError: Error, Equatable, CustomStringConvertible {
  /// None of the files a tokenizer can be made from is in the folder.
  case missingFile(expected: [String], folder: String)
  /// A file is there and cannot be read.
  case unreadable(file: String, reason: String)
  /// A file is not JSON.
  case malformedJSON(file: String, line: Int, column: Int, expected: String, found: String)
  /// A file says something other than the format allows.
  case invalid(file: String, at: String, expected: String, found: String)
  /// A file describes a tokenizer of another kind than those here.
  case unsupported(file: String, at: String, found: String, supported: String)
  /// A file holds no token.
  case emptyVocabulary(file: String)
  /// A token the tokenizer cannot do without is not in the vocabulary.
  case missingToken(role: String, token: String, file: String)

  /// What was expected, what was found, and in which file.
  package var description: String {
    switch self {
    case .missingFile(let expected, let folder):
      "expected \(expected.joined(separator: ", or ")) in \(folder), found no such file; "
        + "copy the tokenizer files of the model into this folder"
    case .unreadable(let file, let reason):
      "expected a readable file at \(file), found: \(reason); check its kind and its permissions"
    case .malformedJSON(let file, let line, let column, let expected, let found):
      "\(file), line \(line), column \(column): expected \(expected), found \(found); "
        + "the file is broken or cut off, fetch it again"
    case .invalid(let file, let place, let expected, let found):
      "\(file), \(place): expected \(expected), found \(found); correct the file or fetch it again"
    case .unsupported(let file, let place, let found, let supported):
      "\(file), \(place): expected \(supported), found \(found); "
        + "what is built are WordPiece as in BERT, byte-level BPE as in RoBERTa and Unigram as in XLM-RoBERTa"
    case .emptyVocabulary(let file):
      "\(file): expected a vocabulary, found no token; the file is broken or cut off, fetch it again"
    case .missingToken(let role, let token, let file):
      "\(file): expected the \(role) token \(token), found no such token; name the right one in "
        + "tokenizer_config.json, or fetch the vocabulary again"
    }
  }

  /// The exit code of a command that ends with this error.
  package var exitCode: Int32 {
    switch self {
    case .missingFile, .unreadable: 66
    default: 65
    }
  }
}
