// An option that takes one value and is given twice: the last one counts, so that a script's flags can be overridden
// behind them, but not in silence. Called before arguments are parsed; which options may be repeated is asked of the
// parser itself.

import ArgumentParser
import Comparison
import Host

enum RepeatedOptions {
  /// Where two values may be meant as two things, and not as a correction.
  private static let neverRepeated = ["--pooler"]

  /// The arguments as they are; values that do not count are said.
  /// - Throws: `UsageError.option` for two poolers.
  static func checked(_ arguments: [String]) throws -> [String] {
    var values: [(name: String, value: String)] = []
    let typed = Array(arguments.prefix { $0 != "--" })
    for (place, argument) in typed.enumerated() where argument.hasPrefix("--") {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let next = place + 1 < typed.count ? typed[place + 1] : ""
      values.append((parts[0], parts.count > 1 ? parts[1] : next))
    }
    let names = values.map(\.name)
    let repeated = Set(names.indices.filter { names[..<$0].contains(names[$0]) }.map { names[$0] })
    for name in repeated.sorted() {
      let (flag, found) = (String(name.dropFirst(2)), values.filter { $0.name == name }.map(\.value))
      guard Set(found).count > 1, takesOneValue(flag, typed) else { continue }
      let all = found.joined(separator: " and ")
      guard neverRepeated.contains(name) else {
        printToStandardError("note: \(name) is given as \(all); the last counts")
        continue
      }
      let canVary = arguments.first == "compare" && Variation.isVariable(flag)
      let advice = canVary ? "--vary \(flag)=\(found.joined(separator: ",")) compares them" : "give it once"
      throw UsageError.option(name, problem: "expected one value, found \(all); \(advice)")
    }
    return arguments
  }

  /// Whether an option of the command that the arguments name takes exactly one value.
  private static func takesOneValue(_ name: String, _ arguments: [String]) -> Bool {
    let option = KnownCommand.root?.named(by: arguments).option("--" + name)
    return option.map { $0.takesValue && !$0.isRepeating } ?? false
  }
}
