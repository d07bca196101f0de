// What a rebuilt component takes over from the one it replaces: parameter values that were set, states and weights.
// Called by the objective when a library is reloaded; the old instance is only read.

import Kernels
import PluginAPI
import PluginGrammar
package import PluginLoading

extension PluginInstance {
  /// An instance of `component` with this one's name and seed and the values that were set here.
  ///
  /// A parameter that nobody set has the new component's default, as in a run that starts with it. `notes` gets what
  /// is new, gone or of another default.
  /// - Throws: `UsageError.badValue` for a value the new component refuses, `PluginFailure` when its `create` fails.
  package func reloaded(as component: PluginComponent, notes: inout [String]) throws -> PluginInstance {
    let fresh = try ParameterValues(for: component, settings: [])
    for (parameter, text) in values.resolved {
      guard let now = fresh[parameter] else {
        notes.append("\(name): parameter \(parameter) (\(text)) is gone")
        continue
      }
      if values.isSet(parameter) {
        try fresh.copy(parameter, from: values)
      } else if now.description != text {
        notes.append("\(name): \(parameter) is \(now) by default now, was \(text)")
      }
    }
    for declaration in component.parameters where values[declaration.name] == nil {
      notes.append("\(name): new parameter \(declaration.name) = \(declaration.default)")
    }
    return try PluginInstance(component: component, values: fresh, name: name, services: services, seed: seed)
  }

  /// Copies states and weights that `old` declares with the same name, shape and type; others keep their first values.
  package func takeOver(from old: PluginInstance, notes: inout [String]) {
    for state in states {
      if let before = old.states.first(where: { $0.declaration.matches(state.declaration) }) {
        state.bytes.copyMemory(from: UnsafeRawBufferPointer(before.bytes))
      } else {
        notes.append("\(state.name) starts over, \(state.shape)")
      }
    }
    for weight in weightTensors {
      if let before = old.weightTensors.first(where: { $0.declaration.matches(weight.declaration) }) {
        weight.parameter.value.update(from: before.parameter.value, count: weight.declaration.count)
      } else {
        notes.append("\(weight.parameter.name) starts over, \(weight.declaration.shape)")
      }
    }
    let kept = states.map(\.name) + weights.map(\.name)
    for gone in old.states.map(\.name) + old.weights.map(\.name) where !kept.contains(gone) {
      notes.append("\(gone) is gone")
    }
  }
}
