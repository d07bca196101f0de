// What can go wrong while a model is trained: each case carries what was expected, what was found, where, and what to
// do. Thrown throughout Training, printed by the command, which ends with `exitCode`.

import Files
import Glibc
import Host
import Objective

/// An error of the Training module.
package enum TrainingError: Error, Equatable {
  /// A file that must be there is not.
  case missingFile(path: String, expected: String)
  /// The operating system refused to open or read a file.
  case unreadable(path: String, operation: String, code: Int32)
  /// A file whose contents cannot be used; `line` counts from 1, 0 means the file as a whole.
  case badData(path: String, line: Int, expected: String, found: String, advice: String)
  /// The training file is not what it was when it was indexed.
  case changedFile(path: String, found: String)
  /// A flag or a combination of flags that makes no sense.
  case usage(place: String, expected: String, found: String, advice: String)
  /// The operating system refused to write.
  case cannotWrite(path: String, operation: String, code: Int32)
  /// The disk has less room than the run is known to need.
  case notEnoughSpace(path: String, needed: Int, free: Int)
  /// A strategy that is to take over on the way cannot; `place` is how it was named.
  case change(place: String, problem: String, exitCode: Int32)
  /// A strategy that was asked for on a live run does not train there.
  case swap(folder: String, problem: String)
  /// A run did not say in time what it makes of a strategy.
  case noAnswer(folder: String, seconds: Double)
  /// A description of a run that cannot be used; `place` is a line or a key.
  case badDescription(path: String, place: String, problem: String)
  /// A run cannot be repeated: what it was made of is no longer there.
  case cannotRepeat(path: String, differences: [String])
  /// A checkpoint of another run: what differs, one line each.
  case resumeMismatch(path: String, differences: [String])
  /// No checkpoint of the folder can be read.
  case brokenCheckpoints(path: String, reasons: [String])
  /// The loss, an embedding or a gradient is no longer a number, and no plugin returned it so.
  case notFinite(what: String, step: Int)
  /// The model was scored, and no score came out; the folder holds that of the last step.
  case noScore(folder: String, problem: String)
  /// A schedule gave no number that can be used.
  case schedule(text: String, step: Int, problem: String)
  /// A signal asked the run to stop; the state is in `checkpoint`.
  case interrupted(checkpoint: String, step: Int)
  /// A flag said to stop here; the state is in `checkpoint`.
  case stopped(by: String, checkpoint: String, step: Int)
}

extension TrainingError: CustomStringConvertible {
  /// What the command prints.
  package var description: String {
    switch self {
    case .missingFile(let path, let expected):
      return "\(path): not found; expected \(expected). Check the path"
    case .unreadable(let path, let operation, let code):
      return FileError.unreadable(path: path, operation: operation, code: code).description
    case .badData(let path, let line, let expected, let found, let advice):
      let place = line > 0 ? "\(path):\(line)" : path
      return "\(place): expected \(expected), found \(found). \(advice)"
    case .changedFile(let path, let found):
      return "\(path): expected the file as it was when the run started, found \(found). "
        + "Training stops here rather than mix two versions; put the file back and pass --resume"
    case .usage(let place, let expected, let found, let advice):
      return "\(place): expected \(expected), found \(found). \(advice)"
    case .cannotWrite(let path, let operation, let code):
      return "\(path): \(operation) failed: \(systemMessage(code))\(Self.advice(for: code))"
    case .notEnoughSpace(let path, let needed, let free):
      return "\(path): expected room for \(mebibytes(needed)) of checkpoints and the model, found \(mebibytes(free)) "
        + "free. Free some space or choose another --output-dir"
    case .change(let place, let problem, _):
      return "\(place): \(problem)"
    case .swap(let folder, let problem):
      return "\(folder): \(problem)"
    case .noAnswer(let folder, let seconds):
      return "\(folder): expected an answer within \(fixed(seconds, 0)) s, found none; the wish is taken back. "
        + "The run may be in a long step or an evaluation: give more --timeout"
    case .badDescription(let path, let place, let problem):
      return "\(path): \(place): \(problem)"
    case .cannotRepeat(let path, let differences):
      return "\(path): expected what the run was made of, found changes:\n  " + differences.joined(separator: "\n  ")
        + "\nBring it back, or pass --accept-changes to train on what is there now"
    case .resumeMismatch(let path, let differences):
      return "\(path): --resume expected the run this checkpoint belongs to, found differences:\n  "
        + differences.joined(separator: "\n  ")
        + "\nPass the original flags and files to go on with that run, another --output-dir to keep both runs, or "
        + "--overwrite in place of --resume to replace it"
    case .brokenCheckpoints(let path, let reasons):
      return "\(path): expected a readable checkpoint, found none:\n  " + reasons.joined(separator: "\n  ")
        + "\nPass --overwrite to start over"
    case .notFinite(let what, let step):
      return
        "step \(step): expected finite numbers, found NaN or infinity in \(what); what plugins returned was finite. "
        + "Lower --learning-rate or look at the data of this step; the weights before it are in the checkpoint"
    case .noScore(let folder, let problem):
      return "no evaluation gave a score (\(problem)); the model in \(folder) is that of the last step, not the best. "
        + "Look at --eval-data, and whether the loss was finite and the embeddings differ"
    case .schedule(let text, let step, let problem):
      return "step \(step): --schedule \(text): \(problem). Training stops before this step; correct the schedule"
    case .interrupted(let checkpoint, let step):
      return "interrupted after step \(step); the state is in \(checkpoint). Pass --resume to go on"
    case .stopped(let flag, let checkpoint, let step):
      return "stopped after step \(step) as \(flag) says; the state is in \(checkpoint). Pass --resume to go on"
    }
  }

  /// The exit code of the command for this error.
  package var exitCode: Int32 {
    switch self {
    case .missingFile, .unreadable: return 66
    case .badData, .changedFile, .badDescription, .cannotRepeat, .noScore: return 65
    case .usage, .resumeMismatch: return 64
    case .change(_, _, let code): return code
    case .cannotWrite(_, _, let code): return writeFailureCode(code, otherwise: 64)
    case .notEnoughSpace: return 75
    case .brokenCheckpoints: return 65
    case .notFinite, .schedule, .swap: return 69
    case .interrupted: return 130
    case .stopped, .noAnswer: return 75
    }
  }

  /// The exit code of an error of any module below that a strategy can cause.
  static func code(of error: any Error) -> Int32 {
    switch error {
    case let error as TrainingError: error.exitCode
    case let error as UsageError: error.exitCode
    case let error as PluginError: error.exitCode
    case let error as PluginFailure: error.exitCode
    case let error as ObjectiveError: error.exitCode
    case let error as FileError: error.exitCode
    default: 69
    }
  }

  /// Whether the run was asked to stop, and has its checkpoint.
  var isStop: Bool {
    switch self {
    case .interrupted, .stopped: true
    default: false
    }
  }

  /// Whether a checkpoint is not what it should be, so that an older one may do.
  var isDamage: Bool {
    switch self {
    case .badData, .unreadable: true
    default: false
    }
  }

  private static func advice(for code: Int32) -> String {
    if isDiskFull(code) {
      return ". Earlier checkpoints are untouched: free some space and pass --resume"
    }
    if code == EACCES || code == EPERM || code == EROFS { return ". Choose a folder you may write to" }
    return ""
  }
}

/// For people.
func mebibytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
