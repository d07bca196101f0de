// What C callers pass, read with care: structs of any version, texts, counts, numbers. Structs that are filled are
// written as far as the caller knows them.

import Glibc
import Kernels

/// Readers of what callers pass.
enum Argument {
  /// The struct at `pointer` as this version knows it: what the caller does not have is zero.
  /// - Throws: `CallError.argument`
  static func structure<Struct: BitwiseCopyable>(_ pointer: UnsafePointer<Struct>?, _ zero: Struct, _ name: String)
    throws -> Struct
  {
    guard let pointer else { throw CallError.argument(name, expected: "a pointer to a struct", found: "NULL") }
    var copy = zero
    let size = try structSize(pointer, zero, name)
    withUnsafeMutableBytes(of: &copy) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, bytes.count)))
    }
    return copy
  }

  /// Writes `value` to the struct at `pointer`, but for its `struct_size`, as far as that says that it goes.
  /// - Throws: `CallError.argument`
  static func fill<Struct: BitwiseCopyable>(
    _ pointer: UnsafeMutablePointer<Struct>?, with value: Struct, _ name: String
  ) throws {
    guard let pointer else { throw CallError.argument(name, expected: "a pointer to a struct", found: "NULL") }
    let size = try structSize(pointer, value, name)
    let head = MemoryLayout<UInt32>.size
    let target = UnsafeMutableRawBufferPointer(start: pointer, count: size)
    withUnsafeBytes(of: value) { bytes in
      UnsafeMutableRawBufferPointer(rebasing: target[head...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[head..<min(size, bytes.count)]))
    }
  }

  private static func structSize<Struct>(_ pointer: UnsafePointer<Struct>, _ like: Struct, _ name: String) throws -> Int
  {
    let size = Int(UnsafeRawPointer(pointer).load(as: UInt32.self))
    // A pointer is the least that any struct holds behind its size; anything smaller was forgotten.
    guard size >= 2 * MemoryLayout<UInt32>.size, size <= 1 << 16 else {
      throw CallError.argument(
        "\(name)->struct_size", expected: "sizeof of the struct, \(MemoryLayout<Struct>.stride) in this version",
        found: "\(size)")
    }
    return size
  }

  /// A text that has to be there.
  static func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws -> String {
    guard let text = optionalText(pointer), !text.isEmpty else {
      throw CallError.argument(name, expected: "a text", found: pointer == nil ? "NULL" : "\"\"")
    }
    return text
  }

  /// A text that may be left out.
  static func optionalText(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

  /// A count in a range.
  static func count<Number: BinaryInteger>(_ value: Number, in range: ClosedRange<Int>, _ name: String) throws -> Int {
    guard let count = Int(exactly: value), range.contains(count) else {
      throw CallError.argument(name, expected: "\(range.lowerBound) to \(range.upperBound)", found: "\(value)")
    }
    return count
  }

  /// Flags without any that this version does not know.
  static func flags(_ value: UInt32, known: Int, _ name: String) throws -> UInt32 {
    guard value & ~UInt32(known) == 0 else {
      throw CallError.argument(
        "\(name)->flags", expected: "flags of this version, 0x\(String(known, radix: 16))",
        found: "0x\(String(value, radix: 16))")
    }
    return value
  }

  /// A number that is neither NaN nor an infinity.
  static func finite(_ value: Double, _ name: String) throws -> Double {
    guard value.isFinite else { throw CallError.argument(name, expected: "a finite number", found: "\(value)") }
    return value
  }

  /// A pointer that has to be there.
  static func pointer<Pointer>(_ pointer: Pointer?, _ name: String) throws -> Pointer {
    guard let pointer else { throw CallError.argument(name, expected: "a pointer", found: "NULL") }
    return pointer
  }

  /// An index below `count`.
  static func index(_ value: Int64, below count: Int, of what: String) throws -> Int {
    guard value >= 0, value < Int64(count) else {
      throw CallError.argument(
        "index", expected: count == 0 ? "none, there are no \(what)" : "0 to \(count - 1)",
        found: "\(value)")
    }
    return Int(value)
  }

  /// The bytes of one of several texts; without lengths they end with a zero.
  static func bytes(
    _ texts: UnsafePointer<UnsafePointer<CChar>?>, _ lengths: UnsafePointer<Int64>?, _ index: Int
  ) throws -> UnsafeBufferPointer<UInt8> {
    let text = try pointer(texts[index], "texts[\(index)]")
    let length = try lengths.map { try count($0[index], in: 0...Int.max, "lengths[\(index)]") } ?? strlen(text)
    return UnsafeRawBufferPointer(start: text, count: length).bindMemory(to: UInt8.self)
  }

  /// Rows that a caller holds, for reading.
  static func rows(_ pointer: UnsafePointer<Float>, _ count: Int, _ width: Int) -> Matrix {
    // Nothing writes to it: the type has no reading form.
    Matrix(UnsafeMutablePointer(mutating: pointer), rows: count, columns: width)
  }
}
