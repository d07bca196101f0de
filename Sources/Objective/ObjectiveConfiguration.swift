// What an objective is made from, and the making of plugin instances with names of their own.

package import Host
import Kernels

/// What stands between the pooled vector and the embedding that is compared.
package enum HeadKind: String, Sendable {
  case none
  /// Linear of the same width, then tanh: the head of SimCSE and MixCSE for CLS pooling.
  case mlp
}

/// The strategy of a run with the host's own settings.
package struct ObjectiveConfiguration: Sendable {
  /// Samplers and losses with their settings.
  package var strategy: Strategy
  /// Takes the place of every loss's own temperature.
  package var temperature: Double?
  /// Lets the optimiser move the (logarithm of the) temperature of every loss that has one.
  package var learnTemperature = false
  /// Added to the logit of each row's own real hard negative, z3.
  package var hardNegativeWeight = 0.0
  /// The objective is computed on the first so many dimensions, too.
  package var dimensions: DimensionShares?
  /// Of all random numbers of the run.
  package var seed: UInt64 = 42

  /// A strategy with the host's settings at their defaults.
  package init(strategy: Strategy, temperature: Double? = nil, seed: UInt64 = 42) {
    self.strategy = strategy
    self.temperature = temperature
    self.seed = seed
  }

  /// The same host's settings around another strategy. A temperature holds there, too, unless the strategy's text sets
  /// its own, or no loss of it has one.
  package func around(_ strategy: Strategy) -> ObjectiveConfiguration {
    var configuration = self
    configuration.strategy = strategy
    let isSet = strategy.losses.contains { $0.parameters.isSet("temperature") }
    let hasOne = strategy.losses.contains { $0.parameters["temperature"] != nil }
    if isSet || !hasOne { configuration.temperature = nil }
    if !hasOne { configuration.learnTemperature = false }
    return configuration
  }
}

/// Makes the instances of a run from the uses of components that were looked up.
package struct InstanceFactory {
  let services: HostServices
  let seed: UInt64
  /// Before every name: instances of a shadow draw from streams of their own.
  let prefix: String
  private var made: Set<String> = []

  /// `prefix` comes before every name.
  package init(services: HostServices, seed: UInt64, prefix: String = "") {
    self.services = services
    self.seed = seed
    self.prefix = prefix
  }

  /// An instance for one use of a component.
  /// - Throws: `PluginFailure` when the plugin refuses.
  mutating func make(_ use: ComponentUse) throws -> PluginInstance {
    let isFirst = made.insert(use.name).inserted
    precondition(isFirst, "two instances are called '\(use.name)'; a strategy is looked up together with its poolers")
    return try PluginInstance(
      component: use.component, values: ParameterValues(use.parameters), name: prefix + use.name, services: services,
      seed: seed)
  }
}

extension ContrastiveObjective {
  /// The samplers and losses of a configuration, planned for `limits`.
  convenience init(
    _ configuration: ObjectiveConfiguration, factory: inout InstanceFactory, limits: PluginLimits,
    encodings: BatchEncodings, wholeWidth: Int? = nil
  ) throws {
    let samplers = try configuration.strategy.samplers.map { try factory.make($0) }
    var losses: [LossStage] = []
    for use in configuration.strategy.losses {
      let instance = try factory.make(use)
      let hasTemperature = instance.values.double("temperature") != nil
      if let temperature = configuration.temperature, hasTemperature {
        try instance.values.set("temperature", to: temperature)
      }
      losses.append(
        LossStage(
          instance: instance, weight: use.weight,
          learnsTemperature: hasTemperature && configuration.learnTemperature,
          isTemperatureSet: use.parameters.isSet("temperature")))
    }
    let wantsTemperature = configuration.temperature != nil || configuration.learnTemperature
    if wantsTemperature, !losses.isEmpty, !losses.contains(where: { $0.instance.values.double("temperature") != nil }) {
      throw ObjectiveError.noTemperature(losses: losses.map(\.instance.name))
    }
    try self.init(
      samplers: samplers, losses: losses, limits: limits, encodings: encodings, wholeWidth: wholeWidth,
      pool: factory.services.pool,
      hardNegativeWeight: configuration.hardNegativeWeight)
  }

  /// Learned temperatures and the weights of samplers and losses.
  var parameters: [Parameter] { losses.compactMap(\.logTemperature) + instances.flatMap(\.weights) }
  var states: [StateTensor] { instances.flatMap(\.states) }
}
