// One strategy of a comparison, looked up: what its runs are told, and what identifies it whatever it was called.
// Made by ComparisonPlan.

import Files
package import Host
import Training

/// A strategy ready to be trained.
package struct PlannedStrategy: Sendable, Equatable {
  package var compared: ComparedStrategy
  /// The flags of `mixcse train` that name it.
  package var arguments: [String]
  /// Components with versions, hashes and all parameters, defaults included.
  var components: JSONValue
  /// Why it cannot even be loaded.
  var failure: String?

  /// A strategy whose plugin ends the process that loads it.
  init(_ text: StrategyText, failure: String) {
    compared = ComparedStrategy(label: text.label, text: text.text, canonical: text.text)
    (arguments, components) = ([], .null)
    self.failure = failure
  }

  /// Looks a strategy up.
  /// - Throws: `PluginError`, `UsageError`; `TrainingError.usage` for values that are schedules (`lambda=linear(0.1,0.4)`) and cannot be.
  package init(_ text: StrategyText, registry: PluginRegistry) throws {
    let strategy = try StrategyRequest.resolve(comparison: text.text, with: registry, schedulable: true).strategy
    compared = ComparedStrategy(
      label: text.label, text: text.text, canonical: ([strategy.text] + strategy.schedules).joined(separator: " "))
    arguments =
      strategy.samplers.flatMap { argument("--sampler", $0.spec.text) }
      + strategy.losses.flatMap { argument("--loss", $0.spec.text) }
      + strategy.schedules.flatMap { argument("--schedule", $0) }
    let uses = strategy.samplers + strategy.losses
    for schedule in try strategy.schedules.map({ try ValueSchedule(parsing: $0, registry: registry) }) {
      let owner = uses.first { $0.name == schedule.owner }
      try schedule.check(among: owner?.component.parameters ?? [])
    }
    components = .array(uses.map(Self.record) + strategy.schedules.map { .string($0) })
  }

  /// What identifies one use of a component.
  static func record(_ use: ComponentUse) -> JSONValue {
    .object(
      JSONObject([
        ("kind", .string(use.component.kind.rawValue)), ("id", .string(use.component.id)),
        ("weight", .number(use.weight)),
        ("parameters", .object(JSONObject(use.parameters.texts.map { ($0.0, .string($0.1)) }))),
        ("version", .string(use.component.library.version)), ("sha256", .string(use.component.library.sha256)),
      ]))
  }
}

/// A flag and its value; a value that starts with a dash needs the equals sign.
func argument(_ flag: String, _ value: String) -> [String] {
  value.hasPrefix("-") ? ["\(flag)=\(value)"] : [flag, value]
}
