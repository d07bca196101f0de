// The factors and offsets that samplers set on single cells of a block. Most cells stay as they are, so stretches of
// cells that somebody changed are remembered: only these are read beside the similarities, and made good for the next
// batch.

import CKernels
import Host
import Kernels

/// `logit = gain * similarity / temperature + bias` for the cells of one block.
final class CellEdits {
  /// [rows, columns]: 1 and 0 where nobody changed anything; a bias of -infinity excludes a cell.
  let gain, bias: Tensor
  /// One byte for each stretch of each row: whether a cell differs there.
  private let edited: UnsafeMutablePointer<UInt8>
  private let isRowBad: UnsafeMutablePointer<UInt8>
  private let stretchesPerRow: Int
  /// Whether any stretch is edited; by row.
  private let isRowEdited: UnsafeMutablePointer<UInt8>
  private var rows = 0
  private var columns = 0
  /// Whether `edited` says all: not while a sampler has the matrices.
  private var isReviewed = true
  /// Whether no batch has begun: all is 0 then.
  private var isNew = true

  /// - Parameter label: the block's.
  init(maxRows: Int, maxColumns: Int, label: String) {
    let stride = alignedStride(maxColumns)
    func make(_ name: String) -> Tensor {
      // Offsets are 0 nearly everywhere, and few cells are edited: most of that memory is never written.
      let storage = GuardedBuffer(
        byteCount: maxRows * stride * 4, label: "\(name) of '\(label)'", isSparse: name == "bias")
      return Tensor(shape: [0, 0], rowStride: stride, storage: storage)
    }
    gain = make("gain")
    bias = make("bias")
    stretchesPerRow = (maxColumns + Self.stretch - 1) / Self.stretch
    edited = .allocate(capacity: max(maxRows * stretchesPerRow, 1))
    isRowBad = .allocate(capacity: maxRows)
    isRowEdited = .allocate(capacity: maxRows)
    edited.initialize(repeating: 0, count: maxRows * stretchesPerRow)
    isRowBad.initialize(repeating: 0, count: maxRows)
    isRowEdited.initialize(repeating: 0, count: maxRows)
  }

  deinit {
    edited.deallocate()
    isRowBad.deallocate()
    isRowEdited.deallocate()
  }

  private static let stretch = Int(CK_STRETCH)

  /// Starts a batch without edits.
  func begin(rows: Int, columns: Int, _ pool: ThreadPool) {
    let hasShape = rows == self.rows && columns == self.columns
    let (knowsEdits, wasNew) = (hasShape && isReviewed, isNew)
    (isReviewed, isNew) = (true, false)
    (self.rows, self.columns) = (rows, columns)
    let stride = alignedStride(columns)
    for tensor in [gain, bias] { tensor.reshape([rows, columns], rowStride: stride) }
    let (gains, biases) = (gain.floats, bias.floats)
    pool.parallelFor(rows, grain: 16) { range, _ in
      for row in range {
        if knowsEdits {
          self.forEachStretch(row) { cells, isEdited in
            guard isEdited else { return }
            (gains + row * stride + cells.lowerBound).update(repeating: 1, count: cells.count)
            (biases + row * stride + cells.lowerBound).update(repeating: 0, count: cells.count)
          }
        } else {
          (gains + row * stride).update(repeating: 1, count: stride)
          if !wasNew { (biases + row * stride).update(repeating: 0, count: stride) }
        }
        self.isRowEdited[row] = 0
      }
    }
  }

  /// Adds `value` to the offset of each row's own column, before any sampler.
  func setDiagonal(_ value: Float) {
    for row in 0..<min(rows, columns) {
      bias.floats[row * bias.rowStride + row] = value
      edited(row).update(repeating: 0, count: stretchesPerRow)
      edited(row)[row / Self.stretch] = 1
      isRowEdited[row] = 1
    }
  }

  /// To be called before a sampler gets the matrices; `review` follows, unless the sampler failed.
  func handOut() { isReviewed = false }

  /// Looks at what a sampler left.
  /// - Returns: the first row with a gain that is not finite, or a bias that is NaN or +infinity.
  func review(_ pool: ThreadPool) -> Int? {
    let (gainStride, biasStride) = (gain.rowStride, bias.rowStride)
    let (gains, biases) = (gain.floats, bias.floats)
    pool.parallelFor(rows, grain: 16) { range, _ in
      for row in range {
        let found = self.edited(row)
        self.isRowBad[row] = UInt8(
          ck_cells_review(Int64(self.columns), gains + row * gainStride, biases + row * biasStride, found))
        self.isRowEdited[row] = (0..<self.stretches).contains { found[$0] != 0 } ? 1 : 0
      }
    }
    isReviewed = true
    return (0..<rows).first { isRowBad[$0] != 0 }
  }

  /// The row's cells, as few ranges as tell edited stretches from the others.
  func forEachStretch(_ row: Int, _ body: (_ cells: Range<Int>, _ isEdited: Bool) -> Void) {
    forEachStretch(row, upTo: columns, body)
  }

  /// The same for the first `count` cells.
  func forEachStretch(_ row: Int, upTo count: Int, _ body: (_ cells: Range<Int>, _ isEdited: Bool) -> Void) {
    guard isRowEdited[row] != 0 else { return body(0..<count, false) }
    let flags = edited(row)
    var start = 0
    while start < count {
      let flag = flags[start / Self.stretch]
      var end = start + Self.stretch
      while end < count, flags[end / Self.stretch] == flag { end += Self.stretch }
      body(start..<min(end, count), flag != 0)
      start = end
    }
  }

  private var stretches: Int { (columns + Self.stretch - 1) / Self.stretch }
  private func edited(_ row: Int) -> UnsafeMutablePointer<UInt8> { edited + row * stretchesPerRow }
}
