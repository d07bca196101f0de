// Calls in a process of the instance's own. Everything a call shows lies in shared memory at the same addresses on both
// sides, so a call is a question by number and pointers, a wait, and a status. One worker for each instance: a crash
// ends one instance only, and calls of two instances never wait for each other.

import Glibc
import PluginAPI
import PluginGrammar
package import PluginInstances
package import PluginLoading
import Processes

extension Isolation: RunnerSource {
  /// Starts a worker for one instance and waits until it has loaded the library.
  package func makeRunner(
    _ component: PluginComponent, name: String, services: HostServices, context: CallContext
  ) throws(PluginFailure.Reason) -> any ComponentRunner {
    try RemoteRunner(component, name: name, isolation: self, services: services, context: context)
  }
}

/// The host's side of a worker.
final class RemoteRunner: ComponentRunner {
  private let services: HostServices
  private let context: CallContext
  private let line: WorkerLine

  /// Starts the worker and waits until it has loaded the library.
  init(
    _ component: PluginComponent, name: String, isolation: Isolation, services: HostServices, context: CallContext
  ) throws(PluginFailure.Reason) {
    self.services = services
    self.context = context
    line = try WorkerLine(isolation.bounds, memory: isolation.memory) { doorbell in
      let instance = WorkerSettings.Instance(
        kind: component.kind.rawValue, component: component.name, name: name, seed: context.seed, doorbell: doorbell)
      let settings = WorkerSettings(component.library, isolation, parent: getpid(), instance: instance)
      return try WorkerProcess(settings, name: name, isolation: isolation)
    }
    _ = try line.awaitStart()
  }

  func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) throws(PluginFailure.Reason) -> cse_status {
    try line.run(function, call, arguments, context, services)
  }

  /// It may have written over the doorbell, too, and still be writing: nothing it does from now on may reach a state.
  func abandon() { line.abandon() }

  func end(_ call: UnsafeMutablePointer<cse_call>, isCreated: Bool) {
    // What does not end by itself is ended with the line.
    line.say(isCreated ? WorkerReport.destroy : WorkerReport.leave, call, waiting: 500)
  }
}
