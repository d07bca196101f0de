// States come back after a failed step, also where a plugin was planned again in it and its memory is another.

import Kernels
import TestSupport
import Testing
import Training

@Suite struct StateSnapshotTests {
  private struct Failure: Error {}

  private final class State {
    let name: String
    let buffer: FloatBuffer
    let count: Int

    init(_ name: String, _ values: [Float]) {
      self.name = name
      count = values.count
      buffer = FloatBuffer(count: count)
      fill(values)
    }

    func fill(_ values: [Float]) { for (index, value) in values.enumerated() { buffer.pointer[index] = value } }
    var values: [Float] { (0..<count).map { buffer.pointer[$0] } }
    var tensor: CheckpointTensor {
      CheckpointTensor(
        name: name, type: "F32", shape: [count],
        memory: UnsafeMutableRawBufferPointer(start: buffer.pointer, count: 4 * count))
    }
  }

  @Test func aFailureTakesEveryStateBack() throws {
    let states = [State("a", [1, 2, 3]), State("b", [4])]
    #expect(throws: Failure.self) {
      try StateSnapshot().undoingOnFailure({ states.map(\.tensor) }) {
        states[0].fill([7, 8, 9])
        states[1].fill([.nan])
        throw Failure()
      }
    }
    #expect(states[0].values == [1, 2, 3] && states[1].values == [4])
  }

  @Test func successKeepsWhatTheStepLeft() throws {
    let state = State("a", [1, 2, 3])
    try StateSnapshot().undoingOnFailure({ [state.tensor] }) { state.fill([7, 8, 9]) }
    #expect(state.values == [7, 8, 9])
  }

  @Test func memoryThatWasReplacedIsNotTouched() throws {
    var states = [State("a", [1, 2]), State("b", [3]), State("c", [4, 5])]
    #expect(throws: Failure.self) {
      try StateSnapshot().undoingOnFailure({ states.map(\.tensor) }) {
        states = [State("c", [0, 0]), State("a", [0, 0, 0]), State("new", [6])]
        throw Failure()
      }
    }
    #expect(states[0].values == [4, 5], "found by its name in its new memory")
    #expect(states[1].values == [0, 0, 0] && states[2].values == [6], "nothing of that size to go back to")
  }
}
