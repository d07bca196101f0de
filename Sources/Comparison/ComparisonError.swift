// What can go wrong when strategies are compared: expected, found, where, what to do. Thrown throughout Comparison,
// printed by the command, which ends with `exitCode`.

import Files

/// An error of the Comparison module.
package enum ComparisonError: Error, Equatable {
  /// A flag or a combination of flags that makes no sense.
  case usage(place: String, expected: String, found: String, advice: String)
  /// A file that must be there is not, or cannot be read.
  case unreadable(path: String, problem: String)
  /// The operating system refused to write, to lock or to start a process.
  case system(path: String, operation: String, code: Int32)
  /// Another comparison works in the folder.
  case inUse(folder: String, owner: String)
  /// The scheduler of a cluster does not answer.
  case scheduler(command: String, problem: String)
  /// The encoder that the runs ask for cannot be opened: what it says, and the exit code of that.
  case encoder(String, code: Int32)
  /// Runs that ended with an error; the others are finished.
  case failed(runs: [String], total: Int)
  /// A signal asked the comparison to stop; every run has a checkpoint.
  case interrupted(finished: Int, total: Int)
  /// The time of `--max-hours` is over; every run has a checkpoint.
  case outOfTime(hours: Double, finished: Int, total: Int)
}

extension ComparisonError: CustomStringConvertible {
  /// What the command prints.
  package var description: String {
    switch self {
    case .usage(let place, let expected, let found, let advice):
      return "\(place): expected \(expected), found \(found). \(advice)"
    case .unreadable(let path, let problem):
      return "\(path): \(problem)"
    case .system(let path, let operation, let code):
      return "\(path): \(operation) failed: \(systemMessage(code))"
    case .inUse(let folder, let owner):
      return "\(folder): expected a folder that no other comparison works in, found \(owner) at work. "
        + "Wait for its end, stop it with Ctrl-C, or choose another --output-dir"
    case .scheduler(let command, let problem):
      return "\(command): expected an answer, found: \(problem.isEmpty ? "none" : problem). Nothing is lost: the same "
        + "command goes on once the scheduler answers"
    case .encoder(let text, _): return text
    case .failed(let runs, let total):
      return "\(runs.count) of \(total) runs failed: \(runs.joined(separator: ", ")). The others are finished; "
        + "the same command tries the failed ones again"
    case .interrupted(let finished, let total):
      return "interrupted with \(finished) of \(total) runs finished; the same command goes on where it was"
    case .outOfTime(let hours, let finished, let total):
      return "stopped as --max-hours \(hours) says, with \(finished) of \(total) runs finished; the same command goes "
        + "on where it was"
    }
  }

  /// The exit code of the command for this error.
  package var exitCode: Int32 {
    switch self {
    case .usage, .inUse, .system: 64
    case .unreadable: 66
    case .encoder(_, let code): code
    case .failed: 69
    case .interrupted: 130
    case .outOfTime, .scheduler: 75
    }
  }
}
