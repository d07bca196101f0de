// Collects the parts of a strategy while its flags or texts are read: looks names up, expands methods, applies `--set`.
// Made by StrategyRequest and Strategy, which hand out what it finishes.

import BareFunctions
import PluginGrammar
import PluginLoading

/// Collects the parts of a strategy while its flags are read.
final class StrategyBuilder {
  /// One use of a component: what was found, and how it will be named.
  struct Part {
    let component: PluginComponent
    var spec: ComponentSpec
  }

  let registry: PluginRegistry
  private var parts: [ComponentKind: [Part]] = [:]
  private var expansions: [String] = []
  private var skipsHead = false

  init(registry: PluginRegistry) { self.registry = registry }

  // MARK: Adding

  func add(augmenter spec: ComponentSpec) throws {
    add(try registry.component(.augmenter, spec.name), spec)
  }

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

  func add(_ spec: StrategySpec) throws {
    for augmenter in spec.augmenters { try add(augmenter: augmenter) }
    for sampler in spec.samplers { try add(sampler: sampler) }
    for loss in spec.losses { try add(loss: loss) }
  }

  func add(pooler spec: PoolerSpec) throws {
    for part in spec.chain { add(try registry.component(.pooler, part.name), part) }
    skipsHead = spec.skipsHead
  }

  /// The components a method stands for, with its parameters given to those that declare them.
  func add(method spec: ComponentSpec) throws {
    guard let (recipe, library) = try registry.recipe(spec.name) else {
      // A library that offers one loss is a method of its own.
      if isPath(spec.name) { return add(try registry.component(.loss, spec.name), spec) }
      throw registry.unknownMethod(spec.name)
    }
    var added: [Part] = []
    for term in recipe.terms {
      // A library's own components come first: its recipe means them, whatever else is called so.
      let own = try library.component(term.kind, term.spec.name).map { try registry.placed($0) }
      var part = Part(component: try own ?? registry.component(term.kind, term.spec.name), spec: term.spec)
      if let own { part.spec.name = registry.shortestName(of: own) }
      if term.kind == .loss { part.spec.weight *= spec.weight }
      added.append(part)
    }
    for (name, value) in spec.settings { try give(name, value, to: &added, method: spec.name) }
    for part in added { parts[part.component.kind, default: []].append(part) }
    expansions.append("\(recipe.name) = \(added.map { "\($0.component.kind):\($0.spec.text)" }.joined(separator: " "))")
  }

  /// The names of a chain: the loss, sampler or augmenter of that name, else the method.
  func add(chain specs: [ComponentSpec]) throws {
    if specs.count == 1, try registry.recipe(specs[0].name) != nil { return try add(method: specs[0]) }
    let kinds = try specs.map { try kind(of: $0) }
    // Where nothing else is a loss, a name that is also a method means the method.
    let hasLoss = kinds.contains { $0 != .sampler && $0 != .augmenter }
    for (spec, kind) in zip(specs, kinds) {
      let isMethod = try kind == nil || (!hasLoss && registry.recipe(spec.name) != nil && losses.isEmpty)
      if isMethod {
        try add(method: spec)
      } else if let kind, kind != .loss {
        try checkWeight(of: spec, kind)
        if kind == .augmenter { try add(augmenter: spec) } else { try add(sampler: spec) }
      } else {
        try add(loss: spec)
      }
    }
  }

  /// Loss, sampler or augmenter; nil for a method.
  private func kind(of spec: ComponentSpec) throws -> ComponentKind? {
    if isPath(spec.name) {
      let (path, picked) = splitPath(spec.name)
      let offered = try registry.library(atPath: path).components.filter { picked == nil || $0.name == picked }
      return [.sampler, .loss, .augmenter].first { kind in offered.contains { $0.kind == kind } }
    }
    if !registry.components(.loss, called: spec.name).isEmpty { return .loss }
    return [.sampler, .augmenter].first { !registry.components($0, called: spec.name).isEmpty }
  }

