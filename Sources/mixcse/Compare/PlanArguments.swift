// `compare --from FILE`: the file's flags become arguments in front of those typed. Applied before the arguments are
// parsed; a flag that is typed as well is left out of the file's.

import ArgumentParser
import Comparison

enum PlanArguments {
  /// The arguments with those of a plan file in front; those after another subcommand than compare stay.
  /// - Throws: `ComparisonError` for a file that cannot be used, naming line or key.
  static func expand(_ arguments: [String]) throws -> [String] {
    guard arguments.first == "compare", let path = value(of: "--from", in: arguments) else { return arguments }
    let plan = try PlanFile(path: path)
    let groups = try plan.arguments().filter { !names("--" + $0.key, in: arguments) }
    try check(groups, path: path)
    return ["compare"] + groups.flatMap(\.arguments) + arguments.dropFirst()
  }

  /// What the parser says against the file's flags, with the key it means.
  private static func check(_ groups: [(key: String, arguments: [String])], path: String) throws {
    guard let problem = problem(groups.flatMap(\.arguments)) else { return }
    for group in groups {
      if let own = Self.problem(group.arguments) {
        throw ComparisonError.badPlan(path: path, place: group.key, problem: own)
      }
    }
    throw ComparisonError.badPlan(path: path, place: "the flags together", problem: problem)
  }

  /// Nil where the parser takes `arguments`; flags that must be there are given, for now.
  private static func problem(_ arguments: [String]) -> String? {
    let required = ["--model", "--train-file", "--eval-data", "--output-dir"].flatMap { [$0, "x"] }
    do {
      _ = try CompareCommand.parse(["x"] + required + arguments)
      return nil
    } catch {
      return CompareCommand.message(for: error)
    }
  }

  private static func value(of flag: String, in arguments: [String]) -> String? {
    if let place = arguments.firstIndex(of: flag), place + 1 < arguments.count { return arguments[place + 1] }
    return arguments.first { $0.hasPrefix(flag + "=") }.map { String($0.dropFirst(flag.count + 1)) }
  }

  private static func names(_ flag: String, in arguments: [String]) -> Bool {
    arguments.contains { $0 == flag || $0.hasPrefix(flag + "=") }
  }
}
