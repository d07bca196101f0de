// Looking names up loads plugins, and a plugin may crash while it is loaded: a child process does it first, so that the
// comparison loses a row and not itself. Used by ComparisonPlan.

import Glibc

enum StrategyLookUp {
  /// What is known to end a process that loads it, by place in `texts`.
  /// - Parameter arguments: the plugins' flags.
  static func crashes(_ texts: [String], program: String, arguments: [String]) throws -> [Int: String] {
    guard try signal(of: texts, program, arguments) != nil else { return [:] }
    var crashes: [Int: String] = [:]
    for (index, text) in texts.enumerated() {
      if let signal = try signal(of: [text], program, arguments) {
        crashes[index] = "loading its plugin ended a process by \(ChildProcess.name(of: signal))"
      }
    }
    return crashes
  }

  /// The signal that ended `mixcse look-up`; nil where it came to its end.
  private static func signal(of texts: [String], _ program: String, _ arguments: [String]) throws -> Int32? {
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    let child = try ChildProcess(program, ["look-up"] + arguments + ["--"] + texts, input: input, log: "/dev/null")
    while true {
      switch child.poll() {
      case .signalled(let signal): return signal
      case .exited: return nil
      case nil: usleep(2000)
      }
    }
  }
}