  private func checkWeight(of spec: ComponentSpec, _ kind: ComponentKind) throws {
    guard spec.weight == 1 else {
      let article = kind == .augmenter ? "an" : "a"
      throw UsageError.badText(
        text: spec.text, column: 1, problem: "only a loss has a weight, and this is \(article) \(kind.rawValue)")
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

  /// `COMPONENT.param=value`; the value may hold any character. A component used twice is `mixcse#1` and `mixcse#2`.
  func apply(setting text: String) throws {
    guard let equals = text.firstIndex(of: "="), let dot = text[..<equals].lastIndex(of: "."), dot != text.startIndex
    else {
      throw UsageError.badText(
        text: text, column: 1, problem: "expected COMPONENT.param=value, such as mixcse.lambda=0.2")
    }
    let component = String(text[..<dot])
    let name = String(text[text.index(after: dot)..<equals])
    let value = String(text[text.index(after: equals)...])
    let (kind, index) = try position(of: component, setting: text)
    parts[kind]?[index].spec.set(name, value)
  }

  /// One use with the name its instance will have.
  private struct NamedPart {
    let instance: String
    let kind: ComponentKind
    let index: Int
    let component: PluginComponent
    let spec: ComponentSpec
  }

  private func named() -> [NamedPart] {
    var names = InstanceNames()
    return Self.order.flatMap { kind in
      (parts[kind] ?? []).enumerated().map { index, part in
        NamedPart(
          instance: names.next(part.component.name), kind: kind, index: index, component: part.component,
          spec: part.spec)
      }
    }
  }

  /// The use that `--set` means: by the instance's name, the first as `mixcse#1`, by id, by the name as given. A name
  /// that several uses have means none of them.
  private func position(of name: String, setting: String) throws -> (ComponentKind, Int) {
    let all = named()
    var matches = all.filter { InstanceNames.numbered($0.instance) == name }
    if matches.isEmpty { matches = all.filter { $0.component.id == name || $0.spec.name == name } }
    if matches.isEmpty { matches = all.filter { $0.component.name == name } }
    guard let match = matches.first else {
      let known = all.map(\.instance)
      throw UsageError.unusedSetting(
        text: setting, component: name, inUse: known, nearest: nearestNames(to: name, among: known))
    }
    guard matches.count == 1 else {
      throw UsageError.ambiguous(
        kind: "component", name: name,
        candidates: matches.map { "--set \(InstanceNames.numbered($0.instance)).param=value" })
    }
    return (match.kind, match.index)
  }

  // MARK: Finishing

  private static let order: [ComponentKind] = [.pooler, .augmenter, .sampler, .loss]

  /// Takes the values that are schedules out of the settings of all but poolers; until its first step, a run has
  /// the default.
  private func takeSchedules() -> [String] {
    var schedules: [String] = []
    for part in named() where part.kind != .pooler {
      let numbers = part.component.parameters.filter { $0.type == .float || $0.type == .int }.map(\.name)
      let scheduled = part.spec.settings.filter { numbers.contains($0.0) && ScheduleForm.isForm($0.1) }
      schedules += scheduled.map { "\(part.instance).\($0.0)=\($0.1)" }
      parts[part.kind]?[part.index].spec.settings.removeAll { setting in scheduled.contains { $0.0 == setting.0 } }
    }
    return schedules
  }

  /// Checks every value, once, and names every use.
  func finish(label: String?, schedulable: Bool) throws -> StrategyRequest.Resolved {
    let schedules = schedulable ? takeSchedules() : []
    if losses.isEmpty {
      guard let sampler = parts[.sampler]?.first else {
        throw UsageError.incomplete(problem: "no strategy is named; give --method NAME or --loss NAME")
      }
      throw UsageError.incomplete(
        problem: "the sampler '\(sampler.spec.name)' has no loss to be scored by; add --loss infonce or use --method")
    }
    var names = InstanceNames()
    var uses: [ComponentKind: [ComponentUse]] = [:]
    for kind in Self.order {
      uses[kind] = try (parts[kind] ?? []).map { try ComponentUse($0.spec, of: $0.component, names: &names) }
    }
    return StrategyRequest.Resolved(
      strategy: Strategy(
        augmenters: uses[.augmenter] ?? [], samplers: uses[.sampler] ?? [], losses: uses[.loss] ?? [], label: label,
        expansions: expansions, schedules: schedules),
      pooler: uses[.pooler].flatMap { $0.isEmpty ? nil : Pooler($0, skipsHead: skipsHead) })
  }
}
