// The errors of finding, naming and configuring plugins. Running them has errors of its own (PluginFailure).

/// What went wrong between a name on the command line and a component ready to run.
package enum PluginError: Error, Sendable, CustomStringConvertible {
  // A plugin cannot be had.
  case unknownComponent(kind: String, name: String, hint: String, searched: SearchReport)
  case refused(path: String, reason: PluginRefusal)

  // Wrong usage.
  case ambiguous(kind: String, name: String, candidates: [String])
  case unknownParameter(component: String, name: String, nearest: [String], declared: [String])
  case ambiguousParameter(method: String, name: String, candidates: [String])
  case badValue(component: String, parameter: String, text: String, expected: String, nearest: [String])
  case settingTwice(component: String, parameter: String)
  case badText(text: String, column: Int, problem: String)
  case unusedSetting(text: String, component: String, inUse: [String], nearest: [String])
  case incomplete(problem: String)
  case searchPath(option: String, problem: String)

  /// The exit code of the command: 69 where a plugin cannot be had, 64 for wrong usage.
  package var exitCode: Int32 {
    switch self {
    case .unknownComponent, .refused: 69
    default: 64
    }
  }

  package var description: String {
    switch self {
    case .unknownComponent(let kind, let name, let hint, let searched):
      return "no \(kind) is called '\(name)'\(hint)\n\(searched)"
    case .refused(let path, let reason):
      return "plugin \(path) cannot be used: \(reason)"
    case .ambiguous(let kind, let name, let candidates):
      return "several libraries offer the \(kind) '\(name)'; say which one:\n"
        + candidates.map { "  \($0)" }.joined(separator: "\n")
    case .searchPath(let option, let problem):
      return "\(option): \(problem)"
    default:
      return usageDescription
    }
  }

  private var usageDescription: String {
    switch self {
    case .unknownParameter(let component, let name, let nearest, let declared):
      let known = declared.isEmpty ? "it has none" : "it has \(declared.joined(separator: ", "))"
      return "\(component) has no parameter '\(name)'\(didYouMean(nearest)) (\(known))"
    case .ambiguousParameter(let method, let name, let candidates):
      return "several components of \(method) have a parameter '\(name)'; write \(candidates.joined(separator: " or "))"
    case .badValue(let component, let parameter, let text, let expected, let nearest):
      return "\(component).\(parameter): expected \(expected), found '\(text)'\(didYouMean(nearest))"
    case .settingTwice(let component, let parameter):
      return "\(component).\(parameter) is given twice; leave one of them out"
    case .badText(let text, let column, let problem):
      return "'\(text)', column \(column): \(problem)"
    case .unusedSetting(let text, let component, let inUse, let nearest):
      return "--set \(text): this run has no component '\(component)'\(didYouMean(nearest))"
        + " (it has \(inUse.joined(separator: ", ")))"
    case .incomplete(let problem):
      return problem
    default:
      return ""
    }
  }
}

/// Where plugins were looked for and what was found there; the tail of every "no such plugin".
package struct SearchReport: Sendable, Equatable, CustomStringConvertible {
  /// A folder and how many plugins it gave, or why it gave none.
  package var folders: [String] = []
  /// Files that looked like plugins but cannot be used, with the reason.
  package var refused: [String] = []

  package var description: String {
    var lines = ["plugins were looked for in:"] + folders.map { "  \($0)" }
    if folders.isEmpty { lines = ["there was no folder to look for plugins in"] }
    if !refused.isEmpty { lines += ["not used:"] + refused.map { "  \($0)" } }
    return lines.joined(separator: "\n")
  }
}
