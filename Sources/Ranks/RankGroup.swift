// The processes that train one model, as one of them sees them: calls of a library that is loaded at run time
// (cse_ranks.h, Plugins/MPIRanks). Joined by the train command; used by RankedEncoder and RankWorker.

import Glibc
import Kernels
import RankAPI

/// A group of processes, or one that is alone. Each of its calls is made by all of them, in the same order, on one
/// thread at a time.
package final class RankGroup: @unchecked Sendable {
  /// The name of the library's file.
  package static let libraryName = "libMixCSERanks.so"

  /// Nil: this process is alone.
  private let table: UnsafePointer<cse_ranks>?
  /// Seconds after which one that hangs ends the group.
  let deadline: Double

  /// This process alone: what is shared out is its own.
  package init() { (table, deadline) = (nil, 0) }

  /// Joins the group of this process.
  /// - Parameters:
  ///   - libraries: where the library may be, best first.
  ///   - deadline: seconds after which a rank that hangs ends the group.
  /// - Throws: `RanksError` where no group forms; this process must not go on then.
  package init(_ launcher: Launcher, libraries: [String], deadline: Double) throws {
    guard let path = libraries.first(where: { access($0, F_OK) == 0 }) else {
      throw RanksError.noLibrary(launcher, places: libraries)
    }
    func failure(_ problem: String) -> RanksError { .cannotJoin(launcher, library: path, problem: problem) }
    // Global: MPI loads parts of its own that look for its functions.
    guard let handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
      throw failure(dlerror().map { String(cString: $0) } ?? "it cannot be loaded")
    }
    guard let symbol = dlsym(handle, CSE_RANKS_ENTRY) else { throw failure("it has no \(CSE_RANKS_ENTRY)") }
    typealias Entry = @convention(c) (UInt32, Double, UnsafeMutablePointer<CChar>?, Int64) -> UnsafePointer<cse_ranks>?
    let open = unsafeBitCast(symbol, to: Entry.self)
    var problem = [CChar](repeating: 0, count: 512)
    guard let table = open(CSE_RANKS_ABI, deadline, &problem, Int64(problem.count)) else {
      throw failure(problem.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })
    }
    (self.table, self.deadline) = (table, deadline)
    guard size == launcher.size else {
      throw RanksError.otherSize(launcher, library: path, size: size)
    }
    OutOfMemory.place = "\(name(of: rank)): "
  }

  /// Number of this process.
  package var rank: Int { Int(table?.pointee.rank ?? 0) }
  /// How many there are.
  package var size: Int { Int(table?.pointee.size ?? 1) }
  /// How many there are on this host.
  private var localSize: Int { Int(table?.pointee.local_size ?? 1) }

  /// The host of a rank.
  package func host(of rank: Int) -> String {
    table?.pointee.names[rank].map { String(cString: $0) } ?? ""
  }

  /// `rank 1 on node7`, for messages.
  package func name(of rank: Int) -> String { "rank \(rank) on \(host(of: rank))" }

  /// Number of this process among those of its host, and how many these are.
  package var seat: (rank: Int, size: Int) {
    let here = (0..<size).filter { host(of: $0) == host(of: rank) }
    return (here.firstIndex(of: rank) ?? 0, here.count)
  }

  /// What the user is told; nil of one that is alone.
  package func text(threads: Int) -> String? {
    guard let table else { return nil }
    let hosts = Int(table.pointee.hosts)
    let note =
      table.pointee.notices_hanging == 1
      ? ""
      : "; this MPI is not made for threads: a rank that hangs is not noticed, and gradients travel after the backward "
        + "pass"
    let early = carries ? ", gradients leave during the backward pass" : ""
    return "ranks: \(size) processes on \(hosts) \(hosts == 1 ? "host" : "hosts"), \(threads) "
      + "\(threads == 1 ? "thread" : "threads") each, \(String(cString: table.pointee.library))\(early)\(note)"
  }

  /// How many threads one of the processes takes where nobody says: the processors it may use, shared with the others
  /// of its host unless the launcher gave each its own.
  package func threads(available: Int, processors: Int) -> Int {
    available * localSize <= processors ? available : max(1, available / localSize)
  }

  /// Has all other ranks do what their `RankWorker` was given beside the encoder's work.
  package func askForHelp() { tell(.help) }

  // MARK: Calls of all ranks

  /// Numbers of rank 0 to all, in place.
  package func broadcast<Number: BitwiseCopyable>(_ numbers: inout [Number]) {
    numbers.withUnsafeMutableBytes { table?.pointee.broadcast($0.baseAddress, Int64($0.count)) }
  }

  /// The same for memory.
  package func broadcast(_ values: UnsafeMutablePointer<Float>, count: Int) {
    table?.pointee.broadcast(values, Int64(count * MemoryLayout<Float>.stride))
  }

  /// The parts of all to rank 0, where they lie in `all` at `starts`; rank 0's own part lies there already.
  package func gather(_ mine: UnsafePointer<Float>?, into all: UnsafeMutablePointer<Float>?, _ starts: [Int64]) {
    table?.pointee.gather(mine, all, starts)
  }

  /// The same for doubles.
  package func gather(_ mine: UnsafePointer<Double>?, into all: UnsafeMutablePointer<Double>?, _ starts: [Int64]) {
    table?.pointee.gather_doubles(mine, all, starts)
  }

  /// The other way round.
  package func scatter(_ all: UnsafePointer<Float>?, into mine: UnsafeMutablePointer<Float>?, _ starts: [Int64]) {
    table?.pointee.scatter(all, mine, starts)
  }

  /// What all have between `starts[rank]` and `starts[rank + 1]` to that rank: [size, its part].
  package func exchange(_ values: UnsafePointer<Float>, _ starts: [Int64], into received: UnsafeMutablePointer<Float>) {
    guard let table else { return received.update(from: values, count: Int(starts[1])) }
    table.pointee.exchange(values, starts, received)
  }

  /// Whether `startExchange` is worth it: what it begins goes on while this process computes.
  var carries: Bool { table?.pointee.carries == 1 }

  /// `exchange` that has only begun: neither memory may be touched before `finishExchanges`. Several may be under way.
  func startExchange(_ values: UnsafePointer<Float>, _ starts: [Int64], into received: UnsafeMutablePointer<Float>) {
    table?.pointee.start_exchange(values, starts, received)
  }

  /// Waits for all that was begun.
  func finishExchanges() { table?.pointee.finish_exchanges() }

  /// Each rank's part to all.
  package func collect(_ values: UnsafeMutablePointer<Float>, _ starts: [Int64]) {
    table?.pointee.collect(values, starts)
  }

  /// Waits until all are here, however long one takes.
  package func meet() { table?.pointee.meet() }

  /// Ends all processes, after one message with host and rank.
  package func endAll(_ reason: String, code: Int32) -> Never {
    table?.pointee.end_all(reason, code)
    _exit(code)
  }

  /// The last call of all.
  package func close() { table?.pointee.close() }
}
