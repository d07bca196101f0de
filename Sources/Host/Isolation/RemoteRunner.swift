// Calls in a process of the instance's own. Everything a call shows lies in shared memory at the same addresses on both
// sides, so a call is a question by number and pointers, a wait, and a status. One worker for each instance: a crash
// ends one instance only, and calls of two instances never wait for each other.

import CIsolation
import Glibc
import Kernels
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
  private let isolation: Isolation
  private let services: HostServices
  private let context: CallContext
  private let memory: UnsafeMutableRawPointer
  private let bell: UnsafeMutablePointer<iso_doorbell>
  private let process: WorkerProcess
  /// Why there are no more answers.
  private var failure: PluginFailure.Reason?

  /// How long a wait lasts before it is asked whether the worker lives, in milliseconds.
  private static let slice: Int32 = 5

  /// Starts the worker and waits until it has loaded the library.
  init(
    _ component: PluginComponent, name: String, isolation: Isolation, services: HostServices, context: CallContext
  ) throws(PluginFailure.Reason) {
    self.isolation = isolation
    self.services = services
    self.context = context
    memory = allocateVisible(byteCount: PlanTexts.offset + PlanTexts.byteCount, .shared)
    bell = memory.bindMemory(to: iso_doorbell.self, capacity: 1)
    let instance = WorkerSettings.Instance(
      kind: component.kind.rawValue, component: component.name, name: name, seed: context.seed,
      doorbell: UInt(bitPattern: memory))
    let settings = WorkerSettings(component.library, isolation, parent: getpid(), instance: instance)
    do {
      process = try WorkerProcess(settings, name: name, isolation: isolation)
    } catch {
      freeVisible(memory)
      throw .contract("its process could not be started: \(error)")
    }
    try awaitStart()
  }

  deinit {
    process.stop()
    freeVisible(memory)
  }

  private func awaitStart() throws(PluginFailure.Reason) {
    guard let bytes = process.readReport(within: isolation.bounds.startSeconds) else {
      process.stop()
      throw .deadline(isolation.bounds.startSeconds)
    }
    let report = Netstrings.decode(bytes) ?? []
    if report.first == WorkerReport.ready { return }
    if report.first == WorkerReport.refused { throw .contract(report.dropFirst().joined(separator: " ")) }
    _ = process.wait(milliseconds: 1000)
    throw ended()
  }

  func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) throws(PluginFailure.Reason) -> cse_status {
    if let failure { throw failure }
    bell.pointee.function = function.number
    bell.pointee.batch = context.batch
    bell.pointee.call = UnsafeMutableRawPointer(call)
    bell.pointee.arguments = (arguments.first, arguments.second, arguments.third)
    iso_set_cancelled(&bell.pointee.cancelled, services.isCancelled(context) ? 1 : 0)
    let plan = function == .plan ? arguments.second?.assumingMemoryBound(to: cse_plan.self) : nil
    let arrays = plan.map { PlanRooms($0.pointee) }
    iso_ask(bell)
    try awaitAnswer()
    let status = bell.pointee.status
    // Where the worker put other arrays in place of the given ones, nothing is read of them here or later.
    if status == cse_status(CSE_OK), let plan, arrays == PlanRooms(plan.pointee) { PlanTexts(memory).read(into: plan) }
    return status
  }

  /// Time is counted in waits, not by the clock: while this program is stopped none passes.
  private func awaitAnswer() throws(PluginFailure.Reason) {
    var waited = 0.0
    while iso_await_answer(bell, Self.slice) == 0 {
      if process.hasEnded() { throw fail(ended()) }
      if services.isCancelled(context) { iso_set_cancelled(&bell.pointee.cancelled, 1) }
      waited += Double(Self.slice) / 1000
      if isolation.bounds.deadline > 0, waited > isolation.bounds.deadline {
        process.stop()
        throw fail(.deadline(isolation.bounds.deadline))
      }
    }
  }

  private func fail(_ reason: PluginFailure.Reason) -> PluginFailure.Reason {
    failure = reason
    return reason
  }

  /// How the worker ended, in words.
  private func ended() -> PluginFailure.Reason {
    guard let end = process.end else { return .died("closed its report and goes on") }
    var text: String
    switch end {
    case .signalled(let signal):
      text = "died of \(SignalName.short(signal))"
      if bell.pointee.signal == signal { text += detail(signal) }
      if signal == SIGKILL { text += "; the system does that when memory runs out" }
    case .exited(let code): text = "ended with code \(code); no plugin may call exit()"
    case .overran: text = "did not end in time"
    }
    let limit = isolation.bounds.memoryBytes
    if limit > 0, process.peakBytes > limit / 4 * 3 {
      text += "; it held \(process.peakBytes >> 20) MiB, its limit is \(limit >> 20) MiB (--plugin-memory)"
    }
    if let line = process.lastLine(), !line.isEmpty { text += "; the last it printed: \(line)" }
    return .died(text)
  }

  /// What a fault was about.
  private func detail(_ signal: Int32) -> String {
    guard signal == SIGSEGV || signal == SIGBUS else { return "" }
    let address = bell.pointee.address
    if isolation.memory.isShown(UInt(address)) { return ": it wrote to memory that it may only read, such as an input" }
    return " (address 0x\(String(address, radix: 16)))"
  }

  /// It may have written over the doorbell, too, and still be writing: nothing it does from now on may reach a state.
  func abandon() {
    process.stop()
    failure = failure ?? .died("was ended after it wrote outside of its buffers")
  }

  func end(_ call: UnsafeMutablePointer<cse_call>, isCreated: Bool) {
    guard failure == nil, !process.hasEnded() else { return }
    bell.pointee.function = isCreated ? WorkerReport.destroy : WorkerReport.leave
    bell.pointee.call = UnsafeMutableRawPointer(call)
    iso_ask(bell)
    // What does not end by itself is ended by deinit.
    _ = process.wait(milliseconds: 500)
  }
}

