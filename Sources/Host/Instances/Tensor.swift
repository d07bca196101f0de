// DLTensor wrappers whose addresses stay the same from step to step: the host changes sizes and data, plugins read
// them. Used by PluginInstance (states, weights) and by the objective (views, vectors, logits).

import Glibc
package import Kernels
package import PluginAPI

/// The element types version 1.0 knows.
package enum ElementType: Sendable, Equatable {
  case float32
  case int64

  /// Bytes of one element.
  package var size: Int { self == .float32 ? 4 : 8 }

  var dataType: DLDataType {
    self == .float32 ? DLDataType(code: 2, bits: 32, lanes: 1) : DLDataType(code: 0, bits: 64, lanes: 1)
  }
}

/// A DLTensor with a stable address, its shape and its strides; it may own its memory.
package final class Tensor {
  /// What plugins see. Strides are never NULL and the last one is 1.
  package let dl: UnsafeMutablePointer<DLTensor>
  /// The type of its elements.
  package let element: ElementType
  /// The memory, when it belongs to this tensor.
  package let storage: GuardedBuffer?

  private let extents: UnsafeMutablePointer<Int64>
  private let rank: Int

  /// A tensor of the given shape over `storage`, or over memory that is set later.
  package init(shape: [Int], rowStride: Int? = nil, element: ElementType = .float32, storage: GuardedBuffer? = nil) {
    precondition((1...4).contains(shape.count))
    rank = shape.count
    self.element = element
    self.storage = storage
    extents = .visible(.shown, capacity: 8, repeating: 0)
    dl = .visible(
      .shown, capacity: 1,
      repeating: DLTensor(
        data: storage?.pointer, device: DLDevice(device_type: 1, device_id: 0), ndim: Int32(shape.count),
        dtype: element.dataType, shape: extents, strides: extents + 4, byte_offset: 0))
    reshape(shape, rowStride: rowStride)
  }

  deinit {
    dl.freeVisible()
    extents.freeVisible()
  }

  /// Number of elements along each dimension.
  package var shape: [Int] { (0..<rank).map { Int(extents[$0]) } }
  /// Number of rows: the first dimension.
  package var rows: Int { Int(extents[0]) }
  /// Elements in one row: the product of the other dimensions.
  package var width: Int { (1..<rank).reduce(1) { $0 * Int(extents[$1]) } }
  /// Distance between rows, in elements.
  package var rowStride: Int { Int(extents[4]) }

  /// The data as 32-bit floats; the tensor must have data.
  package var floats: UnsafeMutablePointer<Float> {
    guard let data = dl.pointee.data else { preconditionFailure("a tensor without memory was read") }
    return data.assumingMemoryBound(to: Float.self)
  }

  /// Changes the sizes; inner dimensions are contiguous, rows `rowStride` apart (default: contiguous).
  package func reshape(_ shape: [Int], rowStride: Int? = nil) {
    precondition(shape.count == rank)
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      extents[axis] = Int64(shape[axis])
      extents[4 + axis] = Int64(step)
      step *= shape[axis]
    }
    if let rowStride, rank > 1 { extents[4] = Int64(rowStride) }
  }

  /// Changes the number of rows only.
  package func setRows(_ rows: Int) { extents[0] = Int64(rows) }

  /// Lets the tensor look at other memory.
  package func point(to data: UnsafeMutableRawPointer?) { dl.pointee.data = data }

  /// The tensor as a matrix of `rows` by `width`.
  package var matrix: Matrix { Matrix(floats, rows: rows, columns: width, rowStride: rank > 1 ? rowStride : 1) }

  /// The flat index (row * width + column) of the first value that is NaN or infinite; nil where all are finite.
  package var firstNonFinite: Int? {
    guard element == .float32, rows > 0, width > 0 else { return nil }
    return firstNonFiniteIndex(floats, rows: rows, columns: width, rowStride: rank > 1 ? rowStride : width)
  }

  /// Sets all rows to zero, padding included.
  package func clear() {
    guard rows > 0, width > 0 else { return }
    let span = rank > 1 ? (rows - 1) * rowStride + width : rows
    memset(dl.pointee.data, 0, span * element.size)
  }
}

/// Pointers to tensors, as the header passes them: an array with a stable address; nil entries are NULL.
package final class TensorList {
  /// What plugins see.
  package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<DLTensor>?>
  /// The same array for readers.
  package var reading: UnsafePointer<UnsafePointer<DLTensor>?> {
    UnsafeRawPointer(pointer).assumingMemoryBound(to: UnsafePointer<DLTensor>?.self)
  }
  /// The tensors behind the pointers.
  package private(set) var tensors: [Tensor?]

  /// Pointers to these tensors, which are kept.
  package init(_ tensors: [Tensor?]) {
    self.tensors = tensors
    pointer = .visible(.shown, capacity: max(tensors.count, 1), repeating: nil)
    for (index, tensor) in tensors.enumerated() { pointer[index] = tensor?.dl }
  }

  deinit { pointer.freeVisible() }

  /// Puts a tensor, or NULL, at `index`.
  package func set(_ index: Int, _ tensor: Tensor?) {
    tensors[index] = tensor
    pointer[index] = tensor?.dl
  }
}
