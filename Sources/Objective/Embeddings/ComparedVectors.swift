// One set of vectors that a block compares: a view, a sampler's new vectors, or a state used in place.

import Host
import Kernels
import PluginAPI

/// Vectors with what cosines need of them, and with the place their gradient goes to.
final class ComparedVectors {
  /// The vectors as they are.
  private(set) var raw: Matrix
  /// Unit vectors; nil for states and encodings, whose similarities are scaled by `inverse` instead, so that a big
  /// queue is not copied.
  private(set) var unit: Matrix?
  /// 1 / norm of each vector.
  let inverse: UnsafeMutablePointer<Float>
  /// Where gradients at the vectors and at the unit vectors are added up; nil where nothing may arrive.
  private(set) var dRaw, dUnit: Matrix?
  /// What a plugin sees of new vectors and of their gradient.
  let tensor, gradientTensor: Tensor?
  /// How many new vectors there are with N rows; nil for what is no new vectors.
  let planned: PlannedVectors?
  private let inverseOwner: FloatBuffer?
  private let unitOwner, dUnitOwner: GuardedBuffer?

  /// View `index`.
  init(view index: Int, of views: BatchEmbeddings) {
    raw = views.z.matrix(index)
    inverse = views.inverse.pointer
    (inverseOwner, unitOwner, dUnitOwner, tensor, gradientTensor, planned) = (nil, nil, nil, nil, nil, nil)
    follow(views, index)
  }

  /// A tensor [rows, width] that no gradient reaches: a state, or an encoding, which `follow` looks at again in every
  /// batch; `maxRows`: the most rows it will have.
  init(fixed source: Tensor, maxRows: Int) {
    raw = source.matrix
    let owner = FloatBuffer(count: maxRows)
    inverse = owner.pointer
    inverseOwner = owner
    (unitOwner, dUnitOwner, tensor, gradientTensor, planned) = (nil, nil, nil, nil, nil)
  }

  /// New vectors; `index` is k of CSE_NEW(k).
  init(new planned: PlannedVectors, index: Int, maxRows: Int, width: Int) {
    self.planned = planned
    let most = Self.count(planned, rows: maxRows)
    let stride = Self.stride(planned, width)
    func make(_ label: String, _ visibility: Visibility) -> GuardedBuffer {
      GuardedBuffer(byteCount: most * stride * 4, label: label, visibility)
    }
    let owner = FloatBuffer(count: most)
    inverse = owner.pointer
    inverseOwner = owner
    let values = make("vectors[\(index)]", .shared)
    let unitValues = make("unit vectors", .own)
    unitOwner = unitValues
    raw = Matrix(values.floats, rows: most, columns: width, rowStride: stride)
    unit = Matrix(unitValues.floats, rows: most, columns: width, rowStride: stride)
    tensor = Self.tensor(planned, width: width, storage: values)
    if planned.isLive {
      let gradients = make("dvectors[\(index)]", .shown)
      let unitGradients = make("gradients of unit vectors", .own)
      gradientTensor = Self.tensor(planned, width: width, storage: gradients)
      dUnitOwner = unitGradients
      dRaw = Matrix(gradients.floats, rows: most, columns: width, rowStride: stride)
      dUnit = Matrix(unitGradients.floats, rows: most, columns: width, rowStride: stride)
    } else {
      (gradientTensor, dUnitOwner) = (nil, nil)
    }
  }

  /// Looks at a view again after its rows moved.
  func follow(_ views: BatchEmbeddings, _ index: Int) {
    raw = views.z.matrix(index)
    unit = views.u.matrix(index)
    dRaw = views.dz.matrix(index)
    dUnit = views.du.matrix(index)
  }

  /// Looks at an encoding again after its rows came.
  func follow(_ encoding: Tensor) { raw = encoding.matrix }

  /// Sets the number of new vectors for a batch of `rows`, and clears their gradients.
  func begin(rows: Int) {
    guard let planned else { return }
    let count = Self.count(planned, rows: rows)
    raw.rows = count
    unit?.rows = count
    dRaw?.rows = count
    dUnit?.rows = count
    let tensorRows: Int
    if case .perRow = planned.count { tensorRows = rows } else { tensorRows = count }
    tensor?.setRows(tensorRows)
    gradientTensor?.setRows(tensorRows)
    for gradient in [dRaw, dUnit].compactMap({ $0 }) {
      gradient.pointer.update(repeating: 0, count: count * gradient.rowStride)
    }
  }

  /// Makes unit vectors, or norms, from the vectors as they are now. Views are done by BatchEmbeddings.
  func normalise(_ pool: ThreadPool) {
    if planned != nil, let unit {
      Objective.normalise(pool, raw, into: unit, inverse: inverse)
    } else if unit == nil {
      inverseNorms(pool, raw, into: inverse)
    }
  }

  /// Moves the gradient at the unit vectors of live new vectors on to the vectors.
  func propagate(_ pool: ThreadPool) {
    guard planned != nil, let unit, let dUnit, let dRaw else { return }
    normaliseBackward(pool, unit: unit, dUnit: dUnit, inverse: inverse, dRaw: dRaw)
  }

  private static func count(_ planned: PlannedVectors, rows: Int) -> Int {
    switch planned.count {
    case .shared(let perRow, let fixed): perRow * rows + fixed
    case .perRow(let count): rows * count
    }
  }

  /// Private vectors lie close together: [rows, per_row, width] has one stride per row only.
  private static func stride(_ planned: PlannedVectors, _ width: Int) -> Int {
    if case .perRow = planned.count { return width }
    return alignedStride(width)
  }

  private static func tensor(_ planned: PlannedVectors, width: Int, storage: GuardedBuffer) -> Tensor {
    if case .perRow(let count) = planned.count { return Tensor(shape: [0, count, width], storage: storage) }
    return Tensor(shape: [0, width], rowStride: alignedStride(width), storage: storage)
  }
}
