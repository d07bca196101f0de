// Memory of one bare function's array argument: packed rows of the type the function wants, with a known pattern right
// behind the last byte in use. Grows when a batch is larger than any before; else no call allocates.

import Glibc
import Kernels
import PluginAPI

/// One argument's staging memory.
final class BareMemory {
  private var base: UnsafeMutableRawPointer
  private var capacity = 0
  private var used = 0
  private static let tail = 64
  private static let pattern: UInt64 = 0xC5E0_C5E1_C5E2_C5E3

  init() { base = .allocate(byteCount: 2 * Self.tail, alignment: 64) }

  deinit { base.deallocate() }

  /// The first byte the function may use.
  var pointer: UnsafeMutableRawPointer { base + Self.tail }

  /// Makes room for `count` bytes and lays the patterns around them.
  func reserve(_ count: Int) {
    if count > capacity {
      base.deallocate()
      capacity = count + count / 2
      base = .allocate(byteCount: capacity + 2 * Self.tail, alignment: 64)
    }
    used = count
    for offset in stride(from: 0, to: Self.tail, by: 8) {
      base.storeBytes(of: Self.pattern, toByteOffset: offset, as: UInt64.self)
      pointer.storeBytes(of: Self.pattern, toByteOffset: count + offset, as: UInt64.self)
    }
  }

  /// Where the patterns were damaged, or nil while they are intact.
  func damage(_ label: String) -> String? {
    for offset in stride(from: 0, to: Self.tail, by: 8) {
      if base.load(fromByteOffset: offset, as: UInt64.self) != Self.pattern {
        return "wrote before the start of '\(label)'"
      }
      let found = pointer.loadUnaligned(fromByteOffset: used + offset, as: UInt64.self)
      if found != Self.pattern {
        let byte = used + offset + (found ^ Self.pattern).trailingZeroBitCount / 8
        return "wrote past the end of '\(label)': byte \(byte) of \(used)"
      }
    }
    return nil
  }
}

/// A float tensor of the host's as rows that may be apart.
struct BareRows {
  let data: UnsafeMutablePointer<Float>
  let rows: Int
  let width: Int
  let stride: Int

  init?(_ tensor: UnsafePointer<DLTensor>?) {
    guard let tensor, let data = tensor.pointee.data else { return nil }
    self.data = data.assumingMemoryBound(to: Float.self)
    rows = Int(tensor.pointee.shape[0])
    var width = 1
    for axis in 1..<max(1, Int(tensor.pointee.ndim)) { width *= Int(tensor.pointee.shape[axis]) }
    self.width = width
    stride = tensor.pointee.ndim > 1 ? Int(tensor.pointee.strides[0]) : 1
  }

  var count: Int { rows * width }
  var isPacked: Bool { stride == width || rows <= 1 }

  /// Copies the values, packed and converted, to `target`.
  func pack(into target: UnsafeMutableRawPointer, as type: BareScalar) {
    for row in 0..<rows {
      let source = data + row * stride
      if type == .f32 {
        memcpy(target + row * width * 4, source, width * 4)
      } else {
        let doubles = (target + row * width * 8).assumingMemoryBound(to: Double.self)
        for column in 0..<width { doubles[column] = Double(source[column]) }
      }
    }
  }

  /// Takes packed values over.
  func unpack(from source: UnsafeMutableRawPointer, as type: BareScalar) {
    for row in 0..<rows {
      let target = data + row * stride
      if type == .f32 {
        memcpy(target, source + row * width * 4, width * 4)
      } else {
        let doubles = (source + row * width * 8).assumingMemoryBound(to: Double.self)
        for column in 0..<width { target[column] = Float(doubles[column]) }
      }
    }
  }

  /// Adds packed values; where `mask` is -infinity nothing is added.
  func add(from source: UnsafeMutableRawPointer, as type: BareScalar, except mask: BareRows?) {
    for row in 0..<rows {
      let target = data + row * stride
      let masked = mask.map { $0.data + row * $0.stride }
      let floats = (source + row * width * 4).assumingMemoryBound(to: Float.self)
      let doubles = (source + row * width * type.size).assumingMemoryBound(to: Double.self)
      for column in 0..<width where masked == nil || masked?[column] != -.infinity {
        target[column] += type == .f32 ? floats[column] : Float(doubles[column])
      }
    }
  }
}
