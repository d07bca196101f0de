// What plugins remembered before a step: put back where the step fails, whichever of its batches or checks it was.
// Used by TrainingRun.

import Kernels

/// A copy of state tensors; its memory is reused from step to step.
final class StateSnapshot {
  private let copy = GrowingBuffer()

  /// Runs `body`; where it throws, every state holds what it held before.
  func undoingOnFailure<Result>(_ states: [CheckpointTensor], _ body: () throws -> Result) throws -> Result {
    let bytes = states.reduce(0) { $0 + $1.memory.count }
    let memory = UnsafeMutableRawBufferPointer(start: copy.reserve((bytes + 3) / 4), count: bytes)
    forEach(states, in: memory) { state, saved in saved.copyMemory(from: UnsafeRawBufferPointer(state)) }
    do {
      return try body()
    } catch {
      forEach(states, in: memory) { state, saved in state.copyMemory(from: UnsafeRawBufferPointer(saved)) }
      throw error
    }
  }

  private func forEach(
    _ states: [CheckpointTensor], in memory: UnsafeMutableRawBufferPointer,
    _ visit: (_ state: UnsafeMutableRawBufferPointer, _ saved: UnsafeMutableRawBufferPointer) -> Void
  ) {
    var start = 0
    for state in states {
      visit(state.memory, UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + state.memory.count]))
      start += state.memory.count
    }
  }
}
