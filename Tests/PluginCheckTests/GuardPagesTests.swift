// The memory that the conformance suite lends to plugins: where it lies, and what is found around it.

import Glibc
import PluginAPI
import PluginCheck
import Testing

@Suite struct GuardPagesTests {
  @Test(arguments: [(1, 64), (24, 8), (100, 64), (4096, 64), (5000, 64)])
  func memoryIsZeroedAlignedAndFlushWithAGuardPage(count: Int, alignment: Int) throws {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    for side in [GuardSide.left, .right] {
      let pages = try GuardPages(count, side: side, alignment: alignment)
      #expect(UnsafeRawBufferPointer(start: pages.pointer, count: count).allSatisfy { $0 == 0 })
      #expect(UInt(bitPattern: pages.pointer) % UInt(alignment) == 0 && pages.damage == nil)
      let edge = side == .left ? pages.pointer : pages.pointer + (count + alignment - 1) / alignment * alignment
      #expect(UInt(bitPattern: edge) % UInt(page) == 0)
    }
  }

  @Test func damageIsNamedByItsDistance() throws {
    let right = try GuardPages(100, side: .right)
    (right.pointer - 3).storeBytes(of: 1, as: UInt8.self)
    #expect(right.damage == "3 bytes before its start")
    let left = try GuardPages(100, side: .left)
    (left.pointer + 100).storeBytes(of: 1, as: UInt8.self)
    #expect(left.damage == "1 bytes past its end")
    for (offset, damage) in [(-3, "3 bytes before its start"), (100, "1 bytes past its end")] {
      let visible = try GuardPages(100, side: .visible)
      #expect(visible.damage == nil && UInt(bitPattern: visible.pointer) % 64 == 0)
      (visible.pointer + offset).storeBytes(of: 1, as: UInt8.self)
      #expect(visible.damage == damage)
    }
  }

  @Test func fieldsKeepTheirValuesApartFromPadding() throws {
    let field = try Field("x", [3, 4], padded: true, side: .right)
    field.values = (0..<12).map(Float.init)
    #expect(field.stride > 4 && field.floats[field.stride] == 4 && field.floats[4] == 0)
    #expect(field.values == (0..<12).map(Float.init) && field.pages.damage == nil)
    field.fill(2)
    #expect(field.values == [Float](repeating: 2, count: 12) && field.floats[4] == 0)
  }

  @Test func aNewerHostsStructHasATailAndSaysSo() throws {
    let old = try StructBox(cse_batch(), newer: false)
    let new = try StructBox(cse_batch(), newer: true)
    #expect(Int(old.pointer.pointee.struct_size) == MemoryLayout<cse_batch>.size)
    #expect(new.pointer.pointee.struct_size == old.pointer.pointee.struct_size + 64)
    let tail = UnsafeRawPointer(new.pointer) + MemoryLayout<cse_batch>.size
    #expect(UnsafeRawBufferPointer(start: tail, count: 64).allSatisfy { $0 == 0xA5 })
  }
}
