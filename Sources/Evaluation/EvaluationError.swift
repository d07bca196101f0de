// What can be wrong with evaluation data. Thrown by the readers, printed by the command.

import Glibc

/// An error of the Evaluation module.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
  /// None of the places where the data could be holds it.
  case notFound(path: String, expected: String)
  case unreadable(path: String, operation: String, code: Int32)
  /// A line that is no pair; lines count from 1.
  case badLine(path: String, line: Int, expected: String, found: String)
  /// A file without a single pair.
  case empty(path: String)

  package var description: String {
    switch self {
    case .notFound(let path, let expected):
      "\(path): expected \(expected), found none. Check the path"
    case .unreadable(let path, let operation, let code):
      "\(path): \(operation) failed: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
    case .badLine(let path, let line, let expected, let found):
      "\(path):\(line): expected \(expected), found \(found). Correct or remove the line"
    case .empty(let path):
      "\(path): expected sentence pairs, found none. Is it the right file?"
    }
  }

  /// The exit code of the command: 65 bad data, 66 a file is missing.
  package var exitCode: Int32 {
    switch self {
    case .notFound, .unreadable: 66
    case .badLine, .empty: 65
    }
  }
}
