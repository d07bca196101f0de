// Looking names up loads plugins, and a plugin may crash while it is loaded: a child process does it first, so that the
// comparison loses a row and not itself. Used by ComparisonPlan.

import Processes

enum StrategyLookUp {
  /// What is known to end a process that loads it, by place in `texts`.
  /// - Parameter arguments: the plugins' flags.
  static func crashes(_ texts: [String], program: String, arguments: [String]) throws -> [Int: String] {
    guard try signal(of: texts, program, arguments) != nil else { return [:] }
    var crashes: [Int: String] = [:]
    for (index, text) in texts.enumerated() {
      if let signal = try signal(of: [text], program, arguments) {
        crashes[index] = "loading its plugin ended a process by \(SignalName.explained(signal))"
      }
    }
    return crashes
  }

  /// The signal that ended `mixcse look-up`; nil where it came to its end.
  private static func signal(of texts: [String], _ program: String, _ arguments: [String]) throws -> Int32? {
    var settings = ChildSettings(program: program, name: program, ["look-up"] + arguments + ["--"] + texts)
    settings.variables = Environment.withoutBacktrace()
    settings.hasOwnGroup = true
    do {
      return try ChildProcess(settings).wait()?.signal
    } catch {
      throw ComparisonError.system(path: program, operation: error.operation, code: error.code)
    }
  }
}
