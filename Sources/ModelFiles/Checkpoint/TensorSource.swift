// What every checkpoint format offers: named tensors with type and shape, read one at a time as float32. Implemented by
// SafetensorsFile, ShardedCheckpoint and TorchCheckpoint; used by WeightTable.

/// How a tensor's elements are stored.
package enum ElementType: Sendable, Equatable {
  case float32, float16, bfloat16, float64
  /// A type that is listed but not loaded: its name in the file, and its bytes an element where known.
  case other(String, width: Int?)

  /// Bytes an element.
  var width: Int? {
    switch self {
    case .float32: 4
    case .float16, .bfloat16: 2
    case .float64: 8
    case .other(_, let width): width
    }
  }

  var name: String {
    switch self {
    case .float32: "F32"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float64: "F64"
    case .other(let name, _): name
    }
  }

  /// Whether tensors of this type can be read.
  package var isLoadable: Bool { if case .other = self { false } else { true } }
}

/// A tensor of a checkpoint, as its file describes it.
package struct TensorEntry: Sendable, Equatable {
  /// The name in the file, unchanged.
  package var name: String
  /// How its elements are stored.
  package var type: ElementType
  /// Extents, outermost first; empty for a single number.
  package var shape: [Int]
  /// Whether it has more elements than its file: a stride of 0 shows the same ones again and again.
  package var repeats = false

  /// The memory that a tensor takes up has to do with the size of its file.
  /// - Throws: `ModelFileError.unsupported`.
  func refuseRepeats(_ path: String) throws {
    guard repeats else { return }
    throw ModelFileError.unsupported(
      path: path, what: "tensor \(name.prefix(120)) of shape \(shape)", found: "a repetition of fewer elements",
      supported: "tensors as they are; call .contiguous() on it before it is saved")
  }
}

/// A checkpoint file (or several that belong together), opened and checked.
package protocol TensorSource: AnyObject {
  /// The file or index, for messages.
  var path: String { get }
  /// All tensors, in the order of the file.
  var entries: [TensorEntry] { get }
  /// Reads entry `index` as float32, row-major; `destination` has room for the product of its shape.
  func read(_ index: Int, into destination: UnsafeMutablePointer<Float>) throws
  /// Reads entry `index` of whole numbers (I64), row-major.
  func read(_ index: Int, integers destination: UnsafeMutablePointer<Int64>) throws
}

extension TensorSource {
  /// Only some formats hold whole numbers that are read.
  /// - Throws: `ModelFileError.tensorType`
  package func read(_ index: Int, integers destination: UnsafeMutablePointer<Int64>) throws {
    throw ModelFileError.tensorType(path: path, name: entries[index].name, found: entries[index].type.name)
  }

  /// The index of a tensor by its name in the file.
  package func index(of name: String) -> Int? { entries.firstIndex { $0.name == name } }
}

/// The number of elements of a shape, or nil on overflow or a negative extent.
func elementCount(_ shape: [Int]) -> Int? {
  var count = 1
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    if overflow || extent < 0 { return nil }
    count = product
  }
  return count
}

/// Turns little-endian elements into float32, those of float64 rounded to the nearest. `source` may be unaligned, and
/// may not overlap `destination`.
func widen(
  _ source: UnsafeRawPointer, as type: ElementType, count: Int, into destination: UnsafeMutablePointer<Float>
) {
  switch type {
  case .float32:
    UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: count * 4)
  case .float16:
    for i in 0..<count {
      destination[i] = Float(Float16(bitPattern: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
    }
  case .bfloat16:
    for i in 0..<count {
      let bits = source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)
      destination[i] = Float(bitPattern: UInt32(bits) << 16)
    }
  case .float64:
    for i in 0..<count {
      destination[i] = Float(Double(bitPattern: source.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self)))
    }
  case .other:
    preconditionFailure("the caller checks isLoadable")
  }
}
