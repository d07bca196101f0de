// What the flags --method, --sampler, --loss, --pooler and --set say, and their resolution against the plugins there
// are. Made by the command (and by `compare` from one string), resolved once before a run.

import BareFunctions
package import PluginGrammar
import PluginInstances
package import PluginLoading

/// The texts of the strategy flags, as given.
package struct StrategyRequest: Sendable, Equatable {
  package var method: String?
  package var samplers: [String]
  /// Bare metric functions: samplers without candidates.
  package var metrics: [String]
  package var losses: [String]
  package var pooler: String?
  /// `COMPONENT.param=value`
  package var settings: [String]
  package var label: String?

  package init(
    method: String? = nil, samplers: [String] = [], metrics: [String] = [], losses: [String] = [],
    pooler: String? = nil, settings: [String] = []
  ) {
    self.method = method
    self.samplers = samplers
    self.metrics = metrics
    self.losses = losses
    self.pooler = pooler
    self.settings = settings
  }

  /// A strategy ready to be made into instances: every name found, every setting checked.
  package struct Resolved: Sendable, Equatable {
    package var strategy: StrategySpec
    package var pooler: PoolerSpec?
  }

  /// Expands methods, gives their parameters to the components that declare them, applies `--set`, checks every value.
  /// - Parameter schedulable: whether `lambda=linear(0.1,0.4)` is a schedule, as in training, or a bad value.
  /// - Throws: `PluginError`
  package func resolve(with registry: PluginRegistry, schedulable: Bool = false) throws -> Resolved {
    let builder = StrategyBuilder(registry: registry)
    if let method { try builder.add(method: try parsed(method)) }
    for text in samplers { try builder.add(sampler: try parsed(text)) }
    for text in metrics { try builder.add(metric: try parsed(text)) }
    for text in losses { try builder.add(loss: try parsed(text, weighted: true)) }
    if let pooler { try builder.add(pooler: try PoolerSpec(parsing: pooler)) }
    for text in settings { try builder.apply(setting: text) }
    return try builder.finish(label: label, schedulable: schedulable)
  }

  /// One string for a whole strategy: `mixcse:lambda=0.3`, `infonce+mixcse+queue:size=256`, `ours=./libmine.so`.
  /// A single name is a method first; among several, each is the loss or sampler of that name, else a method.
  /// - Throws: `PluginError`
  package static func resolve(
    comparison text: String, pooler: String? = nil, with registry: PluginRegistry, schedulable: Bool = false
  ) throws -> Resolved {
    let (label, rest) = splitLabel(text)
    let specs: [ComponentSpec]
    do {
      specs = try SpecParser.chain(rest, weighted: true)
    } catch {
      throw error.asUsageError
    }
    let builder = StrategyBuilder(registry: registry)
    try builder.add(chain: specs)
    if let pooler { try builder.add(pooler: try PoolerSpec(parsing: pooler)) }
    return try builder.finish(label: label, schedulable: schedulable)
  }

  /// The label in front of a strategy's text, `ours` in `ours=./libmine.so`, and the rest.
  package static func splitLabel(_ text: String) -> (label: String?, rest: String) {
    guard let equals = text.firstIndex(of: "=") else { return (nil, text) }
    let label = text[..<equals]
    guard !label.isEmpty, !label.contains(where: { ":/+.*".contains($0) }) else { return (nil, text) }
    return (String(label), String(text[text.index(after: equals)...]))
  }

  private func parsed(_ text: String, weighted: Bool = false) throws -> ComponentSpec {
    do {
      return try SpecParser.component(text, weighted: weighted)
    } catch {
      throw error.asUsageError
    }
  }
}

/// Collects the parts of a strategy while its flags are read.
private final class StrategyBuilder {
  /// One use of a component: what was found, and how it will be named.
  struct Part {
    let component: PluginComponent
    var spec: ComponentSpec
  }

  let registry: PluginRegistry
  private var parts: [ComponentKind: [Part]] = [:]
  private var expansions: [String] = []
  private var pooler: PoolerSpec?

  init(registry: PluginRegistry) { self.registry = registry }

  // MARK: Adding

  func add(sampler spec: ComponentSpec) throws {
    add(try registry.component(.sampler, spec.name), spec)
  }

