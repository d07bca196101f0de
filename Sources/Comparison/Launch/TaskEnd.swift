// How a task of an array ended, by the file its script left. Read by SlurmLaunch.

import Files
package import Processes

/// The last words of a task.
package struct TaskEnd: Equatable {
  /// What becomes of a task that is no longer in the queue.
  package enum Meaning: Equatable {
    /// It did all it was asked for.
    case done
    /// Stopped on the way: it goes on from its checkpoint.
    case goesOn
    /// Ended with an error.
    case failed(ProcessEnd)
  }

  /// The exit code, as a shell has it: 128 and the number of a signal.
  var code: Int32
  /// Whether it left another checkpoint than it found.
  var moved: Bool

  /// `CODE MOVED`; nil where the file says something else.
  package init?(text: String) {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let code = Int32(words[0]), (0...255).contains(code), ["0", "1"].contains(words[1]) else {
      return nil
    }
    (self.code, moved) = (code, words[1] == "1")
  }

  /// Nil where there is no such file.
  init?(path: String) {
    guard Path.isFile(path), let bytes = try? WholeFile.bytes(of: path, expected: "the end of a task") else {
      return nil
    }
    self.init(text: String(decoding: bytes, as: UTF8.self))
  }

  /// What the file means.
  package var meaning: Meaning {
    if code == 0 { return .done }
    if ArrayScript.goesOn.contains(code), moved { return .goesOn }
    return .failed(code > 128 && code < 128 + 65 && code != 130 ? .signalled(code - 128) : .exited(code))
  }
}
