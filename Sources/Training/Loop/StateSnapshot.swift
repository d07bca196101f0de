// What plugins remembered before a step: put back where the step fails, whichever of its batches or checks it was.
// Used by TrainingRun.

package import Kernels

/// A copy of state tensors; its memory is reused from step to step.
package final class StateSnapshot {
  private let copy = ScratchBuffer()
  private let pool: ThreadPool?
  private var before: [(name: String, count: Int)] = []
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// An empty snapshot; `pool`: the threads that copy, so that a queue of many vectors costs little.
  package init(pool: ThreadPool? = nil) { self.pool = pool }

  /// Runs `body`; where it throws, every state holds what it held before.
  ///
  /// `states` is asked again then: a plugin that was planned again for a larger batch may have other memory. A state
  /// that changed its name or size meanwhile has nothing to go back to and stays as it is.
  package func undoingOnFailure<Result>(
    _ states: () -> [CheckpointTensor], _ body: () throws -> Result
  ) throws -> Result {
    let live = states()
    before = live.map { (name: $0.name, count: $0.memory.count) }
    let bytes = before.reduce(0) { $0 + $1.count }
    memory = UnsafeMutableRawBufferPointer(start: copy.reserve((bytes + 3) / 4), count: bytes)
    defer { before = [] }
    var start = 0
    for state in live {
      take(state.memory, to: UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + state.memory.count]))
      start += state.memory.count
    }
    do {
      return try body()
    } catch {
      putBack(states())
      throw error
    }
  }

  private func take(_ source: UnsafeMutableRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    guard let pool, let from = source.baseAddress, let to = target.baseAddress else {
      return target.copyMemory(from: UnsafeRawBufferPointer(source))
    }
    pool.parallelFor(source.count, grain: 1 << 20) { range, _ in
      (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
    }
  }

  /// Puts what was remembered into `states`; does nothing outside of `undoingOnFailure`.
  package func putBack(_ states: [CheckpointTensor]) {
    var start = 0
    for (name, count) in before {
      if let state = states.first(where: { $0.name == name && $0.memory.count == count }) {
        state.memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<start + count]))
      }
      start += count
    }
  }
}
