// What the flags --method, --sampler, --loss, --pooler and --set say, and their resolution against the plugins there
// are. Made by the command (and by `compare` from one string), resolved once before a run.

package import PluginGrammar
package import PluginLoading

/// The texts of the strategy flags, as given.
package struct StrategyRequest: Sendable, Equatable {
  /// `--method`: a recipe, with settings for its components.
  package var method: String?
  /// `--augment`, in order.
  package var augmenters: [String]
  /// `--sampler`, in order.
  package var samplers: [String]
  /// Bare metric functions: samplers without candidates.
  package var metrics: [String]
  /// `--loss`, with their weights.
  package var losses: [String]
  /// `--pooler`: a chain separated by `+`.
  package var pooler: String?
  /// `COMPONENT.param=value`
  package var settings: [String]
  /// What a comparison calls it.
  package var label: String?

  /// The texts of the flags; nothing is read yet.
  package init(
    method: String? = nil, augmenters: [String] = [], samplers: [String] = [], metrics: [String] = [],
    losses: [String] = [],
    pooler: String? = nil, settings: [String] = []
  ) {
    self.method = method
    self.augmenters = augmenters
    self.samplers = samplers
    self.metrics = metrics
    self.losses = losses
    self.pooler = pooler
    self.settings = settings
  }

  /// What the flags lead to.
  package struct Resolved: Sendable {
    /// Augmenters, samplers and losses, looked up.
    package let strategy: Strategy
    /// With its `--set`; nil where none was named.
    package let pooler: Pooler?
  }

  /// Expands methods, gives their parameters to the components that declare them, applies `--set`, checks every value.
  /// - Parameter schedulable: whether `lambda=linear(0.1,0.4)` is a schedule, as in training, or a bad value.
  /// - Throws: `PluginError` for what cannot be had, `UsageError` for what cannot be meant.
  package func resolve(with registry: PluginRegistry, schedulable: Bool = false) throws -> Resolved {
    let builder = StrategyBuilder(registry: registry)
    if let method { try builder.add(method: try parsed(method)) }
    for text in augmenters { try builder.add(augmenter: try parsed(text)) }
    for text in samplers { try builder.add(sampler: try parsed(text)) }
    for text in metrics { try builder.add(metric: try parsed(text)) }
    for text in losses { try builder.add(loss: try parsed(text, weighted: true)) }
    if let pooler { try builder.add(pooler: try PoolerSpec(parsing: pooler)) }
    for text in settings { try builder.apply(setting: text) }
    return try builder.finish(label: label, schedulable: schedulable)
  }

  /// One string for a whole strategy: `mixcse:lambda=0.3`, `infonce+mixcse+queue:size=256`, `ours=./libmine.so`.
  /// A single name is a method first; among several, each is the loss, sampler or augmenter of that name, else a
  /// method.
  /// - Throws: `PluginError` for what cannot be had, `UsageError` for what cannot be meant.
  package static func resolve(
    comparison text: String, pooler: String? = nil, with registry: PluginRegistry, schedulable: Bool = false
  ) throws -> Resolved {
    guard StrategySequence(text).changes.isEmpty else {
      throw UsageError.badText(
        text: text, column: 1,
        problem: "expected one strategy, found several with 'then' between them; "
          + "only runs of train --then and of compare change theirs")
    }
    let (label, rest) = StrategyGrid.splitLabel(text)
    let builder = StrategyBuilder(registry: registry)
    try builder.add(chain: try chain(rest))
    if let pooler { try builder.add(pooler: try PoolerSpec(parsing: pooler)) }
    return try builder.finish(label: label, schedulable: schedulable)
  }

  /// A strategy that takes over in a run: written as for a comparison, or in the canonical form of records,
  /// `sampler:mixcse:lambda=0.3 loss:infonce`.
  /// - Parameters:
  ///   - pooler: of the run, which stays.
  ///   - metrics: bare metric functions of the run, which go on.
  /// - Throws: `PluginError` for what cannot be had, `UsageError` for what cannot be meant.
  package static func resolve(
    change text: String, pooler: String, metrics: [String] = [], with registry: PluginRegistry
  ) throws -> Strategy {
    let builder = StrategyBuilder(registry: registry)
    if isCanonical(text) {
      try builder.add(StrategySpec(parsing: text))
    } else {
      try builder.add(chain: try specs(change: text))
    }
    for metric in metrics { try builder.add(metric: try StrategyRequest().parsed(metric)) }
    try builder.add(pooler: try PoolerSpec(parsing: pooler))
    return try builder.finish(label: nil, schedulable: true).strategy
  }

  /// Looks whether a text names a strategy of components that are found by their names alone.
  /// - Throws: `UsageError.badText` for a path, a label, several strategies, or what is no strategy.
  package static func checkNames(change text: String) throws {
    guard StrategySequence(text).changes.isEmpty else {
      throw UsageError.badText(text: text, column: 1, problem: "expected one strategy, found several with 'then'")
    }
    let specs = try specs(change: text)
    if let path = specs.first(where: { isPath($0.name) })?.name {
      throw UsageError.badText(
        text: text, column: 1,
        problem: "expected components that the run finds by name, found the path \(path); start the run with "
          + "--plugin-path and its folder")
    }
  }

  private static func specs(change text: String) throws -> [ComponentSpec] {
    if isCanonical(text) {
      let spec = try StrategySpec(parsing: text)
      return spec.augmenters + spec.samplers + spec.losses
    }
    if let label = StrategyGrid.splitLabel(text).label {
      throw UsageError.badText(
        text: text, column: 1, problem: "expected a strategy, found the label '\(label)' before one; leave it out")
    }
    return try chain(text)
  }

  /// Whether a text is in the form of records: `sampler:mixcse loss:infonce`.
  private static func isCanonical(_ text: String) -> Bool {
    ComponentKind.allCases.contains { text.hasPrefix($0.rawValue + ":") }
  }

  private static func chain(_ text: String) throws -> [ComponentSpec] {
    do {
      return try SpecParser.chain(text, weighted: true)
    } catch {
      throw error.asUsageError
    }
  }

  /// Looks up a strategy whose components are known by name, and the poolers of its run, which are named before them.
  /// - Throws: `PluginError`, `UsageError`.
  package static func resolve(
    _ spec: StrategySpec, pooler: PoolerSpec? = nil, with registry: PluginRegistry
  ) throws -> Resolved {
    let builder = StrategyBuilder(registry: registry)
    try builder.add(spec)
    if let pooler { try builder.add(pooler: pooler) }
    return try builder.finish(label: nil, schedulable: false)
  }

  private func parsed(_ text: String, weighted: Bool = false) throws -> ComponentSpec {
    do {
      return try SpecParser.component(text, weighted: weighted)
    } catch {
      throw error.asUsageError
    }
  }
}
