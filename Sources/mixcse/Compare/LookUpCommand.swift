// `mixcse look-up`: loads the plugins that strategies name and says nothing; its parent sees whether it survived.
// Started by ComparisonPlan, not shown in the help.

import ArgumentParser
import Host

struct LookUpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "look-up", shouldDisplay: false)

  @Argument var strategies: [String]
  @OptionGroup var plugins: PluginOptions

  /// What cannot be found is reported by the parent, which looks it up again.
  func run() throws {
    let registry = try plugins.registry(logger: commandLogger())
    for course in strategies.map(StrategySequence.init) {
      _ = try StrategyRequest.resolve(comparison: course.first, with: registry, schedulable: true)
      for text in course.changes {
        guard let change = try? StrategyChange(parsing: text) else { continue }
        _ = try StrategyRequest.resolve(change: change.strategy, pooler: "cls", with: registry)
      }
    }
  }
}
