// Blocks of memory: zeroed, aligned, and claimed without a change.

import CKernels
import Testing

@Suite struct MemoryTests {
  @Test(arguments: [0, 1, 65, 4096, (2 << 20) - 1, 2 << 20, (2 << 20) + 5])
  func blocksAreZeroAndAligned(bytes: Int) throws {
    let memory = try #require(ck_allocate(bytes))
    defer { ck_free(memory, bytes) }
    #expect(Int(bitPattern: memory) % 64 == 0)
    #expect(UnsafeRawBufferPointer(start: memory, count: bytes).allSatisfy { $0 == 0 })
  }

  /// Claiming leaves every byte as it was, from any address on and for any length, and does not reach beyond.
  @Test(arguments: [0, 1, 4095, 4096, 4097, 70_001]) func claimingChangesNothing(offset: Int) throws {
    let size = 1 << 18
    let memory = try #require(ck_allocate(size))
    defer { ck_free(memory, size) }
    let bytes = UnsafeMutableRawBufferPointer(start: memory, count: size)
    for i in 0..<size { bytes[i] = UInt8(truncatingIfNeeded: i * 31 + i >> 8) }
    for length in [0, 1, 4096, 65_537, size - offset] { ck_claim(memory + offset, length) }
    #expect((0..<size).allSatisfy { bytes[$0] == UInt8(truncatingIfNeeded: $0 * 31 + $0 >> 8) })
  }
}
