// What plugins may ask of the host: the cse_host table, and the state of one call behind `cse_call.host_data`.
// One HostServices per run; its table lives as long as the process, as the header promises.

import CIsolation
package import Kernels
package import Logging
package import PluginAPI
import Synchronization
import Version

/// The host's services for plugins: log lines, parallel loops, random numbers, optional services by id.
package final class HostServices: Sendable {
  /// The threads of `parallel_for`.
  package let pool: ThreadPool
  /// Takes what plugins log.
  package let logger: Logger
  /// What `cse_library_entry_v1` and every `cse_call` get. Never freed.
  package nonisolated(unsafe) let table: UnsafePointer<cse_host>
  /// The host that plugins meet; other than today's for `plugins check` and for tests.
  package let age: HostAge
  /// In which order chunks of a parallel loop run; for `plugins check`.
  let chunkOrder: ChunkOrder
  private let cancelled = Atomic<Bool>(false)
  /// When the user asked the run to end, by `monotonicNanoseconds`; nil as long as nobody did.
  private let stopRequestedAt: @Sendable () -> Int64?
  /// A wish to end that comes from another process.
  private nonisolated(unsafe) let cancelWord: UnsafePointer<UInt32>?
  /// How long a call may go on after the user asked the run to end: 1 s, in nanoseconds.
  private static let grace: Int64 = 1_000_000_000

  /// How a parallel loop goes through its chunks: on all threads, or on one in an order.
  package enum ChunkOrder: Sendable {
    case parallel, rising, falling, evenFirst

    /// The chunks in this order.
    func order(_ count: Int) -> [Int] {
      switch self {
      case .parallel, .rising: Array(0..<count)
      case .falling: (0..<count).reversed()
      // Even ones, then odd ones: neighbours are far apart in time.
      case .evenFirst: Array(stride(from: 0, to: count, by: 2)) + Array(stride(from: 1, to: count, by: 2))
      }
    }
  }

  /// Services over the pool's threads; `logger` receives the plugins' lines.
  ///
  /// - Parameter stopRequestedAt: when the user asked the run to end, by `monotonicNanoseconds`. A call that goes on
  ///   for more than a second after that (or after its own beginning, if that is later) is cancelled: its parallel
  ///   loops leave out the rest and return CSE_E_CANCELLED. Called from several threads.
  package convenience init(
    pool: ThreadPool, logger: Logger, age: HostAge = .today, chunkOrder: ChunkOrder = .parallel,
    stopRequestedAt: @escaping @Sendable () -> Int64? = { nil }
  ) {
    self.init(
      pool: pool, logger: logger, age: age, chunkOrder: chunkOrder, stopRequestedAt: stopRequestedAt,
      cancelWord: nil)
  }

  /// - Parameter cancelWord: Where another process writes its wish to end; nil for none.
  package init(
    pool: ThreadPool, logger: Logger, age: HostAge = .today, chunkOrder: ChunkOrder = .parallel,
    stopRequestedAt: @escaping @Sendable () -> Int64? = { nil }, cancelWord: UnsafeMutableRawPointer?
  ) {
    self.pool = pool
    self.logger = logger
    self.age = age
    self.chunkOrder = chunkOrder
    self.stopRequestedAt = stopRequestedAt
    self.cancelWord = cancelWord.map { UnsafePointer($0.assumingMemoryBound(to: UInt32.self)) }
    table = makeHostTable(sink: LogSink(logger: logger), age: age)
  }

  /// Cancels running and later calls at once. May be called from any thread.
  package func cancel() { cancelled.store(true, ordering: .relaxed) }

  /// Whether the call of `context` is to end.
  package func isCancelled(_ context: CallContext) -> Bool {
    if cancelled.load(ordering: .relaxed) || cancelWord.map({ iso_is_cancelled($0) != 0 }) ?? false { return true }
    guard let asked = stopRequestedAt() else { return false }
    return monotonicNanoseconds() - max(asked, context.began) > Self.grace
  }
}

/// What `host_data` of a call points to.
package final class CallContext {
  /// What the call may ask for.
  package let services: HostServices
  /// The random numbers of the instance.
  package let stream: RandomStream
  /// The batch the random numbers belong to.
  package var batch: UInt64 = 0
  /// Of the run, with which and the instance's name the random numbers are made.
  package let seed: UInt64
  /// When the running call began, by `monotonicNanoseconds`.
  private(set) var began: Int64 = 0
  /// The loss of vectors that the running call makes up, and its gradient; nil where it cannot ask.
  package var score: ScoreService.Score?
  /// Why the last `score` of the running call failed.
  package var scoreFailure: (any Error)?
  /// The texts of the training data; nil where the instance may not read them.
  var texts: RowTexts?
  /// Why a text that the running call asked for could not be read.
  var textFailure: (any Error)?
  /// The run's tokenizer; nil where the instance may not ask it.
  var vocabulary: VocabularyTexts?
  /// What the running call was lent.
  let lent = LentMemory()
  /// Whether a parallel loop of the running call left something out because the call was cancelled.
  private let isCutShort = Atomic<Bool>(false)

  /// - Parameter instance: The instance's name, which its random numbers depend on.
  package init(services: HostServices, seed: UInt64, instance: String) {
    self.services = services
    self.seed = seed
    stream = RandomStream(seed: seed, name: "plugin.\(instance)")
  }

  /// A call begins: it is not cut short yet.
  package func begin() {
    began = monotonicNanoseconds()
    textFailure = nil
    lent.takeBack()
    isCutShort.store(false, ordering: .relaxed)
  }

  /// Whether chunks of the running call are to be left out; once one was, the call is cut short, whatever it returns.
  func leavesOut() -> Bool {
    guard services.isCancelled(self) else { return false }
    isCutShort.store(true, ordering: .relaxed)
    return true
  }

  /// Whether the last call was cut short.
  package var wasCutShort: Bool { isCutShort.load(ordering: .relaxed) }

  /// The context of a call; nil for a call that is none of the host's.
  package static func of(_ call: UnsafePointer<cse_call>?) -> CallContext? {
    guard let data = call?.pointee.host_data else { return nil }
    return Unmanaged<CallContext>.fromOpaque(data).takeUnretainedValue()
  }
}

