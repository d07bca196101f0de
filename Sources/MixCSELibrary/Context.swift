// Plugins, threads and log lines: what objectives and encoders are opened from.

import Files
import Glibc
import Host
import Kernels
public import LibraryAPI
import Logging
import Processes
import Version

/// What a `mixcse_context` is.
final class Context: Handle, Callable {
  let registry: PluginRegistry
  let services: HostServices
  let logger: Logger
  private lazy var offers = Self.offers(of: registry)

  override class var name: String { "context" }

  /// - Throws: `CallError`, `PluginError`, `UsageError`.
  init(_ settings: mixcse_settings) throws {
    let flags = try Argument.flags(settings.flags, known: Int(MIXCSE_ALLOW_INSECURE_PLUGINS), "settings")
    let asked = try Argument.count(settings.threads, in: 0...1024, "settings->threads")
    let folders = try (0..<Int(settings.n_plugin_folders)).map { index in
      try Argument.text(
        Argument.pointer(settings.plugin_folders, "settings->plugin_folders")[index],
        "settings->plugin_folders[\(index)]")
    }
    let sink = LogSink(function: settings.log, user: settings.log_user)
    logger = Logger(label: "mixcse") { _ in LibraryLog(sink: sink) }
    services = HostServices(
      pool: ThreadPool(threads: asked == 0 ? ThreadPool.availableThreads() : asked), logger: logger)
    var python = PythonSettings(
      python: try settings.python.map { try Argument.text($0, "settings->python") },
      bounds: Isolation.Bounds(deadline: 60, memoryBytes: 0, threads: services.pool.threads), logger: logger)
    // Every objective has memory of its own, and the thread that opens one may end long before it.
    (python.comesLate, python.isTied) = (true, false)
    registry = try PluginRegistry(
      // Beside this library, not beside the program that loads it.
      searchPath: PluginSearchPath(pluginPaths: folders, executable: ThisProcess.codeFile),
      allowInsecure: flags & UInt32(MIXCSE_ALLOW_INSECURE_PLUGINS) != 0, host: services.table, python: python,
      logger: logger)
  }

  /// Says what the program would print as a note.
  func note(_ text: String) { logger.warning("\(text)") }

  // MARK: What there is

  struct Offer {
    var kind, name, library, path, summary: String
  }

  var componentCount: Int { offers.count }

  func component(_ number: Int64) throws -> mixcse_component {
    let offer = offers[try Argument.index(number, below: offers.count, of: "components")]
    var component = mixcse_component()
    (component.kind, component.name, component.summary) = (keep(offer.kind), keep(offer.name), keep(offer.summary))
    (component.library, component.path) = (keep(offer.library), keep(offer.path))
    return component
  }

  private static func offers(of registry: PluginRegistry) -> [Offer] {
    let libraries = registry.libraries
    let components = libraries.flatMap(\.components).map {
      Offer(
        kind: $0.kind.rawValue, name: $0.name, library: $0.library.id, path: $0.library.path, summary: $0.summary)
    }
    let methods = libraries.flatMap { library in
      library.recipes.map {
        Offer(kind: "method", name: $0.name, library: library.id, path: library.path, summary: $0.text)
      }
    }
    return components + methods
  }
}

/// Where lines go; a C caller says that its function may be called from anywhere.
struct LogSink: @unchecked Sendable {
  let function: mixcse_log_fn?
  let user: UnsafeMutableRawPointer?

  func write(_ level: Int32, _ line: String) {
    if let function { return line.withCString { function(user, level, $0) } }
    guard level >= Int32(MIXCSE_LOG_WARN) else { return }
    let name = level == Int32(MIXCSE_LOG_WARN) ? "warning" : "error"
    // Without this process's own streams, which belong to the program.
    let text = Array("mixcse: \(name): \(line.visible)\n".utf8)
    text.withUnsafeBytes { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// The lines of modules and plugins on their way out.
private struct LibraryLog: LogHandler {
  let sink: LogSink
  var metadata: Logger.Metadata = [:]
  // A plugin's debug lines would cost a call each where nobody listens.
  var logLevel: Logger.Level

  init(sink: LogSink) {
    self.sink = sink
    logLevel = sink.function == nil ? .warning : .debug
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level =
      switch event.level {
      case .trace, .debug: MIXCSE_LOG_DEBUG
      case .info, .notice: MIXCSE_LOG_INFO
      case .warning: MIXCSE_LOG_WARN
      case .error, .critical: MIXCSE_LOG_ERROR
      }
    sink.write(Int32(level), "\(event.message)")
  }
}

@c @implementation
public func mixcse_api_version() -> Int32 { Int32(MIXCSE_API_VERSION) }

@c @implementation
public func mixcse_version() -> UnsafePointer<CChar>? {
  UnsafeRawPointer(ProgramVersion.text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func mixcse_context_open(
  _ settings: UnsafePointer<mixcse_settings>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  attempt {
    let out = try Argument.pointer(out, "out")
    out.pointee = nil
    let known = try settings.map { try Argument.structure($0, mixcse_settings(), "settings") } ?? mixcse_settings()
    try Context(known).open(into: out)
  }
}

@c @implementation
public func mixcse_context_close(_ context: OpaquePointer?) { Context.close(context) }

@c @implementation
public func mixcse_context_components(_ context: OpaquePointer?) -> Int64 {
  attempt(or: -1) {
    try Context.with(context) { Int64($0.componentCount) }
  }
}

@c @implementation
public func mixcse_context_component(
  _ context: OpaquePointer?, _ index: Int64, _ out: UnsafeMutablePointer<mixcse_component>?
) -> Int32 {
  attempt {
    try Context.with(context) { try Argument.fill(out, with: $0.component(index), "out") }
  }
}
