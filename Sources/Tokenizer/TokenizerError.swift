// What can go wrong while tokenizer files are read; encoding itself cannot fail.

/// A tokenizer folder that cannot be used, with what was expected, what was found, where, and what to do.
package enum TokenizerError: Error, CustomStringConvertible {
  /// None of the files a tokenizer can be made from is in the folder.
  case missingFile(expected: [String], folder: String)

  package var description: String {
    switch self {
    case .missingFile(let expected, let folder):
      "no tokenizer in \(folder): expected one of \(expected.joined(separator: ", ")); pass a Hugging Face model folder"
    }
  }

  /// The exit code of a command that ends with this error.
  package var exitCode: Int32 { 66 }
}
