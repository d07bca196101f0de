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
  /// - Throws: `PluginError`; `TrainingError.usage` for values that are schedules (`lambda=linear(0.1,0.4)`) and cannot
  ///   be.
  package init(_ text: StrategyText, registry: PluginRegistry) throws {
    let strategy = try StrategyRequest.resolve(comparison: text.text, with: registry, schedulable: true).strategy
    compared = ComparedStrategy(
      label: text.label, text: text.text, canonical: ([strategy.text] + strategy.schedules).joined(separator: " "))
    arguments =
      strategy.samplers.flatMap { argument("--sampler", $0.text) }
      + strategy.losses.flatMap { argument("--loss", $0.text) }
      + strategy.schedules.flatMap { argument("--schedule", $0) }
    let uses = strategy.samplers.map { (ComponentKind.sampler, $0) } + strategy.losses.map { (.loss, $0) }
    for schedule in try strategy.schedules.map({ try ValueSchedule(parsing: $0, registry: registry) }) {
      let name = schedule.owner.prefix { $0 != "#" }  // mixcse#2 is the second mixcse
      let owner = try uses.lazy.map { try registry.component($0, $1.name) }.first { $0.name == name }
      try schedule.check(among: owner?.parameters ?? [])
    }
    components = .array(
      try uses.map { kind, spec in try Self.record(kind, spec, registry: registry) }
        + strategy.schedules.map { .string($0) })
  }

  /// What identifies one use of a component.
  static func record(_ kind: ComponentKind, _ spec: ComponentSpec, registry: PluginRegistry) throws -> JSONValue {
    let component = try registry.component(kind, spec.name)
    let values = try ParameterValues(for: component, settings: spec.settings).resolved
    return .object(
      JSONObject([
        ("kind", .string(kind.rawValue)), ("id", .string(component.id)), ("weight", .number(spec.weight)),
        ("parameters", .object(JSONObject(values.map { ($0.0, .string($0.1)) }))),
        ("version", .string(component.library.version)), ("sha256", .string(component.library.sha256)),
      ]))
  }
}

/// A flag and its value; a value that starts with a dash needs the equals sign.
func argument(_ flag: String, _ value: String) -> [String] {
  value.hasPrefix("-") ? ["\(flag)=\(value)"] : [flag, value]
}
