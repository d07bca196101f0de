// A strategy that was looked up: components found, parameters checked, instances named. Everything after the flags
// works with this value; no text is read again.

import BareFunctions
import Files
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
  /// - Throws: `UsageError.unknownParameter`, `.badValue` (a file that is not there, too) or `.settingTwice`.
  package init(_ spec: ComponentSpec, of component: PluginComponent, names: inout InstanceNames) throws {
    self.spec = spec
    self.component = component
    parameters = try ParameterSettings(
      declarations: component.parameters, component: component.name, settings: spec.settings)
    for (declaration, value) in zip(parameters.declarations, parameters.values) where declaration.type == .path {
      guard !value.description.isEmpty, !Path.isRegularFile(value.description) else { continue }
      throw UsageError.badValue(
        component: component.name, parameter: declaration.name, text: value.description,
        expected: "the path of a file that is there", nearest: [])
    }
    name = names.next(component.name)
  }

  /// The factor of a loss in the weighted sum; 1 for everything else.
  package var weight: Double { spec.weight }
}

/// A strategy ready to be made into instances.
package struct Strategy: Sendable {
  /// In the order they edit.
  package let augmenters: [ComponentUse]
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
    augmenters: [ComponentUse], samplers: [ComponentUse], losses: [ComponentUse], label: String?, expansions: [String],
    schedules: [String]
  ) {
    self.augmenters = augmenters
    self.samplers = samplers
    self.losses = losses
    self.label = label
    self.expansions = expansions
    self.schedules = schedules
  }

  /// Everything that is used, in the order of its instances' names.
  package var uses: [ComponentUse] { augmenters + samplers + losses }

  /// Bare metric functions, which report and change nothing.
  package var metrics: [ComponentUse] {
    samplers.filter { $0.component.bare?.meaning.forward.declaration.kind == .metric }
  }

  /// Samplers that change nothing, since every loss looks at embeddings and none at candidates. Metrics are no samplers
  /// in this sense: they report.
  package var unseenSamplers: [ComponentUse] {
    guard !losses.contains(where: \.component.scoresLogits) else { return [] }
    return samplers.filter { $0.component.bare?.meaning.forward.declaration.kind != .metric }
  }

  /// What is trained, by name: the strategy without samplers that change nothing.
  package var effectiveText: String {
    let unseen = unseenSamplers.map(\.name)
    return StrategySpec(
      augmenters: augmenters.map(\.spec), samplers: samplers.filter { !unseen.contains($0.name) }.map(\.spec),
      losses: losses.map(\.spec)
    ).text
  }

  /// The same strategy by name.
  package var spec: StrategySpec {
    StrategySpec(
      augmenters: augmenters.map(\.spec), samplers: samplers.map(\.spec), losses: losses.map(\.spec))
  }

  /// The canonical text, `sampler:mixcse:lambda=0.3 loss:infonce`, whatever aliases mean elsewhere.
  package var text: String { spec.text }

  /// The canonical text with schedules in the places of their values.
  package var scheduledText: String {
    func scheduled(_ uses: [ComponentUse]) -> [ComponentSpec] {
      uses.map { use in
        var spec = use.spec
        for schedule in schedules where schedule.hasPrefix(use.name + ".") {
          let parts = schedule.dropFirst(use.name.count + 1).split(separator: "=", maxSplits: 1)
          if parts.count == 2 { spec.set(String(parts[0]), String(parts[1])) }
        }
        return spec
      }
    }
    return StrategySpec(
      augmenters: scheduled(augmenters), samplers: scheduled(samplers), losses: scheduled(losses)
    ).text
  }

  /// Values that components of the strategy before have, too, and that are others now: `mixcse.lambda: 0.2, 0.3 now`.
  package func changedValues(from earlier: Strategy) -> [String] {
    uses.flatMap { use -> [String] in
      guard let before = earlier.uses.first(where: { $0.isSame(as: use) }) else { return [] }
      return zip(before.parameters.texts, use.parameters.texts).compactMap { old, new in
        old.1 == new.1 ? nil : "\(use.name).\(new.0): \(old.1) before, \(new.1) now"
      }
    }
  }
}

extension ComponentUse {
  /// Whether another strategy's use stands for the same instance: of the same component, under the same name.
  package func isSame(as other: ComponentUse) -> Bool {
    name == other.name && component.kind == other.component.kind && component.id == other.component.id
      && component.library.sha256 == other.component.library.sha256
  }
}

/// Poolers ready to be made into instances, each but the first a head on the vectors of the one before.
package struct Pooler: Sendable {
  /// Never empty; the first reads hidden states.
  package let uses: [ComponentUse]
  /// The pooled vector is used as it is, whatever head the run has.
  package var skipsHead: Bool

  init(_ uses: [ComponentUse], skipsHead: Bool) {
    precondition(!uses.isEmpty, "a pooler chain has at least one pooler")
    self.uses = uses
    self.skipsHead = skipsHead
  }

  /// Looks up poolers that stand alone, without a strategy beside them.
  /// - Throws: `PluginError`, `UsageError`.
  package init(_ spec: PoolerSpec, in registry: PluginRegistry) throws {
    var names = InstanceNames()
    let uses = try spec.chain.map {
      try ComponentUse($0, of: registry.component(.pooler, $0.name), names: &names)
    }
    self.init(uses, skipsHead: spec.skipsHead)
  }

  /// Reads and looks up `avg+whiten`, `cls_before_pooler`.
  /// - Throws: `PluginError`, `UsageError`.
  package init(parsing text: String, in registry: PluginRegistry) throws {
    try self.init(PoolerSpec(parsing: text), in: registry)
  }

  /// The same poolers by name.
  package var spec: PoolerSpec { PoolerSpec(chain: uses.map(\.spec), skipsHead: skipsHead) }

  /// The form they are typed in.
  package var text: String { spec.text }
}
