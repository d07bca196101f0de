// How one instance's functions are called: in this process (LocalRunner), or in a process of their own (RemoteRunner).
// Used by PluginInstance, and by the worker for the calls it is asked to make.

import CIsolation
import Files
import Glibc
package import PluginAPI
package import PluginLoading

/// What a call gets besides the `cse_call`, in the header's order; what a function has no use for is nil.
package struct CallArguments {
  /// The struct of the call: tokens, batch, logits, limits.
  package let first: UnsafeMutableRawPointer?
  /// What is filled, or read besides.
  package let second: UnsafeMutableRawPointer?
  /// Only poolers' backward has one: the gradient of their vectors.
  package let third: UnsafeMutableRawPointer?

  /// The arguments behind the `cse_call`, in order.
  package init(
    _ first: UnsafeRawPointer? = nil, _ second: UnsafeRawPointer? = nil, _ third: UnsafeRawPointer? = nil
  ) {
    self.first = UnsafeMutableRawPointer(mutating: first)
    self.second = UnsafeMutableRawPointer(mutating: second)
    self.third = UnsafeMutableRawPointer(mutating: third)
  }
}

/// Calls the functions of one instance, one at a time.
package protocol ComponentRunner: AnyObject {
  /// Calls `function`; for `create`, `call->self` is set afterwards.
  /// - Throws: `PluginFailure.Reason` where there is no answer: the plugin's process ended, or was ended.
  func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) throws(PluginFailure.Reason) -> cse_status

  /// Stops what is still running after a call that broke its bounds, as far as that can be done.
  func abandon()

  /// Ends the instance; `isCreated`: `create` succeeded, so `destroy` is due.
  func end(_ call: UnsafeMutablePointer<cse_call>, isCreated: Bool)
}

/// A place that this process calls functions in; PluginInstance asks it for the calls of one instance.
package protocol RunnerSource: ComponentPlace {
  /// The calls of one instance of `component`.
  /// - Parameters:
  ///   - name: The instance's.
  ///   - context: What `host_data` of its calls points to.
  /// - Throws: `PluginFailure.Reason` where nothing can be called.
  func makeRunner(
    _ component: PluginComponent, name: String, services: HostServices, context: CallContext
  ) throws(PluginFailure.Reason) -> any ComponentRunner
}

/// The calls of one instance, wherever its component is.
func makeRunner(
  _ component: PluginComponent, name: String, services: HostServices, context: CallContext
) throws(PluginFailure.Reason) -> any ComponentRunner {
  guard let place = component.place else { return LocalRunner(component) }
  guard let source = place as? any RunnerSource else { throw .contract("it is where no call can reach it") }
  return try source.makeRunner(component, name: name, services: services, context: context)
}

/// Calls in this process.
package final class LocalRunner: ComponentRunner {
  private let table: cse_component
  private let pooling: PoolingDescription?
  /// Who is to blame for a crash, where a signal handler finds it.
  private let name: UnsafeMutablePointer<CChar>

  /// The calls of a component whose code is in this process.
  package init(_ component: PluginComponent) {
    table = component.pointer.pointee
    pooling = component.pooling
    let file = component.library.path.visible
    name = strdup("\(component.id) (\(file), sha256 \(component.library.sha256.prefix(12)))")
  }

  deinit { free(name) }

  /// Calls `function`; one the component does not have gives CSE_E_UNSUPPORTED.
  package func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) -> cse_status {
    let isInStep = function != .create && function != .plan && call.pointee.flags & UInt32(CSE_TRAINING) != 0
    noteEntry(name, function.text, step: isInStep ? call.pointee.step : -1)
    defer { iso_leave() }
    return invoke(function, call, arguments) ?? cse_status(CSE_E_UNSUPPORTED)
  }

  private func invoke(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) -> cse_status? {
    let (first, second, third) = (arguments.first, arguments.second, arguments.third)
    switch function {
    case .create:
      return withUnsafeMutablePointer(to: &call.pointee.`self`) { table.create?(call, $0) }
    case .plan:
      return table.plan?(
        call, first?.assumingMemoryBound(to: cse_limits.self), second?.assumingMemoryBound(to: cse_plan.self))
    case .commit: return table.commit?(call, first?.assumingMemoryBound(to: cse_batch.self))
    case .augment: return table.augment?(call, first?.assumingMemoryBound(to: cse_edit.self))
    case .pool:
      return table.pool?(
        call, first?.assumingMemoryBound(to: cse_tokens.self), second?.assumingMemoryBound(to: DLTensor.self))
    case .poolBackward:
      return table.pool_backward?(
        call, first?.assumingMemoryBound(to: cse_tokens.self), second?.assumingMemoryBound(to: DLTensor.self),
        third?.assumingMemoryBound(to: DLTensor.self))
    case .sample:
      return table.sample?(
        call, first?.assumingMemoryBound(to: cse_batch.self), second?.assumingMemoryBound(to: cse_candidates.self))
    case .sampleBackward:
      return table.sample_backward?(
        call, first?.assumingMemoryBound(to: cse_batch.self),
        second?.assumingMemoryBound(to: UnsafePointer<DLTensor>?.self))
    case .onLogits:
      return table.on_logits?(
        call, first?.assumingMemoryBound(to: cse_logits.self), second?.assumingMemoryBound(to: Double.self))
    case .onEmbeddings:
      return table.on_embeds?(
        call, first?.assumingMemoryBound(to: cse_batch.self), second?.assumingMemoryBound(to: Double.self))
    case .layerWeights:
      return pooling?.layerWeights?(
        call, first?.assumingMemoryBound(to: cse_limits.self), second?.assumingMemoryBound(to: Float.self))
    }
  }

  /// Nothing: what runs in this process cannot be stopped.
  package func abandon() {}

  /// Calls `destroy` where it is due.
  package func end(_ call: UnsafeMutablePointer<cse_call>, isCreated: Bool) {
    guard isCreated, let destroy = table.destroy else { return }
    noteEntry(name, "destroy")
    destroy(call.pointee.`self`)
    iso_leave()
  }
}

extension PluginFunction {
  /// Its name, in memory that lives as long as the process.
  var text: StaticString {
    switch self {
    case .create: "create"
    case .plan: "plan"
    case .commit: "commit"
    case .augment: "augment"
    case .pool: "pool"
    case .sample: "sample"
    case .poolBackward: "pool_backward"
    case .sampleBackward: "sample_backward"
    case .onLogits: "on_logits"
    case .onEmbeddings: "on_embeds"
    case .layerWeights: "layer_weights"
    }
  }
}