  func add(metric spec: ComponentSpec) throws {
    let component = try registry.component(.sampler, spec.name)
    guard component.bare?.meaning.forward.declaration.kind == .metric else {
      throw UsageError.incomplete(
        problem: "--metric \(spec.text): expected a bare metric function, found the sampler '\(component.name)'; "
          + "samplers are named with --sampler")
    }
    add(component, spec)
  }

  /// A loss; where none has the name, the method of that name, so that `--loss mixcse` does what it seems to say.
  func add(loss spec: ComponentSpec) throws {
    do {
      add(try registry.component(.loss, spec.name), spec)
    } catch let error as PluginError {
      guard case .unknownComponent = error, try registry.recipe(spec.name) != nil else { throw error }
      try add(method: spec)
    }
  }

  func add(pooler spec: PoolerSpec) throws {
    for part in spec.chain { add(try registry.component(.pooler, part.name), part) }
    pooler = spec
  }

  /// The samplers and losses a method stands for, with its parameters given to those that declare them.
  func add(method spec: ComponentSpec) throws {
    guard let (recipe, library) = try registry.recipe(spec.name) else {
      // A library that offers one loss is a method of its own.
      if isPath(spec.name) { return add(try registry.component(.loss, spec.name), spec) }
      throw registry.unknownMethod(spec.name)
    }
    var added: [Part] = []
    for term in recipe.terms {
      // A library's own components come first: its recipe means them, whatever else is called so.
      let own = library.component(term.kind, term.spec.name)
      var part = Part(component: try own ?? registry.component(term.kind, term.spec.name), spec: term.spec)
      if let own { part.spec.name = registry.shortestName(of: own) }
      if term.kind == .loss { part.spec.weight *= spec.weight }
      added.append(part)
    }
    for (name, value) in spec.settings { try give(name, value, to: &added, method: spec.name) }
    for part in added { parts[part.component.kind, default: []].append(part) }
    expansions.append("\(recipe.name) = \(added.map { "\($0.component.kind):\($0.spec.text)" }.joined(separator: " "))")
  }

  /// The names of a chain: the loss or sampler of that name, else the method.
  func add(chain specs: [ComponentSpec]) throws {
    if specs.count == 1, try registry.recipe(specs[0].name) != nil { return try add(method: specs[0]) }
    let kinds = try specs.map { try kind(of: $0) }
    // Where nothing else is a loss, a name that is also a method means the method.
    let hasLoss = kinds.contains { $0 != .sampler }
    for (spec, kind) in zip(specs, kinds) {
      let isMethod = try kind == nil || (!hasLoss && registry.recipe(spec.name) != nil && losses.isEmpty)
      if isMethod {
        try add(method: spec)
      } else if kind == .sampler {
        try checkWeight(of: spec)
        try add(sampler: spec)
      } else {
        try add(loss: spec)
      }
    }
  }

  /// Loss or sampler; nil for a method.
  private func kind(of spec: ComponentSpec) throws -> ComponentKind? {
    if isPath(spec.name) {
      let (path, picked) = splitPath(spec.name)
      let offered = try registry.library(atPath: path).components.filter { picked == nil || $0.name == picked }
      return [.sampler, .loss].first { kind in offered.contains { $0.kind == kind } }
    }
    if !registry.components(.loss, called: spec.name).isEmpty { return .loss }
    if !registry.components(.sampler, called: spec.name).isEmpty { return .sampler }
    return nil
  }

  private func checkWeight(of spec: ComponentSpec) throws {
    guard spec.weight == 1 else {
      throw UsageError.badText(text: spec.text, column: 1, problem: "only a loss has a weight, and this is a sampler")
    }
  }

  private func add(_ component: PluginComponent, _ spec: ComponentSpec) {
    parts[component.kind, default: []].append(Part(component: component, spec: spec))
  }

  private var losses: [Part] { parts[.loss] ?? [] }

  // MARK: Settings

  /// Gives a method's parameter to the component that declares it.
  private func give(_ name: String, _ value: String, to added: inout [Part], method: String) throws {
    let owners = added.indices.filter { index in added[index].component.parameters.contains { $0.name == name } }
    guard let owner = owners.first else {
      let known = added.flatMap { $0.component.parameters.map(\.name) }
      throw UsageError.unknownParameter(
        component: method, name: name, nearest: nearestNames(to: name, among: known), declared: known)
    }
    guard owners.count == 1 else {
      throw UsageError.ambiguousParameter(
        method: method, name: name, candidates: owners.map { "--set \(added[$0].component.name).\(name)=\(value)" })
    }
    added[owner].spec.set(name, value)
  }

