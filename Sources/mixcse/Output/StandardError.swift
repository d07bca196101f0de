// What the commands say apart from their output: lines and warnings on standard error.

import Files
import Logging

/// One line for the user, apart from the output; control characters in it are shown, not obeyed.
func printToStandardError(_ line: String) {
  StandardError.write(line.visible + "\n")
}

/// A logger that writes `warning: ...` lines to standard error and nothing below a warning.
func commandLogger() -> Logger {
  Logger(label: "mixcse") { _ in StandardErrorLog() }
}

private struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .warning

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    printToStandardError("\(event.level): \(event.message)")
  }
}
