// Another strategy in a running model: its samplers and losses beside the old ones, planned for the same limits. What
// both strategies use goes on; poolers and head are not touched. The old instances are only read, so that a change
// taken back loses nothing.

package import Host
import Kernels

/// What a change of strategy replaced, and what it takes to undo it.
package struct StrategyExchange {
  /// What a user should know: states and weights of components that go on which start over all the same.
  package fileprivate(set) var notes: [String] = []
  /// Parameters that nothing of the earlier strategy goes on in, whatever their names.
  package fileprivate(set) var newParameters: Set<String> = []
  fileprivate let objective: ContrastiveObjective
  fileprivate let nested: NestedDimensions?
}

/// What a strategy asks of a run.
package struct StrategyNeeds {
  /// Of each row.
  package let supervision: Supervision
  /// Of each batch.
  package let encodings: [PlannedEncoding]
  /// Its weights, and all of its states.
  package let parameterBytes, stateBytes: Int
  /// Whether a batch of one row may be compared with anything but its positive.
  package let hasNegativesAlone: Bool
}

extension ContrastiveModel {
  /// Plans a strategy as `change` would, and gives it up again: a slip is found before training starts.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError`.
  package func needs(of configuration: ObjectiveConfiguration) throws -> StrategyNeeds {
    let (whole, nested) = try make(configuration, encodings: BatchEncodings())
    let all = [whole] + (nested?.objectives ?? [])
    return StrategyNeeds(
      supervision: whole.instances.reduce(into: []) { $0.formUnion($1.plan.needs) },
      encodings: all.flatMap(\.wantedEncodings),
      parameterBytes: all.flatMap(\.parameters).reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride },
      stateBytes: all.flatMap(\.states).reduce(0) { $0 + $1.bytes.count },
      hasNegativesAlone: whole.hasNegatives(rows: 1))
  }

  /// Lets the samplers and losses of another strategy take over. To be called between steps.
  ///
  /// An instance of the same component under the same name goes on: with the states, the weights and the learned
  /// temperature of the earlier one, and with the values of the new strategy. A temperature that the new strategy's
  /// text sets begins there.
  /// - Parameter goesOn: off where nothing of the strategy before is taken over, as a checkpoint will fill it.
  /// - Throws: `PluginError`, `PluginFailure`, `ObjectiveError`; then everything is as it was.
  package func change(to configuration: ObjectiveConfiguration, goesOn: Bool = true) throws -> StrategyExchange {
    var exchange = StrategyExchange(objective: objective, nested: nested)
    let made: (whole: ContrastiveObjective, nested: NestedDimensions?)
    do { made = try make(configuration, encodings: encodings) } catch {
      objective.watchBuffers()
      throw error
    }
    let all = [made.whole] + (made.nested?.objectives ?? [])
    exchange.newParameters = Set(all.flatMap(\.parameters).map(\.name))
    if goesOn {
      for (new, old) in zip(all, objectives) { exchange.newParameters.subtract(new.goOn(from: old, &exchange.notes)) }
    }
    (objective, nested) = made
    return exchange
  }

  /// Takes a change back: the old instances go on where they were.
  package func undo(_ exchange: StrategyExchange) {
    (objective, nested) = (exchange.objective, exchange.nested)
    for objective in objectives { objective.watchBuffers() }
  }

  private func make(
    _ configuration: ObjectiveConfiguration, encodings: BatchEncodings
  ) throws -> (ContrastiveObjective, NestedDimensions?) {
    var factory = InstanceFactory(services: services, seed: configuration.seed)
    let whole = try ContrastiveObjective(
      configuration, factory: &factory, limits: objectiveLimits, encodings: encodings)
    let nested = try configuration.dimensions.map {
      try NestedDimensions(
        $0, configuration, limits: objectiveLimits, encodings: encodings, services: services)
    }
    return (whole, nested)
  }
}

extension ContrastiveObjective {
  /// Takes over what `old` remembers and has learned in the same components.
  /// - Returns: the names of the parameters that go on.
  fileprivate func goOn(from old: ContrastiveObjective, _ notes: inout [String]) -> [String] {
    var goingOn: [String] = []
    for instance in instances {
      guard let before = old.instances.first(where: { $0.isSame(as: instance) }) else { continue }
      instance.takeOver(from: before, notes: &notes)
      goingOn += instance.weights.map(\.name)
    }
    for loss in losses {
      guard let before = old.losses.first(where: { $0.instance.isSame(as: loss.instance) }),
        !loss.isTemperatureSet, let parameter = loss.logTemperature, before.logTemperature != nil
      else { continue }
      loss.continueTemperature(of: before)
      goingOn.append(parameter.name)
    }
    return goingOn
  }
}

extension PluginInstance {
  fileprivate func isSame(as other: PluginInstance) -> Bool {
    name == other.name && component.kind == other.component.kind && component.id == other.component.id
      && component.library.sha256 == other.component.library.sha256
  }
}
