// From what was asked for to what it means with the plugins there are: the head a pooler wants, shadows by label,
// recipes spelled out. Used by TrainingPlan.

import Host
import Objective

extension RunDescription {
  /// The same run in full: it means the same whatever recipes and defaults mean elsewhere.
  func spelledOut(
    _ strategy: Strategy, _ pooler: Pooler, _ head: HeadKind, schedules: [String], changes: [PlannedChange]
  ) -> RunDescription {
    var result = self
    result.strategy.method = nil
    result.strategy.augmenters = strategy.augmenters.map(\.spec.text)
    result.strategy.samplers = strategy.samplers.map(\.spec.text)
    result.strategy.losses = strategy.losses.map(\.spec.text)
    result.strategy.metrics = []
    result.strategy.settings = []
    result.strategy.schedules = schedules
    result.strategy.changes = changes.map(\.text)
    result.pooling.pooler = pooler.text
    result.pooling.head = head.rawValue
    return result
  }
}

extension PoolingDescription {
  /// What was said, else what the pooler wants: cls wants mlp.
  /// - Throws: `TrainingError.usage` where pooler and head exclude each other.
  func headKind(for pooler: Pooler) throws -> HeadKind {
    let kind = head.flatMap(HeadKind.init(rawValue:)) ?? (pooler.wantsHead ? .mlp : .none)
    if kind == .mlp, pooler.skipsHead {
      throw TrainingError.usage(
        place: "--head mlp --pooler \(pooler.text)", expected: "a pooler that a head can follow",
        found: "one that is taken before the head",
        advice: "Write --pooler cls --head mlp --head-train-only to train with a head and drop it")
    }
    if headTrainOnly, kind == .none {
      throw TrainingError.usage(
        place: "--head-train-only", expected: "a head", found: "--head none or a pooler without one",
        advice: "Add --head mlp, or leave --head-train-only out")
    }
    return kind
  }
}

extension ShadowStrategy {
  /// The strategies of `--shadow`, grids expanded.
  /// - Throws: `PluginError`; `TrainingError.usage` for a label that stands there twice.
  static func named(_ texts: [String], registry: PluginRegistry) throws -> [ShadowStrategy] {
    var result: [ShadowStrategy] = []
    for text in try texts.flatMap(StrategyGrid.expand) {
      let strategy = try StrategyRequest.resolve(comparison: text, with: registry).strategy
      let label = strategy.label ?? text
      guard !result.contains(where: { $0.label == label }) else {
        throw TrainingError.usage(
          place: "--shadow \(text)", expected: "a name of its own", found: "a second '\(label)'",
          advice: "Write LABEL=STRATEGY with another label, or leave it out")
      }
      result.append(ShadowStrategy(label: label, strategy: strategy))
    }
    return result
  }
}
