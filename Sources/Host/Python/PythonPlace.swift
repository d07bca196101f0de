// Where the functions of a file in Python are: a process of Python's, one for each file, with all instances of the file
// in it. It is started to describe the file and stays for its instances.

import Glibc
import Kernels
import PluginAPI
import PluginGrammar
import PluginInstances
import PluginIsolation
import PluginLoading
import Synchronization

/// The place of the components of one file.
final class PythonPlace: RunnerSource {
  private let file: PluginFile
  private let settings: PythonSettings
  private let process = Mutex<PythonProcess?>(nil)

  init(_ file: PluginFile, _ settings: PythonSettings) {
    self.file = file
    self.settings = settings
  }

  /// What the process says of the file: versions, then the texts of `DescribedLibrary`.
  func describe() throws(PluginRefusal) -> [String] {
    let interpreter = try settings.interpreter()
    do {
      return try current(interpreter).report
    } catch {
      switch error {
      case .contract(let text): throw .worker(text)
      case .died(let text): throw .worker("its process \(text)")
      case .deadline(let seconds):
        throw .worker("running it did not end within \(Int(seconds.rounded(.up))) s (--plugin-deadline)")
      default: throw .worker("its process reported nothing of use")
      }
    }
  }

  func makeRunner(
    _ component: PluginComponent, name: String, services: HostServices, context: CallContext
  ) throws(PluginFailure.Reason) -> any ComponentRunner {
    guard settings.comesLate || !SharedMemory.isLate else {
      throw .contract(
        "a plugin in Python cannot join a run that began without processes for plugins; start the run with --isolate,"
          + " or with the plugin")
    }
    let interpreter: String
    do { interpreter = try settings.interpreter() } catch { throw .contract("\(error)") }
    return try PythonRunner(component, process: current(interpreter), services: services, context: context)
  }

  /// The process; a new one where there is none, or none that answers.
  private func current(_ interpreter: String) throws(PluginFailure.Reason) -> PythonProcess {
    let result = process.withLock { process -> Result<PythonProcess, PluginFailure.Reason> in
      if let process, !process.isOver { return .success(process) }
      do throws(PluginFailure.Reason) {
        let new = try PythonProcess(file, settings, interpreter: interpreter)
        process = new
        return .success(new)
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// One process of Python's that runs a file. From any thread; a call waits for the one before it.
final class PythonProcess: Sendable {
  /// What it said of the file.
  let report: [String]
  private let turn = Mutex<Void>(())
  private nonisolated(unsafe) let line: WorkerLine

  /// Starts it and waits until it has run the file.
  init(_ file: PluginFile, _ settings: PythonSettings, interpreter: String) throws(PluginFailure.Reason) {
    line = try PythonStart.line([file.loadPath, file.path, file.sha256], settings, interpreter, name: file.path)
    report = try line.awaitStart()
  }

  /// Whether it answers no more.
  var isOver: Bool { turn.withLock { _ in line.isOver } }

  func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments,
    _ context: CallContext, _ services: HostServices
  ) throws(PluginFailure.Reason) -> cse_status {
    try inTurn { () throws(PluginFailure.Reason) in try line.run(function, call, arguments, context, services) }
  }

  /// Makes an instance, which goes by the address of its call.
  /// - Throws: `.contract` with what Python says where it cannot be made.
  func open(
    _ component: PluginComponent, key: UInt64, _ call: UnsafeMutablePointer<cse_call>
  ) throws(PluginFailure.Reason) {
    let text = "\(component.kind.rawValue)\n\(component.name)\n\(key)"
    let room = 1 << 12
    let block = UnsafeMutablePointer<CChar>.visible(.shared, capacity: room, repeating: 0)
    defer { block.freeVisible() }
    strncpy(block, text, room - 1)
    let status = try inTurn { () throws(PluginFailure.Reason) in
      try line.ask(Self.open, call, CallArguments(block)) { false }
    }
    guard status == cse_status(CSE_OK) else {
      block[room - 1] = 0
      throw .contract(String(cString: block))
    }
  }

  /// Ends an instance.
  func close(_ call: UnsafeMutablePointer<cse_call>) {
    // One that answers no more has ended all of them.
    _ = try? inTurn { () throws(PluginFailure.Reason) in
      try line.ask(WorkerReport.leave, call, CallArguments()) { false }
    }
  }

  /// Ends the process.
  func abandon() { turn.withLock { _ in line.abandon() } }

  private static let open: Int32 = -3

  private func inTurn(
    _ body: () throws(PluginFailure.Reason) -> cse_status
  ) throws(PluginFailure.Reason) -> cse_status {
    let result = turn.withLock { _ -> Result<cse_status, PluginFailure.Reason> in
      do throws(PluginFailure.Reason) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// Calls of one instance.
private final class PythonRunner: ComponentRunner {
  private let process: PythonProcess
  private let services: HostServices
  private let context: CallContext
  private let component: PluginComponent
  /// The call it is known by in its process, once it is there.
  private var opened: UnsafeMutablePointer<cse_call>?

  init(
    _ component: PluginComponent, process: PythonProcess, services: HostServices, context: CallContext
  ) {
    (self.component, self.process, self.services, self.context) = (component, process, services, context)
  }

  func run(
    _ function: PluginFunction, _ call: UnsafeMutablePointer<cse_call>, _ arguments: CallArguments
  ) throws(PluginFailure.Reason) -> cse_status {
    if opened == nil {
      try process.open(component, key: context.stream.key, call)
      opened = call
    }
    return try process.run(function, call, arguments, context, services)
  }

  func abandon() { process.abandon() }

  func end(_ call: UnsafeMutablePointer<cse_call>, isCreated: Bool) {
    if let opened { process.close(opened) }
  }
}
