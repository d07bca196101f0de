// A loss in the objective: its weight, its temperature (fixed or learned), and its calls for every group.

import Glibc
import Host
import Kernels
import PluginAPI

/// One loss instance with its share of the sum.
final class LossStage {
  let instance: PluginInstance
  /// Its factor in the weighted sum.
  let weight: Double
  /// The logarithm of the temperature where it is learned: `temperature.<instance>`, shape [1].
  let logTemperature: Parameter?
  /// The temperature the run began with, as text; what is learned moves on from it.
  private(set) var firstTemperature: String?
  /// Whether the strategy's own text sets the temperature.
  let isTemperatureSet: Bool

  init(instance: PluginInstance, weight: Double, learnsTemperature: Bool, isTemperatureSet: Bool) {
    self.instance = instance
    self.weight = weight
    self.isTemperatureSet = isTemperatureSet
    firstTemperature = instance.values["temperature"]?.description
    if learnsTemperature, let start = instance.values.double("temperature") {
      let parameter = Parameter(name: "temperature.\(instance.name)", shape: [1], decays: false)
      parameter.value.pointee = Float(log(start))
      logTemperature = parameter
    } else {
      logTemperature = nil
    }
  }

  /// The same share of the sum for a rebuilt loss; a learned temperature goes on being learned.
  /// - Throws: `ObjectiveError.noTemperature` where one was given or is learned and the new build has none.
  init(replacing old: LossStage, by instance: PluginInstance) throws {
    self.instance = instance
    weight = old.weight
    logTemperature = old.logTemperature
    firstTemperature = old.firstTemperature
    isTemperatureSet = old.isTemperatureSet
    let isWanted = old.logTemperature != nil || old.instance.values.isSet("temperature")
    if isWanted, instance.values.double("temperature") == nil {
      throw ObjectiveError.noTemperature(losses: [instance.name])
    }
  }

  /// Goes on learning the temperature where `old`, the same loss of an earlier strategy, stands.
  func continueTemperature(of old: LossStage) {
    guard let logTemperature, let learned = old.logTemperature else { return }
    logTemperature.value.pointee = learned.value.pointee
    firstTemperature = old.firstTemperature
  }

  /// What the host divides this loss's logits by; 1 where the loss has no such parameter.
  var temperature: Double { instance.values.double("temperature") ?? 1 }

  /// Tells the plugin the temperature as learned so far.
  func updateTemperature() throws {
    guard let logTemperature else { return }
    try instance.values.set("temperature", to: Double(exp(logTemperature.value.pointee)))
  }

  /// How many of `groups` groups it scores.
  func groupCount(_ groups: Int) -> Int { instance.plan.firstGroupOnly ? 1 : groups }

  /// Scores one group whose logits are in the workspace.
  ///
  /// With `scale` the gradients, multiplied by it, are added to the group's; nil wants none.
  func score(
    _ group: SimilarityMatrix, _ work: LogitMatrices, batch: ShownBatch, scale: Double?, wantsRows: Bool,
    _ pool: ThreadPool
  ) throws -> Double {
    if scale != nil { pool.profile.measure("objective/gradients of logits") { work.clearGradients(pool) } }
    group.describe(
      work, batch: batch, age: instance.services.age, temperature: temperature, wantsGradients: scale != nil,
      wantsRows: wantsRows)
    let loss = try instance.onLogits(UnsafePointer(group.described), wantsGradients: scale != nil)
    guard let scale else { return loss }
    let taken = try takeGradients(of: group, work, weight: scale, pool)
    try learnTemperature(taken, beyond: group.temperatureSlope.pointee, scale: scale)
    instance.foldWeightGradients(scale: Float(scale))
    return loss
  }

  /// Scores a group that is no part of the batch: its gradient goes to the group's similarities, and nothing is
  /// learned.
  func look(
    at group: SimilarityMatrix, _ work: LogitMatrices, batch: ShownBatch, _ pool: ThreadPool
  ) throws -> Double {
    work.clearGradients(pool)
    group.describe(
      work, batch: batch, age: instance.services.age, temperature: temperature, wantsGradients: true, wantsRows: false)
    let loss = try instance.onLogits(UnsafePointer(group.described), wantsGradients: true)
    _ = try takeGradients(of: group, work, weight: weight, pool)
    return loss
  }

  private func takeGradients(
    of group: SimilarityMatrix, _ work: LogitMatrices, weight: Double, _ pool: ThreadPool
  ) throws -> SimilarityMatrix.TakenGradients {
    let taken = pool.profile.measure("objective/gradients of logits") {
      group.takeGradients(
        pool, weight: weight, temperature: temperature, from: work, learnsTemperature: logTemperature != nil)
    }
    if !taken.isFinite {
      try instance.checkFinite(work.dLogits, "dlogits", .onLogits)
      try instance.checkFinite(work.dSimilarity, "dsim", .onLogits)
    }
    work.hasSimilarityGradients = taken.usesSimilarities
    return taken
  }

  /// With logit = gain * sim / T + bias: dL / d log T = - sum dlogits * gain * sim / T, and T dL / dT of what the loss
  /// knows beyond its logits.
  private func learnTemperature(
    _ taken: SimilarityMatrix.TakenGradients, beyond slope: Double, scale: Double
  ) throws {
    guard let logTemperature else { return }
    if slope.isNaN {
      guard !taken.usesSimilarities else { throw ObjectiveError.temperatureNotLearnable(loss: instance.name) }
      logTemperature.gradient.pointee -= Float(taken.slope)
      return
    }
    guard slope.isFinite else {
      throw instance.failure(.onLogits, .notFinite(tensor: "dtemperature", index: "[0]", value: "\(slope)"))
    }
    logTemperature.gradient.pointee += Float(scale * slope * temperature - taken.slope)
  }

  /// Scores the embeddings themselves; gradients are multiplied by `scale` and added to the batch's.
  func scoreEmbeddings(_ views: BatchEmbeddings, batch: ShownBatch, scale: Double?) throws -> Double {
    guard let scale, let dz = views.lossDz, let du = views.lossDu else {
      return try instance.onEmbeddings(UnsafePointer(batch.reading), wantsGradients: false)
    }
    dz.clear()
    du.clear()
    let loss = try instance.onEmbeddings(UnsafePointer(batch.scoring), wantsGradients: true)
    for (label, source, target) in [("dz", dz, views.dz), ("du", du, views.du)] {
      for (view, tensor) in source.tensors.enumerated() {
        try instance.checkFinite(tensor, "\(label)[\(view)]", .onEmbeddings)
        let from = tensor.matrix
        let to = target.matrix(view)
        for row in 0..<from.rows { addScaled(Float(scale), from.row(row), to: to.row(row), from.columns) }
      }
    }
    instance.foldWeightGradients(scale: Float(scale))
    return loss
  }
}
