// A bare `schedule` function that a run asks for a number before each step; `train --schedule` names it.

import PluginGrammar
import PluginInstances
package import PluginLoading

/// `./lib.so:warm`, `warm:peak=2`: a number as a function of step, total and epoch.
package struct ScheduleFunction {
  /// The component it is.
  package let component: PluginComponent
  private let function: ForeignFunction
  private let settings: [(String, String)]

  /// - Throws: `PluginError` where there is no such component, `UsageError` where it is no schedule or a setting is
  ///   wrong.
  package init(parsing text: String, registry: PluginRegistry) throws {
    let spec: ComponentSpec
    do { spec = try SpecParser.component(text) } catch { throw error.asUsageError }
    component = try registry.component(.other, spec.name)
    guard let bare = component.bare, bare.forward.signature.declaration.kind == .schedule else {
      throw UsageError.incomplete(
        problem: "'\(text)' is no schedule: expected a bare function such as"
          + " 'schedule \(component.name)(step:i64, total:i64) -> f64 ;'")
    }
    _ = try ParameterValues(for: component, settings: spec.settings)
    function = bare.forward
    settings = spec.settings
  }

  /// What the function returns at `step` of `total`, both counting as the training loop does; may be NaN.
  /// - Throws: `UsageError.badValue`.
  package func value(step: Int, total: Int, epoch: Double) throws -> Double {
    let known: [(BareRole, String, String)] = [
      (.step, "step", "\(step)"), (.totalSteps, "total", "\(total)"), (.epoch, "epoch", "\(epoch)"),
    ]
    let given = known.filter { function.signature.has($0.0) }.map { ($0.1, $0.2) }
    return try DirectCall(function, arguments: settings + given).run().returned ?? .nan
  }
}
