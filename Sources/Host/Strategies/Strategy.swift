// A strategy that was looked up: components found, parameters checked, instances named. Everything after the flags
// works with this value; no text is read again.

package import PluginGrammar
package import PluginLoading

/// One use of a component in a run.
package struct ComponentUse: Sendable {
  /// What is used.
  package let component: PluginComponent
  /// How it was named: name, weight and settings as text.
  package let spec: ComponentSpec
  /// The values of its parameters, defaults included.
  package let parameters: ParameterSettings
  /// What its instance is called in the run: `mixcse`, `mixcse#2`.
  package let name: String

  /// Checks the settings of `spec` and gives the use a name.
  /// - Throws: `UsageError.unknownParameter`, `.badValue` or `.settingTwice`.
  package init(_ spec: ComponentSpec, of component: PluginComponent, names: inout InstanceNames) throws {
    self.spec = spec
    self.component = component
    parameters = try ParameterSettings(
      declarations: component.parameters, component: component.name, settings: spec.settings)
    name = names.next(component.name)
  }

  /// The factor of a loss in the weighted sum; 1 for everything else.
  package var weight: Double { spec.weight }
}

/// A strategy ready to be made into instances.
package struct Strategy: Sendable {
  /// In the order their blocks are appended.
  package let samplers: [ComponentUse]
  /// The terms of the weighted sum; at least one.
  package let losses: [ComponentUse]
  /// What the user called it in a comparison (`ours=...`).
  package let label: String?
  /// What methods stood for, for printing: `mixcse = sampler:mixcse loss:infonce`.
  package let expansions: [String]
  /// Parameters that were given a course instead of a value, as `--schedule` says it: `mixcse.lambda=linear(0.1,0.4)`.
  package let schedules: [String]

  init(
    samplers: [ComponentUse], losses: [ComponentUse], label: String?, expansions: [String], schedules: [String]
  ) {
    self.samplers = samplers
    self.losses = losses
    self.label = label
    self.expansions = expansions
    self.schedules = schedules
  }

  /// Looks up a strategy whose components are known by name.
  /// - Parameter pooler: The poolers of the run, which are named before the rest.
  /// - Throws: `PluginError`, `UsageError`.
  package init(_ spec: StrategySpec, pooler: PoolerSpec? = nil, registry: PluginRegistry) throws {
    let builder = StrategyBuilder(registry: registry)
    for sampler in spec.samplers { try builder.add(sampler: sampler) }
    for loss in spec.losses { try builder.add(loss: loss) }
    if let pooler { try builder.add(pooler: pooler) }
    self = try builder.finish(label: nil, schedulable: false).strategy
  }

  /// The same strategy by name.
  package var spec: StrategySpec { StrategySpec(samplers: samplers.map(\.spec), losses: losses.map(\.spec)) }

  /// The canonical text, `sampler:mixcse:lambda=0.3 loss:infonce`, whatever aliases mean elsewhere.
  package var text: String { spec.text }
}

extension PoolerSpec {
  /// Looks the chain up.
  /// - Throws: `PluginError`, `UsageError`.
  package func uses(in registry: PluginRegistry, names: inout InstanceNames) throws -> [ComponentUse] {
    var uses: [ComponentUse] = []
    for spec in chain {
      uses.append(try ComponentUse(spec, of: registry.component(.pooler, spec.name), names: &names))
    }
    return uses
  }
}
