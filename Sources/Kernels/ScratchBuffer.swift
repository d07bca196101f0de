// Memory that is asked for again every step and allocated only when a step is larger than all before it.
// Used for activations and scratch, so that a step allocates nothing once the largest batch has been seen.

/// A float32 buffer that grows and never shrinks; contents are lost when it grows.
package final class ScratchBuffer {
  private var buffer = FloatBuffer(count: 0)
  private let visibility: Visibility

  /// Empty; memory comes with the first use.
  package init(_ visibility: Visibility = .own) { self.visibility = visibility }

  /// The number of elements allocated.
  package var capacity: Int { buffer.count }
  /// The first element of what the last `reserve` made room for.
  package var pointer: UnsafeMutablePointer<Float> { buffer.pointer }

  /// Makes room for `count` elements and returns the first. Growth adds an eighth, since batches vary in length.
  @discardableResult
  package func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
    if count > buffer.count {
      buffer = FloatBuffer(count: buffer.count == 0 ? count : count + count / 8, visibility)
    }
    return buffer.pointer
  }
}

/// An Int32 buffer that grows and never shrinks: token ids, positions, row numbers.
package final class ScratchIndexBuffer {
  private let storage = ScratchBuffer()

  /// Empty; memory comes with the first use.
  package init() {}

  /// Makes room for `count` elements and returns the first.
  package func reserve(_ count: Int) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(storage.reserve(count)).bindMemory(to: Int32.self, capacity: max(count, 1))
  }
}
