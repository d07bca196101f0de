// Rebuilt plugins in a running model: new instances beside the old ones, planned for the same limits, with values,
// states and weights carried over. The old instances are not touched, so that taking a reload back loses nothing.

package import Host
package import Kernels

/// What a reload replaced, and what it takes to undo it.
package struct ModelReload {
  /// What a user should know: parameters, states and weights that are new or gone.
  package fileprivate(set) var notes: [String] = []
  fileprivate let stages: [PoolerStage]
  fileprivate let objective: ContrastiveObjective
}

extension ContrastiveModel {
  /// The embeddings of the last batch, by view, valid until the next; empty before the first.
  package var lastEmbeddings: [Matrix] { objective.lastEmbeddings }
  /// Added to the logit of each row's own real hard negative.
  package var hardNegativeWeight: Double { objective.hardNegativeWeight }
  /// Views of a row: 2, or 3 with real hard negatives.
  package var viewCount: Int { objective.limits.viewCount }
  /// The losses' factors in the weighted sum, in order.
  package var lossWeights: [Double] { objective.losses.map(\.weight) }
  /// The samplers, in order.
  package var samplers: [PluginInstance] { objective.samplers }
  /// The losses, in order.
  package var losses: [PluginInstance] { objective.losses.map(\.instance) }

  /// Puts an instance of another component in the place of each instance for which `component` gives one; instances
  /// that would have to plan again because of it are renewed as well. To be called between steps.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError`; then everything is as it was.
  package func reload(_ component: (PluginInstance) throws -> PluginComponent?) throws -> ModelReload {
    var reload = ModelReload(stages: pooling.stages, objective: objective)
    let stages = try pooling.stages(replacing: component, notes: &reload.notes)
    let width = stages[stages.count - 1].outputWidth
    let renewed: ContrastiveObjective
    do {
      renewed = try objective.replacing(component, width: width, notes: &reload.notes)
    } catch {
      objective.watchBuffers()
      throw error
    }
    pooling.stages = stages
    objective = renewed
    return reload
  }

  /// Takes a reload back: the old instances go on where they were.
  package func undo(_ reload: ModelReload) {
    pooling.stages = reload.stages
    objective = reload.objective
    objective.watchBuffers()
  }
}

extension PoolingStack {
  /// The chain with rebuilt poolers, and with new instances of those that now get another width.
  fileprivate func stages(
    replacing component: (PluginInstance) throws -> PluginComponent?, notes: inout [String]
  ) throws -> [PoolerStage] {
    var limits = stages[0].instance.limits ?? self.limits
    var result: [PoolerStage] = []
    for stage in stages {
      let old = stage.instance
      let rebuilt = try component(old)
      if rebuilt == nil, !old.needsPlan(for: limits) {
        result.append(stage)
      } else {
        let renewed = PoolerStage(try old.reloaded(as: rebuilt ?? old.component, notes: &notes))
        guard renewed.instance.canPropagate else { throw ObjectiveError.poolerCannotTrain(old.name) }
        try renewed.prepare(limits)
        renewed.instance.takeOver(from: old, notes: &notes)
        result.append(renewed)
      }
      limits.width = result[result.count - 1].outputWidth
      limits.layerCount = 1
      limits.maxTokens = limits.maxSequences
      limits.vocabularySize = 0
    }
    if let head, limits.width != head.width {
      throw ObjectiveError.shape(
        what: "the width of \(stages[stages.count - 1].instance.name)", expected: "\(head.width), which the head takes",
        found: "\(limits.width)")
    }
    return result
  }
}

extension ContrastiveObjective {
  /// An objective for embeddings of `width` with rebuilt samplers and losses.
  fileprivate func replacing(
    _ component: (PluginInstance) throws -> PluginComponent?, width: Int, notes: inout [String]
  ) throws -> ContrastiveObjective {
    var limits = limits
    limits.width = width
    var pairs: [(old: PluginInstance, new: PluginInstance)] = []
    func renewed(_ old: PluginInstance) throws -> PluginInstance {
      let rebuilt = try component(old)
      guard rebuilt != nil || old.needsPlan(for: limits) else { return old }
      pairs.append((old, try old.reloaded(as: rebuilt ?? old.component, notes: &notes)))
      return pairs[pairs.count - 1].new
    }
    let samplers = try self.samplers.map(renewed)
    let losses = try self.losses.map { stage in
      let instance = try renewed(stage.instance)
      return instance === stage.instance ? stage : try LossStage(replacing: stage, by: instance)
    }
    // Nothing changed here: a rebuilt pooler of the same width.
    if pairs.isEmpty { return self }
    let result = try ContrastiveObjective(
      samplers: samplers, losses: losses, limits: limits, encodings: encodings, pool: pool,
      hardNegativeWeight: hardNegativeWeight)
    for pair in pairs { pair.new.takeOver(from: pair.old, notes: &notes) }
    return result
  }
}
