// Memory between two pages that nobody may touch: one number too far ends the child that runs the test.

import Glibc
package import Host
import Kernels
import PluginAPI

/// Which end of the memory lies against an untouchable page; the other end is watched with a pattern.
package enum GuardSide: Sendable {
  case right, left
  /// Neither: memory that another process sees, too, with a pattern at both ends.
  case visible
}

/// Zeroed memory, 64-byte aligned as the host promises, with PROT_NONE pages on both sides.
package final class GuardPages {
  /// The first byte.
  package let pointer: UnsafeMutableRawPointer
  /// Bytes.
  package let count: Int
  private let base: UnsafeMutableRawPointer
  private let mapped: Int
  private let isVisible: Bool
  private static let page = Int(sysconf(Int32(_SC_PAGESIZE)))
  private static let pattern: UInt8 = 0xC5

  /// - Parameters:
  ///   - count: Bytes; 0 is legal.
  ///   - side: Which end lies against an untouchable page.
  ///   - alignment: 64 for tensors; 8 puts a struct exactly against the page.
  /// - Throws: `CheckProblem` where the system gives no memory.
  package init(_ count: Int, side: GuardSide = .right, alignment: Int = 64) throws {
    self.count = count
    isVisible = side == .visible
    if isVisible {
      mapped = (count + alignment - 1) / alignment * alignment + 2 * Self.page
      base = allocateVisible(byteCount: mapped, .shared)
      memset(base, Int32(Self.pattern), mapped)
      pointer = base + Self.page
      memset(pointer, 0, count)
      return
    }
    let pages = max(1, (count + Self.page - 1) / Self.page)
    mapped = (pages + 2) * Self.page
    let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { throw CheckProblem("the system gives no \(mapped) bytes of memory") }
    base = memory
    memset(base + Self.page, Int32(Self.pattern), pages * Self.page)
    let room = (count + alignment - 1) / alignment * alignment
    pointer = side == .right ? base + mapped - Self.page - room : base + Self.page
    memset(pointer, 0, count)
    mprotect(base, Self.page, PROT_NONE)
    mprotect(base + mapped - Self.page, Self.page, PROT_NONE)
  }

  deinit { if isVisible { freeVisible(base) } else { munmap(base, mapped) } }

  /// Makes what it holds read-only, or writable again; not where another process sees it.
  package func protect(_ readOnly: Bool) {
    if isVisible { return }
    mprotect(base + Self.page, mapped - 2 * Self.page, readOnly ? PROT_READ : PROT_READ | PROT_WRITE)
  }

  /// Where the pattern around the memory was overwritten.
  package var damage: String? {
    let start = isVisible ? base : base + Self.page
    let before = pointer - start
    for offset in 0..<before where start.load(fromByteOffset: offset, as: UInt8.self) != Self.pattern {
      return "\(before - offset) bytes before its start"
    }
    for offset in (before + count)..<(isVisible ? mapped : mapped - 2 * Self.page)
    where start.load(fromByteOffset: offset, as: UInt8.self) != Self.pattern {
      return "\(offset - before - count + 1) bytes past its end"
    }
    return nil
  }
}

/// Why a test failed.
struct CheckProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A tensor in guarded memory.
package final class Field {
  /// Its name in messages: `dz1`, `vectors[0]`.
  package let label: String
  /// The tensor that points to the memory: `[rows, ...]`.
  package let tensor: Tensor
  /// The memory.
  package let pages: GuardPages
  /// The first axis.
  package let rows: Int
  /// The numbers of a row, over all other axes.
  package let width: Int
  /// Numbers from the start of a row to the next one; more than `width` where rows are padded.
  package let stride: Int

  /// - Throws: `CheckProblem` where the system gives no memory.
  package init(_ label: String, _ shape: [Int], padded: Bool, side: GuardSide) throws {
    self.label = label
    rows = shape[0]
    width = shape.dropFirst().reduce(1, *)
    stride = padded ? width + 7 : width
    pages = try GuardPages(max(0, ((rows - 1) * stride + width) * 4), side: side)
    tensor = Tensor(shape: shape, rowStride: shape.count > 1 ? stride : nil)
    tensor.point(to: pages.pointer)
  }

  /// The first number.
  package var floats: UnsafeMutablePointer<Float> { pages.pointer.assumingMemoryBound(to: Float.self) }

  /// The values without padding: `[rows * width]`.
  package var values: [Float] {
    get { (0..<rows).flatMap { row in (0..<width).map { floats[row * stride + $0] } } }
    set {
      for row in 0..<rows { for k in 0..<width { floats[row * stride + k] = newValue[row * width + k] } }
    }
  }

  /// Sets every value, and leaves the padding as it is.
  package func fill(_ value: Float) { values = [Float](repeating: value, count: rows * width) }
}

/// A struct of the ABI against a guard page (an older host knows no more), or with a tail of a newer host behind it.
package final class StructBox<T> {
  private let pages: GuardPages

  /// - Parameters:
  ///   - value: What is copied; `struct_size`, its first field, is set.
  ///   - newer: With 64 bytes more than this version of the ABI has.
  ///   - side: `.visible` where another process reads it.
  /// - Throws: `CheckProblem` where the system gives no memory.
  package init(_ value: T, newer: Bool, side: GuardSide = .right) throws {
    let size = MemoryLayout<T>.size
    pages = try GuardPages(newer ? size + 64 : size, side: side == .visible ? .visible : .right, alignment: 8)
    pages.pointer.initializeMemory(as: T.self, repeating: value, count: 1)
    if newer { memset(pages.pointer + size, 0xA5, 64) }
    pages.pointer.storeBytes(of: UInt32(pages.count), as: UInt32.self)
  }

  /// The struct as a plugin gets it.
  package var pointer: UnsafeMutablePointer<T> { pages.pointer.assumingMemoryBound(to: T.self) }
}