/// Where the log lines of plugins go.
private final class LogSink: Sendable {
  let logger: Logger
  init(logger: Logger) { self.logger = logger }
}

/// The table with its log sink right behind it, so that `log` finds the sink from the table's address alone.
private struct HostTable {
  var table: cse_host
  var sink: Unmanaged<LogSink>
  var age: HostAge
}

private func makeHostTable(sink: LogSink, age: HostAge) -> UnsafePointer<cse_host> {
  let memory = UnsafeMutablePointer<HostTable>.allocate(capacity: 1)
  var table = cse_host()
  // To a plugin the sink is a field it does not know.
  table.struct_size = UInt32(age == .newer ? MemoryLayout<HostTable>.size : MemoryLayout<cse_host>.size)
  table.abi_major = UInt16(CSE_ABI_MAJOR)
  table.abi_minor = age == .newer ? 99 : UInt16(CSE_ABI_MINOR)
  table.name = UnsafeRawPointer(hostName.utf8Start).assumingMemoryBound(to: CChar.self)
  table.version = UnsafeRawPointer(ProgramVersion.text.utf8Start).assumingMemoryBound(to: CChar.self)
  table.log = logService
  table.parallel_for = parallelForService
  table.random = randomService
  table.get_service = { host, id in service(host, id) }
  memory.initialize(to: HostTable(table: table, sink: .passRetained(sink), age: age))
  return UnsafeRawPointer(memory).assumingMemoryBound(to: cse_host.self)
}

private let hostName: StaticString = "mixcse"

/// The table of an optional service; nil for an id that is not offered.
private func service(_ host: UnsafePointer<cse_host>?, _ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? {
  guard let host, let id else { return nil }
  let (age, name) = (UnsafeRawPointer(host).assumingMemoryBound(to: HostTable.self).pointee.age, String(cString: id))
  guard age.services.contains(name) else { return nil }
  return switch name {
  case CSE_SCORE_1: UnsafeRawPointer(ScoreService.table)
  case CSE_ROWS_1: UnsafeRawPointer(RowsService.table)
  case CSE_VOCABULARY_1: UnsafeRawPointer(VocabularyService.table)
  default: nil
  }
}

private let logService: @convention(c) (UnsafePointer<cse_host>?, Int32, UnsafePointer<CChar>?) -> Void = {
  host, level, line in
  guard let host, let line else { return }
  let sink = UnsafeRawPointer(host).assumingMemoryBound(to: HostTable.self).pointee.sink.takeUnretainedValue()
  let text = Logger.Message(stringLiteral: String(cString: line))
  switch Int(level) {
  case ...Int(CSE_LOG_DEBUG): sink.logger.debug(text)
  case Int(CSE_LOG_INFO): sink.logger.info(text)
  case Int(CSE_LOG_WARN): sink.logger.warning(text)
  default: sink.logger.error(text)
  }
}

private let parallelForService:
  @convention(c) (UnsafePointer<cse_call>?, Int64, Int64, cse_range_fn?, UnsafeMutableRawPointer?) -> cse_status = {
    call, count, grain, function, user in
    guard let context = CallContext.of(call), let function else { return cse_status(CSE_E_INVALID) }
    guard count > 0 else { return cse_status(CSE_OK) }
    // Chunks of exactly `grain`, as the header says, whatever the pool makes of them.
    let chunk = max(Int(clamping: grain), 1)
    let total = Int(clamping: count)
    let chunkCount = (total - 1) / chunk + 1
    func run(_ index: Int, _ worker: Int) {
      let begin = index * chunk
      function(user, Int64(begin), Int64(min(begin + chunk, total)), Int32(worker))
    }
    guard context.services.chunkOrder == .parallel else {
      for index in context.services.chunkOrder.order(chunkCount) where !context.leavesOut() { run(index, 0) }
      return cse_status(context.wasCutShort ? CSE_E_CANCELLED : CSE_OK)
    }
    context.services.pool.parallelFor(chunkCount, grain: 1) { chunks, worker in
      for index in chunks {
        if context.leavesOut() { return }
        run(index, worker)
      }
    }
    return cse_status(context.wasCutShort ? CSE_E_CANCELLED : CSE_OK)
  }

private let randomService:
  @convention(c) (UnsafePointer<cse_call>?, Int32, UInt64, UnsafeMutablePointer<Float>?, Int64) -> Void = {
    call, kind, offset, destination, count in
    guard let context = CallContext.of(call), let destination, count > 0 else { return }
    let numbers = UnsafeMutableBufferPointer(start: destination, count: Int(clamping: count))
    if kind == Int32(CSE_NORMAL) {
      context.stream.normal(step: context.batch, offset: offset, into: numbers)
    } else {
      context.stream.uniform(step: context.batch, offset: offset, into: numbers)
    }
  }