  /// `COMPONENT.param=value`; the value may hold any sign. A component used twice is `mixcse#1` and `mixcse#2`.
  func apply(setting text: String) throws {
    guard let equals = text.firstIndex(of: "="), let dot = text[..<equals].lastIndex(of: "."), dot != text.startIndex
    else {
      throw UsageError.badText(text: text, column: 1, problem: "expected COMPONENT.param=value")
    }
    let component = String(text[..<dot])
    let name = String(text[text.index(after: dot)..<equals])
    let value = String(text[text.index(after: equals)...])
    let (kind, index) = try position(of: component, setting: text)
    parts[kind]?[index].spec.set(name, value)
  }

  private func position(of name: String, setting: String) throws -> (ComponentKind, Int) {
    let named = instanceNames()
    var matches = named.filter { $0.instance == name || $0.part.component.id == name || $0.part.spec.name == name }
    if matches.isEmpty { matches = named.filter { $0.part.component.name == name } }
    guard let match = matches.first else {
      let known = named.map(\.instance)
      throw UsageError.unusedSetting(
        text: setting, component: name, inUse: known, nearest: nearestNames(to: name, among: known))
    }
    guard matches.count == 1 else {
      throw UsageError.ambiguous(
        kind: "component", name: name, candidates: matches.map { "--set \($0.instance).param=value" })
    }
    return (match.kind, match.index)
  }

  /// The uses of all components; those used several times are numbered from 1.
  private func instanceNames() -> [(instance: String, kind: ComponentKind, index: Int, part: Part)] {
    var result: [(instance: String, kind: ComponentKind, index: Int, part: Part)] = []
    let all = [ComponentKind.pooler, .sampler, .loss].flatMap { kind in
      (parts[kind] ?? []).enumerated().map { (kind: kind, index: $0.offset, part: $0.element) }
    }
    var seen: [String: Int] = [:]
    for use in all {
      let name = use.part.component.name
      seen[name, default: 0] += 1
      let isAlone = all.filter { $0.part.component.name == name }.count == 1
      result.append((isAlone ? name : "\(name)#\(seen[name] ?? 1)", use.kind, use.index, use.part))
    }
    return result
  }

  // MARK: Finishing

  /// Takes the values that are schedules out of the settings of samplers and losses; until its first step, a run has
  /// the default. Instances are called as in a run: the second of a name is `mixcse#2`.
  private func takeSchedules() -> [String] {
    var schedules: [String] = []
    var seen: [String: Int] = [:]
    for kind in [ComponentKind.pooler, .sampler, .loss] {
      for index in parts[kind]?.indices ?? 0..<0 {
        guard let part = parts[kind]?[index] else { continue }
        let count = (seen[part.component.name] ?? 0) + 1
        seen[part.component.name] = count
        guard kind != .pooler else { continue }
        let owner = count == 1 ? part.component.name : "\(part.component.name)#\(count)"
        let numbers = part.component.parameters.filter { $0.type == .float || $0.type == .int }.map(\.name)
        let scheduled = part.spec.settings.filter { name, value in
          numbers.contains(name) && !value.isEmpty && scheduleLength(Array(value)[...]) == value.count
        }
        schedules += scheduled.map { "\(owner).\($0.0)=\($0.1)" }
        parts[kind]?[index].spec.settings.removeAll { setting in scheduled.contains { $0.0 == setting.0 } }
      }
    }
    return schedules
  }

  func finish(label: String?, schedulable: Bool) throws -> StrategyRequest.Resolved {
    let schedules = schedulable ? takeSchedules() : []
    let samplers = parts[.sampler] ?? []
    if losses.isEmpty {
      guard let sampler = samplers.first else {
        throw UsageError.incomplete(problem: "no strategy is named; give --method NAME or --loss NAME")
      }
      throw UsageError.incomplete(
        problem: "the sampler '\(sampler.spec.name)' has no loss to be scored by; add --loss infonce or use --method")
    }
    for part in parts.values.joined() {
      _ = try ParameterValues(for: part.component, settings: part.spec.settings)
    }
    var strategy = StrategySpec(samplers: samplers.map(\.spec), losses: losses.map(\.spec), label: label)
    strategy.expansions = expansions
    strategy.schedules = schedules
    var pooler = pooler
    pooler?.chain = (parts[.pooler] ?? []).map(\.spec)
    return StrategyRequest.Resolved(strategy: strategy, pooler: pooler)
  }
}