/// The first words of a worker's report, and the numbers of what is no function of a component.
enum WorkerReport {
  static let ready = "ready"
  static let refused = "refused"
  static let destroy: Int32 = -1
  static let leave: Int32 = -2
}

extension PluginFunction {
  /// Its number at the doorbell.
  var number: Int32 { Int32(Self.allCases.firstIndex(of: self) ?? 0) }

  init?(number: Int32) {
    guard Self.allCases.indices.contains(Int(number)) else { return nil }
    self = Self.allCases[Int(number)]
  }
}

/// Names and labels of a plan, which are constants of the plugin's image: copied behind the doorbell by the worker, and
/// put in place of its pointers by the host.
struct PlanTexts {
  static let offset = (MemoryLayout<iso_doorbell>.size + 63) & ~63
  private static let room = 256
  private static let slots = 16 + 16 + 8
  static let byteCount = slots * room
  private let base: UnsafeMutablePointer<CChar>

  /// `memory`: the doorbell, with the texts behind it.
  init(_ memory: UnsafeMutableRawPointer) {
    base = (memory + Self.offset).assumingMemoryBound(to: CChar.self)
  }

  /// In the worker: copies the texts, cut where they are too long to be legal anyway.
  func write(from plan: UnsafePointer<cse_plan>) {
    forEach(plan) { slot, text in
      guard let text = text.pointee else { return }
      strncpy(slot, text, Self.room - 1)
      slot[Self.room - 1] = 0
    }
  }

  /// In the host: lets the plan point at the copies.
  func read(into plan: UnsafePointer<cse_plan>) {
    forEach(plan) { slot, text in
      if text.pointee == nil { return }
      slot[Self.room - 1] = 0
      text.pointee = UnsafePointer(slot)
    }
  }

  private func forEach(
    _ plan: UnsafePointer<cse_plan>,
    _ body: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Void
  ) {
    for index in 0..<min(Int(plan.pointee.n_states), 16) {
      body(base + index * Self.room, &plan.pointee.states[index].name)
    }
    for index in 0..<min(Int(plan.pointee.n_weights), 16) {
      body(base + (16 + index) * Self.room, &plan.pointee.weights[index].name)
    }
    for index in 0..<min(Int(plan.pointee.n_blocks), 8) {
      body(base + (32 + index) * Self.room, &plan.pointee.blocks[index].label)
    }
  }
}
