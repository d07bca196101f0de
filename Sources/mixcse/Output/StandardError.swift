// What the commands say apart from their output: lines and warnings on standard error.

import Files
import Logging
import Ranks

/// Whether the first of several processes says the same.
private let isSaidByAnother = (Launcher()?.rank ?? 0) > 0

/// One line for the user, apart from the output; control characters in it are shown, not obeyed. Of several processes
/// that a launcher started the first one speaks, but for what concerns one `host`.
func printToStandardError(_ line: String, host: Bool = false) {
  if isSaidByAnother, !host { return }
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
