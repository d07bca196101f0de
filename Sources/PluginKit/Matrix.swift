// Views over the host's float32 memory, and the few vector operations plugins are made of.

public import PluginAPI

/// A row-major float32 matrix of the host's: `rows` vectors of `columns` numbers. A view, valid during the call.
public struct Matrix {
  /// The first number of the first row.
  public let pointer: UnsafeMutablePointer<Float>
  /// The number of vectors.
  public let rows: Int
  /// The width of a vector.
  public let columns: Int
  /// The distance between the starts of two rows, in numbers; at least `columns`.
  public let rowStride: Int
  /// How many vectors each row of a batch has, and the distance between the starts of two rows': of `[n, s, d]`.
  private let slab: (rows: Int, stride: Int)

  /// The view of a tensor. Leading axes are folded into rows: `[n, s, d]` becomes `[n * s, d]`. Where its rows are
  /// padded, `s` has to be 1; `vectors(of:)` and `Candidates.vectors(_:of:)` give the vectors of one row.
  public init(_ tensor: UnsafePointer<DLTensor>) {
    let axes = Int(tensor.pointee.ndim)
    var folded = 1
    for axis in 0..<max(axes - 1, 0) { folded *= Int(tensor.pointee.shape[axis]) }
    rows = folded
    columns = axes > 0 ? Int(tensor.pointee.shape[axes - 1]) : 1
    // One vector a row: what lies between two of them is what lies between rows.
    let isSingle = axes > 2 && folded == Int(tensor.pointee.shape[0])
    rowStride = axes > 1 ? Int(tensor.pointee.strides[isSingle ? 0 : axes - 2]) : columns
    pointer =
      tensor.pointee.data?.assumingMemoryBound(to: Float.self)
      ?? UnsafeMutablePointer(bitPattern: MemoryLayout<Float>.alignment).unsafelyUnwrapped
    slab = axes > 2 ? (rows / max(Int(tensor.pointee.shape[0]), 1), Int(tensor.pointee.strides[0])) : (1, rowStride)
  }

  /// Memory of the caller's, rows one behind the other.
  init(_ pointer: UnsafeMutablePointer<Float>, rows: Int, columns: Int) {
    (self.pointer, self.rows, self.columns, rowStride) = (pointer, rows, columns, columns)
    slab = (1, columns)
  }

  /// Calls `body` with this matrix as the header describes tensors; valid during the call.
  func withTensor<Result>(_ body: (UnsafeMutablePointer<DLTensor>) -> Result) -> Result {
    var extents = (Int64(rows), Int64(columns), Int64(rowStride), Int64(1))
    return withUnsafeMutableBytes(of: &extents) { raw in
      let numbers = raw.bindMemory(to: Int64.self)
      var tensor = DLTensor(
        data: pointer, device: DLDevice(device_type: 1, device_id: 0), ndim: 2,
        dtype: DLDataType(code: 2, bits: 32, lanes: 1), shape: numbers.baseAddress,
        strides: numbers.baseAddress.map { $0 + 2 }, byte_offset: 0)
      return body(&tensor)
    }
  }

  /// Slab `i` of a tensor `[n, s, d]`, as `[s, d]`.
  init(_ tensor: UnsafePointer<DLTensor>, slab i: Int) {
    rows = Int(tensor.pointee.shape[1])
    columns = Int(tensor.pointee.shape[2])
    rowStride = Int(tensor.pointee.strides[1])
    pointer = Matrix(tensor).pointer + i * Int(tensor.pointee.strides[0])
    slab = (1, rowStride)
  }

  private init(_ matrix: Matrix, slab i: Int) {
    (rows, columns, rowStride) = (matrix.slab.rows, matrix.columns, matrix.rowStride)
    pointer = matrix.pointer + i * matrix.slab.stride
    slab = (1, rowStride)
  }

  /// The vectors of row `i` where each row has vectors of its own: `[s, d]` of a folded `[n, s, d]`, such as the
  /// gradient that `sampleBackward` gets of a block `.perRow`.
  public func vectors(of row: Int) -> Matrix { Matrix(self, slab: row) }

  /// Row `i`.
  public subscript(row: Int) -> Vector {
    Vector(pointer: pointer + row * rowStride, count: columns)
  }

  /// The number in row `i`, column `j`.
  public subscript(row: Int, column: Int) -> Float {
    get { pointer[row * rowStride + column] }
    nonmutating set { pointer[row * rowStride + column] = newValue }
  }
}

/// One row of a matrix: `count` numbers of the host's memory.
public struct Vector {
  /// The first number.
  public let pointer: UnsafeMutablePointer<Float>
  /// The width.
  public let count: Int

  /// The number at a position.
  public subscript(position: Int) -> Float {
    get { pointer[position] }
    nonmutating set { pointer[position] = newValue }
  }

  /// Sets every number to `value`.
  public func fill(_ value: Float) {
    pointer.update(repeating: value, count: count)
  }

  /// Overwrites this vector with another of the same width.
  public func set(_ other: Vector) {
    pointer.update(from: other.pointer, count: count)
  }

  /// Adds `factor * other`.
  public func add(_ other: Vector, times factor: Float = 1) {
    for k in 0..<count { pointer[k] += factor * other.pointer[k] }
  }

  /// Overwrites this vector with `share * first + (1 - share) * second`.
  public func setMix(_ first: Vector, _ second: Vector, share: Float) {
    let rest = 1 - share
    for k in 0..<count { pointer[k] = share * first.pointer[k] + rest * second.pointer[k] }
  }

  /// Multiplies every number by `factor`.
  public func scale(by factor: Float) {
    for k in 0..<count { pointer[k] *= factor }
  }

  /// The dot product with another vector of the same width, summed in eight lanes.
  public func dot(_ other: Vector) -> Float {
    var lanes = SIMD8<Float>.zero
    var k = 0
    while k + 8 <= count {
      let a = UnsafeRawPointer(pointer + k).loadUnaligned(as: SIMD8<Float>.self)
      let b = UnsafeRawPointer(other.pointer + k).loadUnaligned(as: SIMD8<Float>.self)
      lanes += a * b
      k += 8
    }
    var sum = lanes.sum()
    while k < count {
      sum += pointer[k] * other.pointer[k]
      k += 1
    }
    return sum
  }
}
