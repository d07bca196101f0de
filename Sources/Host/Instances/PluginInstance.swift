// One use of a component in a run: its parameters, its memory, its states and weights, and every call into it.
// Made by the objective; two instances of one component share nothing.

package import Kernels
import PluginAPI
import PluginGrammar
package import PluginLoading

/// Where training stands, as calls are told.
package struct StepPosition: Sendable, Equatable {
  /// Optimiser step, from 0.
  package var step: Int64
  /// 0 = unknown.
  package var totalSteps: Int64
  /// Epoch with its fraction.
  package var epoch: Double
  /// Which batch the random numbers belong to: the step, unless several batches make one step.
  package var batch: UInt64

  /// A position; without a `batch` the random numbers belong to the step.
  package init(step: Int64 = 0, totalSteps: Int64 = 0, epoch: Double = 0, batch: UInt64? = nil) {
    self.step = step
    self.totalSteps = totalSteps
    self.epoch = epoch
    self.batch = batch ?? UInt64(max(step, 0))
  }
}

/// A component with its parameters and memory, ready to be called.
///
/// One call at a time; every function returns normally or throws PluginFailure.
package final class PluginInstance {
  /// What it is an instance of.
  package let component: PluginComponent
  /// Its parameters, where the plugin reads them.
  package let values: ParameterValues
  /// The component's name; the second of the same name is `mixcse#2`.
  package let name: String
  /// What its calls are called in the run's profile.
  let profileName: String
  /// What its calls may ask the host for.
  package let services: HostServices
  /// The run's; random numbers depend on it, on `name` and on the batch.
  package let seed: UInt64
  /// What the last `plan` declared.
  package internal(set) var plan: PluginPlan
  /// What the last `plan` was told; nil before the first.
  package internal(set) var limits: PluginLimits?
  /// What it keeps between steps; the objects stay where a new plan declares them alike.
  package internal(set) var states: [StateTensor] = []
  /// The learnable tensors; the objects stay the same when a new plan declares them alike.
  package var weights: [Parameter] { weightTensors.map(\.parameter) }
  /// Where training stands, as its calls are told.
  package var position = StepPosition()
  /// Off in evaluation; only poolers run then.
  package var isTraining = true
  /// What the gradient takes for constants is read from the tape and not made anew (CSE_HOLD), for `plugins check`.
  package var holdsConstants = false

  var weightTensors: [PluginWeight] = []
  var stateList = TensorList([])
  var weightList = TensorList([])
  var gradientList = TensorList([])
  var scratch = GuardedBuffer(byteCount: 0, label: "scratch")
  var tape = GuardedBuffer(byteCount: 0, label: "tape")
  /// The component's functions; what an older descriptor lacks is NULL.
  let table: cse_component
  let call: UnsafeMutablePointer<cse_call>
  let context: CallContext
  let message = GuardedBuffer(byteCount: Int(CSE_MESSAGE_BYTES), label: "message")
  let lossSlot = GuardedBuffer(byteCount: 8, label: "loss")
  /// Makes the calls, here or in another process.
  let runner: any ComponentRunner
  let metricSlots: GuardedBuffer
  var metricSums: [(sum: Double, count: Int)]
  var watched: [GuardedBuffer] = []
  private var wasCreated = false

  /// Creates the instance; `plan` must follow before any other call.
  /// - Throws: `PluginFailure` when `create` fails.
  package init(
    component: PluginComponent, values: ParameterValues, name: String, services: HostServices, seed: UInt64
  ) throws {
    self.component = component
    self.values = values
    self.name = name
    profileName = "plugins/\(component.kind) \(name)"
    self.services = services
    self.seed = seed
    table = component.pointer.pointee
    plan = PluginPlan(
      limits: PluginLimits(maxRows: 0, width: 0, maxTokens: 0, maxSequences: 0, layerCount: 0, viewCount: 0))
    context = CallContext(services: services, seed: seed, instance: name)
    metricSlots = GuardedBuffer(byteCount: component.metrics.count * 8, label: "metrics")
    metricSums = component.metrics.map { _ in (0, 0) }
    let tailed = UnsafeMutablePointer.visible(.shown, capacity: 1, repeating: TailedStruct(cse_call()))
    call = UnsafeMutableRawPointer(tailed).assumingMemoryBound(to: cse_call.self)
    do {
      runner = try makeRunner(component, name: name, services: services, context: context)
    } catch {
      call.freeVisible()
      throw PluginFailure(component, instance: name, values: values, .create, step: nil, error)
    }
    fillCall()
    if table.create != nil {
      try perform(.create)
      wasCreated = true
    }
  }

  deinit {
    runner.end(call, isCreated: wasCreated)
    call.freeVisible()
  }

  /// Whether the last plan was for other limits, or there was none.
  package func needsPlan(for limits: PluginLimits) -> Bool { self.limits != limits }

  /// Lets calls check a buffer of the host's for writes past its ends.
  package func watch(_ buffer: GuardedBuffer) { watched.append(buffer) }

  /// Forgets all buffers given to `watch`.
  package func unwatchAll() { watched.removeAll(keepingCapacity: true) }

  /// Mean of each declared metric over the calls of this batch; metrics never reported are left out.
  package var metrics: [(name: String, value: Double)] {
    zip(component.metrics, metricSums).compactMap { name, slot in
      slot.count > 0 ? (name, slot.sum / Double(slot.count)) : nil
    }
  }

  /// Starts a batch: clears metrics and weight gradients, and tells later calls where training stands.
  package func begin(_ position: StepPosition, training: Bool = true) {
    self.position = position
    isTraining = training
    for index in metricSums.indices { metricSums[index] = (0, 0) }
    for weight in weightTensors { weight.gradient.clear() }
  }

  /// Adds `scale` times the weight gradients collected so far to the parameters' gradients, and clears them.
  package func foldWeightGradients(scale: Float) {
    for weight in weightTensors {
      weight.fold(scale: scale)
      weight.gradient.clear()
    }
  }

  private func fillCall() {
    call.pointee.struct_size = services.age.size(of: cse_call.self)
    call.pointee.host = services.table
    call.pointee.host_data = Unmanaged.passUnretained(context).toOpaque()
    call.pointee.component = component.declared
    call.pointee.values = values.pointer
    call.pointee.metrics = component.metrics.isEmpty ? nil : metricSlots.pointer.assumingMemoryBound(to: Double.self)
    call.pointee.message = message.pointer.assumingMemoryBound(to: CChar.self)
  }
}
