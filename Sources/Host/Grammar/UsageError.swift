// What was typed about plugins and cannot be meant: names, settings, texts. Thrown by every module of the host that
// reads what a user wrote; a plugin that cannot be had is a PluginError, one that fails a PluginFailure.

/// Wrong usage: what was said of plugins, strategies and their parameters cannot be meant.
package enum UsageError: Error, Sendable, CustomStringConvertible {
  /// Several libraries offer what `name` may stand for.
  case ambiguous(kind: String, name: String, candidates: [String])
  /// `nearest`: declared names that resemble it.
  case unknownParameter(component: String, name: String, nearest: [String], declared: [String])
  /// Several components of a method declare the parameter; `candidates`: how to say which one is meant.
  case ambiguousParameter(method: String, name: String, candidates: [String])
  /// `expected`: what a value has to be, in words.
  case badValue(component: String, parameter: String, text: String, expected: String, nearest: [String])
  case settingTwice(component: String, parameter: String)
  /// A text that cannot be read; columns count from 1.
  case badText(text: String, column: Int, problem: String)
  /// `--set` of a component that the run does not have.
  case unusedSetting(text: String, component: String, inUse: [String], nearest: [String])
  /// Something is missing, or is not what its place needs.
  case incomplete(problem: String)
  /// An option that says where plugins are or how they run.
  case option(String, problem: String)

  /// The exit code of the command: 64, wrong usage.
  package var exitCode: Int32 { 64 }

  /// What was expected and found, and what to do.
  package var description: String {
    switch self {
    case .ambiguous(let kind, let name, let candidates):
      return "several libraries offer the \(kind) '\(name)'; say which one:\n"
        + candidates.map { "  \($0)" }.joined(separator: "\n")
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
    case .incomplete(let problem): return problem
    case .option(let option, let problem): return "\(option): \(problem)"
    }
  }
}
