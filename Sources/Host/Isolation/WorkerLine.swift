// The host's end of the doorbell of one worker process: a question by number and pointers, a wait, a status. Used by
// RemoteRunner, which has one for each instance, and by plugins in Python, where the instances of a file share one.

import CIsolation
import Glibc
package import Kernels
package import PluginAPI
package import PluginInstances
import Processes

/// A worker process and the doorbell between it and this one. One question at a time.
package final class WorkerLine {
  private let bounds: Isolation.Bounds
  private let shared: SharedMemory
  private let memory: UnsafeMutableRawPointer
  private let bell: UnsafeMutablePointer<iso_doorbell>
  private let process: WorkerProcess
  /// Why there are no more answers.
  private var failure: PluginFailure.Reason?

  /// How long a wait lasts before it is asked whether the worker lives, in milliseconds.
  private static let slice: Int32 = 5

  /// - Parameter start: Starts the process; is told where the doorbell is.
  package init(
    _ bounds: Isolation.Bounds, memory shared: SharedMemory,
    start: (_ doorbell: UInt) throws -> WorkerProcess
  ) throws(PluginFailure.Reason) {
    (self.bounds, self.shared) = (bounds, shared)
    memory = allocateVisible(byteCount: PlanTexts.offset + PlanTexts.byteCount, .shared)
    bell = memory.bindMemory(to: iso_doorbell.self, capacity: 1)
    do {
      process = try start(UInt(bitPattern: memory))
    } catch {
      freeVisible(memory)
      throw .contract("its process could not be started: \(error)")
    }
  }

  deinit {
    process.stop()
    freeVisible(memory)
  }

  /// Whether it answers no more: its process has ended, or was ended.
  package var isOver: Bool { failure != nil || process.hasEnded() }

  /// Waits until the worker has loaded the library.
  /// - Parameter seconds: how long at most, 0 = any time; nil: what bounds give to a plugin.
  /// - Returns: What it reports beside that.
  /// - Throws: `.contract` with its reason where it refuses, and how it ended where it did.
  package func awaitStart(within seconds: Double? = nil) throws(PluginFailure.Reason) -> [String] {
    let seconds = seconds ?? bounds.startSeconds
    guard let bytes = process.readReport(within: seconds) else {
      process.stop()
      throw .deadline(seconds)
    }
    let report = Netstrings.decode(bytes) ?? []
    if report.first == WorkerReport.ready { return Array(report.dropFirst()) }
    if report.first == WorkerReport.refused { throw .contract(report.dropFirst().joined(separator: " ")) }
    _ = process.wait(milliseconds: 1000)
    throw ended()
  }

  /// A call of an instance's function.
  package func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments,
    _ context: CallContext, _ services: HostServices
  ) throws(PluginFailure.Reason) -> cse_status {
    if let failure { throw failure }
    let plan = function == .plan ? arguments.second?.assumingMemoryBound(to: cse_plan.self) : nil
    let arrays = plan.map { PlanRooms($0.pointee) }
    bell.pointee.batch = context.batch
    let status = try ask(function.number, call, arguments) { services.isCancelled(context) }
    // Where the worker put other arrays in place of the given ones, nothing is read of them here or later.
    if status == cse_status(CSE_OK), let plan, arrays == PlanRooms(plan.pointee) { PlanTexts(memory).read(into: plan) }
    return status
  }

  /// A question by its number, and what the worker answers.
  /// - Parameters:
  ///   - call: nil where the question is none of an instance.
  ///   - isCancelled: Whether the call is to end; asked now and then.
  package func ask(
    _ number: Int32, _ call: UnsafeMutablePointer<cse_call>?, _ arguments: CallArguments, isCancelled: () -> Bool
  ) throws(PluginFailure.Reason) -> cse_status {
    if let failure { throw failure }
    put(number, call)
    bell.pointee.arguments = (arguments.first, arguments.second, arguments.third)
    iso_set_cancelled(&bell.pointee.cancelled, isCancelled() ? 1 : 0)
    iso_ask(bell)
    // Time is counted in waits, not by the clock: while this program is stopped none passes.
    var waited = 0.0
    while iso_await_answer(bell, Self.slice) == 0 {
      if process.hasEnded() { throw fail(ended()) }
      if isCancelled() { iso_set_cancelled(&bell.pointee.cancelled, 1) }
      waited += Double(Self.slice) / 1000
      if bounds.deadline > 0, waited > bounds.deadline {
        process.stop()
        throw fail(.deadline(bounds.deadline))
      }
    }
    return bell.pointee.status
  }

  /// Tells the worker to leave, and waits so many milliseconds for its end.
  func say(_ number: Int32, _ call: UnsafeMutablePointer<cse_call>, waiting milliseconds: Int) {
    guard !isOver else { return }
    put(number, call)
    iso_ask(bell)
    _ = process.wait(milliseconds: milliseconds)
  }

  private func put(_ number: Int32, _ call: UnsafeMutablePointer<cse_call>?) {
    bell.pointee.function = number
    bell.pointee.call = UnsafeMutableRawPointer(call)
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
    let limit = bounds.memoryBytes
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
    if shared.isShown(UInt(address)) { return ": it wrote to memory that it may only read, such as an input" }
    return " (address 0x\(String(address, radix: 16)))"
  }

  /// Ends the process; there are no more answers.
  package func abandon() {
    process.stop()
    failure = failure ?? .died("was ended after it wrote outside of its buffers")
  }
}

/// The first words of a worker's report, and the numbers of what is no function of a component.
package enum WorkerReport {
  /// It has loaded the library.
  package static let ready = "ready"
  /// It cannot be used; the reason follows.
  package static let refused = "refused"
  /// The instance ends, and its `destroy` is due.
  package static let destroy: Int32 = -1
  /// The instance ends.
  package static let leave: Int32 = -2
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
