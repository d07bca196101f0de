// What can be wrong with a file of text: each case carries what was expected, what was found, where, and what to do.
// Thrown throughout TextData, printed by the command.

/// An error of the TextData module.
package enum TextDataError: Error, Equatable {
  /// Contents that cannot be used; `line` counts from 1, 0 means the file as a whole.
  case badText(path: String, line: Int, expected: String, found: String, advice: String)
  /// A name or a flag that makes no sense for the file.
  case usage(place: String, expected: String, found: String, advice: String)
  /// The file changed while it was read.
  case changedFile(path: String, found: String)
}

extension TextDataError: CustomStringConvertible {
  /// What the command prints.
  package var description: String {
    switch self {
    case .badText(let path, let line, let expected, let found, let advice):
      "\(line > 0 ? "\(path):\(line)" : path): expected \(expected), found \(found). \(advice)"
    case .usage(let place, let expected, let found, let advice):
      "\(place): expected \(expected), found \(found). \(advice)"
    case .changedFile(let path, let found):
      "\(path): expected the file as it was when reading began, found \(found). Start again when nobody writes to it"
    }
  }

  /// The exit code of the command: 64 wrong usage, 65 bad data.
  package var exitCode: Int32 {
    switch self {
    case .badText, .changedFile: 65
    case .usage: 64
    }
  }
}
