// What can go wrong with a file, whatever it holds: one case per kind, each with what was expected, what was found,
// where, and what to do. Thrown throughout Files and by the readers of formats above it, printed by the command.

import Glibc

/// An error about a file or folder.
package enum FileError: Error, Equatable {
  /// What is advised where a file's contents are not what they should be.
  package static let fetchAgain = "The file is broken or incomplete; fetch it again"

  /// A file or folder that must be there is not.
  case notFound(path: String, expected: String)
  /// The operating system refused to open or read a file; `code` is its error number.
  case unreadable(path: String, operation: String, code: Int32)
  /// A file whose contents break its format, at a named place; an empty place means the file as a whole.
  case malformed(path: String, place: String, expected: String, found: String, advice: String = fetchAgain)
  /// The operating system refused to write; `code` is its error number.
  case cannotWrite(path: String, operation: String, code: Int32)
  /// Something stands where the output should go, and replacing it could lose work.
  case wouldOverwrite(path: String, found: String)
  /// Standard output took not all that was printed; `code` is the system's error number.
  case cannotPrint(code: Int32)
}

extension FileError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notFound(let path, let expected):
      return "\(path): not found; expected \(expected). Check the path"
    case .unreadable(let path, _, EISDIR):
      return "\(path): expected a file, found a folder. Name one of its files"
    case .unreadable(let path, let operation, let code):
      return "\(path): \(operation) failed: \(systemMessage(code))"
    case .malformed(let path, let place, let expected, let found, let advice):
      return "\(path): \(place.isEmpty ? "" : place + ": ")expected \(expected), found \(found). \(advice)"
    case .cannotWrite(let path, let operation, let code):
      return "\(path): \(operation) failed: \(systemMessage(code))\(Self.advice(for: code)). Nothing was replaced"
    case .wouldOverwrite(let path, let found):
      return "\(path): expected a new, an empty or an earlier exported folder, found \(found) in it. "
        + "Choose another folder or move it away"
    case .cannotPrint(let code):
      return "standard output: write failed: \(systemMessage(code)); what was printed is not complete"
    }
  }

  /// Why a path is no model folder, and what to do about it: a file of a model, a name of the Hub, or a slip.
  package static func noModelFolder(_ path: String) -> FileError {
    let expected = "a model folder (config.json, weights, tokenizer files)"
    if Path.isFile(path) {
      return .malformed(
        path: path, place: "", expected: expected, found: "a file",
        advice: "Pass the folder it lies in: \(Path.folder(of: path))")
    }
    // On the Hub a model is OWNER/NAME, a few old ones NAME.
    let words = path.split(separator: "/", omittingEmptySubsequences: false)
    guard words.count <= 2, words.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else {
      return .notFound(path: path, expected: expected)
    }
    return .notFound(
      path: path,
      expected: expected + ", or a model of the Hugging Face Hub in its local cache. Models are not fetched here; to "
        + "fetch it once: hf download \(path)")
  }

  /// The exit code of the command for this error: 64 wrong usage, 65 bad data, 66 a file is missing, 74 a device or
  /// reader that fails, 75 too little disk or memory, 141 (as SIGPIPE ends a program) where whoever read the output is
  /// gone.
  package var exitCode: Int32 {
    switch self {
    case .unreadable(_, _, ENOMEM): 75
    case .notFound, .unreadable: 66
    case .malformed: 65
    case .cannotWrite(_, _, let code): writeFailureCode(code, otherwise: 66)
    case .wouldOverwrite: 64
    case .cannotPrint(EPIPE): 128 + SIGPIPE
    case .cannotPrint(let code): writeFailureCode(code, otherwise: 74)
    }
  }

  private static func advice(for code: Int32) -> String {
    if isDiskFull(code) { return "; free some space or choose another disk, then run again" }
    if code == EACCES || code == EPERM || code == EROFS { return "; choose a folder you may write to" }
    return ""
  }
}

/// What the operating system says about an error number.
package func systemMessage(_ code: Int32) -> String {
  strerror(code).map { String(cString: $0) } ?? "error \(code)"
}

/// Whether an error number says that a disk, a quota or a size limit is exhausted.
package func isDiskFull(_ code: Int32) -> Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

/// The exit code where writing failed: 75 for a disk that is full, 74 for a device or a reader that fails.
package func writeFailureCode(_ code: Int32, otherwise: Int32) -> Int32 {
  if isDiskFull(code) { return 75 }
  return code == EIO || code == EPIPE ? 74 : otherwise
}
