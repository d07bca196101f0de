// The worker: this program, started again to load one library and to answer calls of one instance of it, or to describe
// the library. Entered by the command when its first argument says so.

import BareFunctions
import CIsolation
import Files
import Glibc
import Kernels
import Logging
import PluginAPI
import PluginGrammar
import PluginInstances
import PluginLoading

/// The other end of RemoteRunner and IsolatedLoader.
package enum IsolatedWorker {
  private static let reportDescriptor: Int32 = 5

  /// Runs as a worker and never returns, where `arguments` (without the program's name) ask for that.
  package static func runIfAsked(_ arguments: [String]) {
    guard arguments.first == WorkerSettings.verb else { return }
    guard let settings = WorkerSettings(Array(arguments.dropFirst())) else { _exit(64) }
    guard iso_confine(settings.parent, UInt64(settings.memoryBytes)) == 0 else { _exit(0) }
    do {
      try SharedMemory.join(shown: settings.shown, shared: settings.shared)
    } catch {
      report([WorkerReport.refused, "the shared memory could not be mapped: \(systemMessage(error.code))"])
      _exit(0)
    }
    let bell = settings.instance.flatMap { UnsafeMutablePointer<iso_doorbell>(bitPattern: $0.doorbell) }
    if let bell { iso_note_signals(bell) }
    let services = HostServices(
      pool: ThreadPool(threads: max(settings.threads, 1)), logger: Logger(label: "plugin") { _ in WorkerLog() },
      cancelWord: bell.flatMap { UnsafeMutableRawPointer($0) + cancelledOffset })
    do {
      let file = try PluginFile(path: settings.library, allowInsecure: settings.allowInsecure)
      guard file.sha256 == settings.sha256 else { throw PluginRefusal.changedSinceChecked }
      let library = try PluginLoader(host: services.table).open(file, alias: nil)
      guard let instance = settings.instance, let bell else {
        report([WorkerReport.ready] + description(of: library, file))
        _exit(0)
      }
      guard let kind = ComponentKind(rawValue: instance.kind), let found = library.component(kind, instance.component)
      else { throw PluginRefusal.changedSinceChecked }
      let answers = AnsweringInstance(found, instance, services: services, bell: bell)
      report([WorkerReport.ready])
      answers.run(parent: settings.parent)
    } catch {
      report([WorkerReport.refused, "\(error)"])
    }
    _exit(0)
  }

  private static let cancelledOffset = MemoryLayout<iso_doorbell>.offset(of: \.cancelled) ?? 0

  /// A bare library is described by its text, any other by its descriptor.
  private static func description(of library: PluginLibrary, _ file: PluginFile) -> [String] {
    guard let source = file.bareSource else { return DescribedLibrary(library).texts }
    guard let handle = dlopen(file.resolvedPath, RTLD_NOW | RTLD_NOLOAD),
      let text = try? BareLoader.read(source, handle).text
    else { return [] }
    return [text]
  }

  private static func report(_ texts: [String]) {
    // Where the host is gone, nobody misses the report; where it is not, it sees that the report does not end.
    try? writeAll(Netstrings.encode(texts), to: reportDescriptor)
    close(reportDescriptor)
  }
}

/// One instance as its worker has it.
private final class AnsweringInstance {
  private let runner: LocalRunner
  private let component: PluginComponent
  private let services: HostServices
  private let context: CallContext
  private let bell: UnsafeMutablePointer<iso_doorbell>
  /// What the plugin is given: the host's call, with what belongs to this process.
  private let call: UnsafeMutablePointer<cse_call>
  private var own: UnsafeMutableRawPointer?

  init(
    _ component: PluginComponent, _ instance: WorkerSettings.Instance, services: HostServices,
    bell: UnsafeMutablePointer<iso_doorbell>
  ) {
    runner = LocalRunner(component)
    self.component = component
    self.services = services
    self.bell = bell
    context = CallContext(services: services, seed: instance.seed, instance: instance.name)
    call = .allocate(capacity: 1)
    call.initialize(to: cse_call())
  }

  /// Answers until it is told to leave, or the host is gone.
  func run(parent: pid_t) {
    while true {
      while iso_await_question(bell, 1000) == 0 {
        if getppid() != parent { return }
      }
      let number = bell.pointee.function
      if let shown = bell.pointee.call { adopt(shown.assumingMemoryBound(to: cse_call.self)) }
      guard let function = PluginFunction(number: number) else {
        runner.end(call, isCreated: number == WorkerReport.destroy)
        return
      }
      bell.pointee.status = answer(function)
      iso_answer(bell)
    }
  }

  private func adopt(_ shown: UnsafePointer<cse_call>) {
    call.pointee = shown.pointee
    call.pointee.host = services.table
    call.pointee.host_data = Unmanaged.passUnretained(context).toOpaque()
    call.pointee.component = component.declared
    call.pointee.`self` = own
    context.batch = bell.pointee.batch
  }

  private func answer(_ function: PluginFunction) -> cse_status {
    let given = bell.pointee.arguments
    context.begin()
    var status = runner.run(function, call, CallArguments(given.0, given.1, given.2))
    if context.wasCutShort { status = cse_status(CSE_E_CANCELLED) }
    if function == .create { own = call.pointee.`self` }
    if function == .plan, let plan = given.1 {
      PlanTexts(UnsafeMutableRawPointer(bell)).write(from: plan.assumingMemoryBound(to: cse_plan.self))
    }
    return status
  }
}

/// Sends log lines to the host: on standard error, marked with their level.
private struct WorkerLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .debug

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level: UInt8 =
      switch event.level {
      case .trace, .debug: 1
      case .info, .notice: 2
      case .warning: 3
      case .error, .critical: 4
      }
    let text = "\(event.message)".utf8.map { $0 == UInt8(ascii: "\n") ? UInt8(ascii: " ") : $0 }
    let line = [logLineMark, 48 + level] + text + [UInt8(ascii: "\n")]
    // One write, so that lines of several threads do not mix.
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
