// The threads all kernels share. Work is cut at borders that depend on its size only, never on the number
// of threads or on timing, so results are the same for every thread count.

import CKernels
import Synchronization

/// A fixed set of threads that run chunks of a loop.
package final class ThreadPool: Sendable {
  /// How many threads work, the caller included.
  package let threads: Int
  private nonisolated(unsafe) let handle: OpaquePointer
  /// Working memory of products: one buffer for each worker, and one for what all of them read.
  private nonisolated(unsafe) let scratches: [GrowingBuffer]
  private let packing = Mutex(GrowingBuffer())
  /// Where the time of what runs here goes.
  package let profile: Profile

  /// Starts `threads - 1` workers; `threads >= 1`.
  package init(threads: Int) {
    precondition(threads >= 1, "a pool needs at least one thread, not \(threads)")
    guard let handle = ck_pool_create(Int32(threads)) else {
      preconditionFailure("the system refuses to start \(threads) threads")
    }
    self.threads = threads
    self.handle = handle
    scratches = (0..<threads).map { _ in GrowingBuffer() }
    profile = Profile(threads: threads)
  }

  deinit { ck_pool_destroy(handle) }

  /// How many processors this process may run on (its affinity mask).
  package static func availableThreads() -> Int { Int(ck_available_threads()) }

  /// The buffer of the chunk that runs as `worker`; nobody else touches it meanwhile.
  func scratch(_ worker: Int) -> GrowingBuffer { scratches[worker] }

  /// Lends the buffer of packed operands to one product at a time. Not to be called from inside a chunk: a product that
  /// waits for its turn at the pool holds the buffer.
  func withPackingBuffer(_ body: (GrowingBuffer) -> Void) {
    packing.withLock { body($0) }
  }

  /// Calls `body` with chunks of `0..<count`, each of `grain` elements but the last, and returns when all are done.
  ///
  /// `worker` lies in `0..<threads`, and no two running chunks share it. A nested call runs serially under
  /// the worker it came from; calls from several threads take turns.
  package func parallelFor(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ worker: Int) -> Void) {
    precondition(grain > 0, "the grain must be positive, not \(grain)")
    guard count > 0 else { return }
    guard threads > 1, count > grain else { return runSerially(count, grain: grain, body) }
    // Sharing the closure costs one small allocation.
    withoutActuallyEscaping(body) { body in
      var job = Job(count: count, grain: grain, body: body)
      withUnsafeMutablePointer(to: &job) {
        ck_pool_run(handle, Int64((count + grain - 1) / grain), Job.runChunk, $0)
      }
    }
  }
}

extension ThreadPool {
  /// The chunks in order on this thread, without any allocation.
  private func runSerially(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ worker: Int) -> Void) {
    var worker: Int32 = 0
    let entered = ck_pool_enter(handle, &worker) == 1
    defer { if entered { ck_pool_leave(handle) } }
    var start = 0
    while start < count {
      let end = min(start + grain, count)
      body(start..<end, Int(worker))
      start = end
    }
  }
}

private struct Job {
  let count: Int
  let grain: Int
  let body: (Range<Int>, Int) -> Void

  static let runChunk: ck_chunk_fn = { context, chunk, worker in
    guard let job = context?.assumingMemoryBound(to: Job.self) else { return }
    let start = Int(chunk) * job.pointee.grain
    let end = min(start + job.pointee.grain, job.pointee.count)
    job.pointee.body(start..<end, Int(worker))
  }
}
