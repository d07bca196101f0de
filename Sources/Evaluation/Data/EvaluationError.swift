// What can be wrong with evaluation data. Thrown by the readers, printed by the command.

import Files

/// An error of the Evaluation module.
package enum EvaluationError: Error, Equatable, CustomStringConvertible {
  /// None of the places where the data could be holds it.
  case notFound(path: String, expected: String)
  case unreadable(path: String, operation: String, code: Int32)
  /// A line that is no pair or no sample; lines count from 1.
  case badLine(path: String, line: Int, expected: String, found: String)
  /// A file without a single pair or sample.
  case empty(path: String)
  /// Two files whose lines belong together do not have the same number of them.
  case unequalLines(path: String, lines: Int, other: String, otherLines: Int)
  /// Too few samples of a class to be shared out over the folds.
  case tooFewSamples(path: String, label: String, expected: Int, found: Int)
  /// Gold scores by which no model can be told from another.
  case noRanking(path: String, found: String)
  /// Not one figure came out: why, one line each.
  case nothingScored(reasons: [String])
  /// No task, figure or set goes by that name.
  case unknownName(kind: String, name: String, known: [String])

  /// What was expected, what was found, and where.
  package var description: String {
    switch self {
    case .notFound(let path, let expected):
      "\(path): expected \(expected), found none. Check the path"
    case .unreadable(let path, let operation, let code):
      FileError.unreadable(path: path, operation: operation, code: code).description
    case .badLine(let path, let line, let expected, let found):
      "\(path):\(line): expected \(expected), found \(found). Correct or remove the line"
    case .empty(let path):
      "\(path): expected sentences, found none. Is it the right file?"
    case .unequalLines(let path, let lines, let other, let otherLines):
      """
      \(other):\(min(lines, otherLines) + 1): expected as many lines as \(path) has (\(lines)), found \(otherLines). \
      Get both files again
      """
    case .tooFewSamples(let path, let label, let expected, let found):
      "\(path): expected at least \(expected) samples of the class \(label), found \(found). Get the file again"
    case .noRanking(let path, let found):
      "\(path): expected gold scores that differ, found that \(found). Is it the right file, and the right column?"
    case .nothingScored(let reasons):
      "nothing was scored: " + reasons.joined(separator: "; ")
    case .unknownName(let kind, let name, let known):
      "expected a \(kind), found '\(name)'. Known are: " + known.joined(separator: ", ")
    }
  }

  /// The exit code of the command: 64 wrong usage, 65 bad data, 66 a file is missing.
  package var exitCode: Int32 {
    switch self {
    case .notFound, .unreadable: 66
    case .badLine, .empty, .unequalLines, .tooFewSamples, .noRanking, .nothingScored: 65
    case .unknownName: 64
    }
  }
}
