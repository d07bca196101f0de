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
  /// One token has two ids.
  case duplicateToken(token: String, ids: [Int32], file: String)
  /// One id has two tokens.
  case duplicateID(id: Int32, tokens: [String], file: String)
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
        + "this kind of tokenizer is not supported: WordPiece of BERT and byte-level BPE of RoBERTa are"
    case .emptyVocabulary(let file):
      "\(file): expected a vocabulary, found no token; the file is broken or cut off, fetch it again"
    case .duplicateToken(let token, let ids, let file):
      "\(file): expected every token once, found \(token) with the ids \(list(ids)); remove one of them"
    case .duplicateID(let id, let tokens, let file):
      "\(file): expected one token for each id, found \(tokens.joined(separator: " and ")) with id \(id); correct one"
    case .missingToken(let role, let token, let file):
      "\(file): expected the \(role) token \(token), found no such token; add it to the vocabulary, "
        + "or name the right one in tokenizer_config.json"
    }
  }

  private func list(_ ids: [Int32]) -> String { ids.map(String.init).joined(separator: " and ") }

  /// The exit code of a command that ends with this error.
  package var exitCode: Int32 {
    switch self {
    case .missingFile, .unreadable: 66
    default: 65
    }
  }
}
