// Memory that plugins write into: zeroed, 64-byte aligned, with 64 bytes of a known pattern on either side.
// A write past an end is found by the check after the call, before the damage is used.

import Glibc
package import Kernels

/// A zeroed, 64-byte aligned block of bytes between two canaries.
package final class GuardedBuffer {
  /// What the block holds, in the words of the header: "scratch", "tape", "vectors[0]".
  package let label: String
  /// Usable bytes.
  package let byteCount: Int
  /// The first usable byte.
  package let pointer: UnsafeMutableRawPointer

  private let memory: FloatBuffer
  private let base: UnsafeMutableRawPointer
  private let trailingOffset: Int
  private static let guardBytes = 64
  private static let pattern: UInt64 = 0xC5E0_C5E1_C5E2_C5E3

  /// Allocates `byteCount` zeroed bytes; 0 is legal and gives a pointer that must not be read.
  /// - Parameters:
  ///   - visibility: what plugins in processes of their own may do there.
  ///   - isSparse: most of it will never be written; it takes up no memory then.
  package init(byteCount: Int, label: String, _ visibility: Visibility = .shared, isSparse: Bool = false) {
    precondition(byteCount >= 0)
    self.label = label
    self.byteCount = byteCount
    // The trailing canary starts right behind the last byte, so that being one too far is seen.
    trailingOffset = Self.guardBytes + byteCount
    if visibility != .own, SharedMemory.current == nil { SharedMemory.noteOrdinary() }
    let count = (trailingOffset + Self.guardBytes + 3) / 4
    memory = FloatBuffer(count: count, visibility, sparse: isSparse ? count : 0)
    base = UnsafeMutableRawPointer(memory.pointer)
    pointer = base + Self.guardBytes
    for offset in stride(from: 0, to: Self.guardBytes, by: 8) {
      base.storeBytes(of: Self.pattern, toByteOffset: offset, as: UInt64.self)
      base.storeBytes(of: Self.pattern, toByteOffset: trailingOffset + offset, as: UInt64.self)
    }
  }

  /// The block as 32-bit floats.
  package var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

  /// Sets every byte to zero.
  package func clear() { memset(pointer, 0, byteCount) }

  /// Where the canaries were damaged, as text, or nil while they are intact.
  package var damage: String? {
    let leading = firstDamage(at: 0)
    if let leading { return "wrote \(Self.guardBytes - leading) bytes before the start of '\(label)'" }
    guard let trailing = firstDamage(at: trailingOffset) else { return nil }
    return "wrote past the end of '\(label)': byte \(byteCount + trailing) of \(byteCount)"
  }

  /// The offset of the first byte that differs from the pattern, within the canary at `offset`.
  private func firstDamage(at offset: Int) -> Int? {
    for word in stride(from: 0, to: Self.guardBytes, by: 8) {
      let found = base.loadUnaligned(fromByteOffset: offset + word, as: UInt64.self)
      if found != Self.pattern { return word + (found ^ Self.pattern).trailingZeroBitCount / 8 }
    }
    return nil
  }
}
