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
  private nonisolated(unsafe) let scratches: [ScratchBuffer]
  private let packing = Mutex(ScratchBuffer())
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
    scratches = (0..<threads).map { _ in ScratchBuffer() }
    profile = Profile(threads: threads)
  }

  deinit { ck_pool_destroy(handle) }

  /// How many processors this process may run on (its affinity mask).
  package static func availableThreads() -> Int { Int(ck_available_threads()) }

  /// The buffer of the chunk that runs as `worker`; nobody else touches it meanwhile.
  func scratch(_ worker: Int) -> ScratchBuffer { scratches[worker] }

  /// Lends the buffer of packed operands to one product at a time. Not to be called from inside a chunk: a product that
  /// waits for its turn at the pool holds the buffer.
  func withPackingBuffer(_ body: (ScratchBuffer) -> Void) {
    packing.withLock { body($0) }
  }

  /// Calls `body` with chunks of `0..<count`, each of `grain` elements but the last, and returns when all are done.
  ///
  /// `worker` lies in `0..<threads`, and no two running chunks share it. A nested call runs serially under
  /// the worker it came from; calls from several threads take turns.
  package func parallelFor(_ count: Int, grain: Int, _ body: (_ range: Range<Int>, _ worker: Int) -> Void) {
    parallelFor(Tiles(count, of: grain)) { range, _, worker in body(range, worker) }
  }

  /// The same with chunks of several sizes; `tile` is the chunk's number.
  package func parallelFor(_ tiles: Tiles, _ body: (_ range: Range<Int>, _ tile: Int, _ worker: Int) -> Void) {
    guard tiles.count > 0 else { return }
    guard threads > 1, tiles.count > 1 else { return runSerially(tiles, body) }
    // Sharing the closure costs one small allocation.
    withoutActuallyEscaping(body) { body in
      var job = Job(tiles: tiles, body: body)
      withUnsafeMutablePointer(to: &job) { ck_pool_run(handle, Int64(tiles.count), Job.runChunk, $0) }
    }
  }

  /// The chunks in order on this thread, without any allocation.
  private func runSerially(_ tiles: Tiles, _ body: (_ range: Range<Int>, _ tile: Int, _ worker: Int) -> Void) {
    var worker: Int32 = 0
    let entered = ck_pool_enter(handle, &worker) == 1
    defer { if entered { ck_pool_leave(handle) } }
    for tile in 0..<tiles.count { body(tiles[tile], tile, Int(worker)) }
  }
}

/// How a loop is cut into chunks: some of the first size, the rest of the second, the last chunk perhaps smaller.
package struct Tiles {
  /// How many chunks there are.
  package let count: Int
  private let total: Int
  private let large: Int
  private let small: Int
  /// How many are large.
  private let many: Int

  /// Chunks of `0..<total`, each of `size` elements; with `last`, only as long as more than twice `size` is left, and
  /// of `last` elements from there on, so that threads come to an end together.
  package init(_ total: Int, of size: Int, last: Int? = nil) {
    precondition(size > 0, "chunks must have a positive size, not \(size)")
    self.total = total
    large = size
    small = last ?? size
    many = last == nil ? total / size : max(0, total - 2 * size) / size
    count = many + (total - many * size + small - 1) / small
  }

  /// The elements of the largest chunk.
  package var largest: Int { min(total, many > 0 ? large : small) }

  /// The elements of a chunk.
  package subscript(chunk: Int) -> Range<Int> {
    let start = min(chunk, many) * large + max(0, chunk - many) * small
    return start..<min(start + (chunk < many ? large : small), total)
  }
}

private struct Job {
  let tiles: Tiles
  let body: (Range<Int>, Int, Int) -> Void

  static let runChunk: ck_chunk_fn = { context, chunk, worker in
    guard let job = context?.assumingMemoryBound(to: Job.self) else { return }
    job.pointee.body(job.pointee.tiles[Int(chunk)], Int(chunk), Int(worker))
  }
}
