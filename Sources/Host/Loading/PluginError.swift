// A plugin cannot be had: no such name, or a file that cannot be used. What was typed wrong is a UsageError; running
// plugins has errors of its own (PluginFailure).

/// What went wrong between a name on the command line and a component ready to run.
package enum PluginError: Error, Sendable, CustomStringConvertible {
  /// `hint`: what may have been meant; `searched`: where was looked.
  case unknownComponent(kind: String, name: String, hint: String, searched: SearchReport)
  /// The file at `path` cannot be used as a plugin.
  case refused(path: String, reason: PluginRefusal)

  /// The exit code of the command: 69, a plugin cannot be had.
  package var exitCode: Int32 { 69 }

  /// What was looked for, where, and why it cannot be used.
  package var description: String {
    switch self {
    case .unknownComponent(let kind, let name, let hint, let searched):
      "no \(kind) is called '\(name)'\(hint)\n\(searched)"
    case .refused(let path, let reason):
      "plugin \(path) cannot be used: \(reason)"
    }
  }
}

/// Where plugins were looked for and what was found there; the tail of every "no such plugin".
package struct SearchReport: Sendable, Equatable, CustomStringConvertible {
  /// A folder and how many plugins it gave, or why it gave none.
  package var folders: [String] = []
  /// Files that looked like plugins but cannot be used, with the reason.
  package var refused: [String] = []

  /// The folders and files, one a line.
  package var description: String {
    var lines = ["plugins were looked for in:"] + folders.map { "  \($0)" }
    if folders.isEmpty { lines = ["there was no folder to look for plugins in"] }
    if !refused.isEmpty { lines += ["not used:"] + refused.map { "  \($0)" } }
    return lines.joined(separator: "\n")
  }
}
