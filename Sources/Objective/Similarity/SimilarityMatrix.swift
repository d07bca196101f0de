// The similarity matrix of one group of rows, its blocks of columns side by side: group 0 is the host's, others are
// declared by samplers. Computes similarities, makes logits of them for a loss, and takes the loss's gradients back.

import CKernels
import Host
import Kernels
import PluginAPI

/// The similarities of one group's rows with all of their candidates, and the gradient at them.
final class SimilarityMatrix {
  let number: Int
  /// The base first; then in the order of declaration.
  let blocks: [SimilarityBlock]
  let similarity: Tensor
  /// The gradient at the similarities, summed over the losses; it may be the matrix that a single loss writes to.
  let gradient: GuardedBuffer
  /// Whether `gradient` holds a gradient of this batch.
  private(set) var hasGradient = false
  /// What `on_logits` gets; filled by `describe`.
  let described: UnsafeMutablePointer<cse_logits>
  let rowLosses: UnsafeMutablePointer<Double>
  /// What a loss knows of the temperature beyond its logits; NaN where it says nothing.
  let temperatureSlope: UnsafeMutablePointer<Double>
  private(set) var rows = 0
  private(set) var columns = 0
  private(set) var stride = 0
  private let targets, blockStart: UnsafeMutablePointer<Int64>
  private let blockPointers: UnsafeMutablePointer<UnsafePointer<cse_block>?>
  private let rowSums: UnsafeMutablePointer<RowSums>
  /// [parts, blocks]: what `sums` adds up.
  let partSums: UnsafeMutablePointer<BlockSums>

  /// What the threads find out of the rows.
  private struct RowSums {
    var slope = 0.0
    var found = 0
  }

  /// - Parameter work: its matrix of logits' gradients becomes that of the similarities, which is right where one loss
  ///   scores one group; nil: a matrix of its own.
  init(number: Int, blocks: [SimilarityBlock], maxRows: Int, gradientOf work: LogitMatrices? = nil) {
    self.number = number
    self.blocks = blocks
    let cells = Self.cells(blocks, rows: maxRows)
    similarity = Tensor(shape: [0, 0], storage: GuardedBuffer(byteCount: cells * 4, label: "sim", .shown))
    gradient =
      work?.dLogits.storage ?? GuardedBuffer(byteCount: cells * 4, label: "gradient of sim", .own)
    rowSums = .allocate(capacity: maxRows)
    rowSums.initialize(repeating: RowSums(), count: maxRows)
    let partCount = Self.parts(of: maxRows) * blocks.count
    partSums = .allocate(capacity: partCount)
    partSums.initialize(repeating: BlockSums(), count: partCount)
    described = .visible(.shown, capacity: 1, repeating: cse_logits())
    rowLosses = .visible(.shared, capacity: maxRows, repeating: .nan)
    temperatureSlope = .visible(.shared, capacity: 1, repeating: .nan)
    targets = .visible(.shown, capacity: maxRows, repeating: 0)
    for row in 0..<maxRows { targets[row] = Int64(row) }
    blockStart = .visible(.shown, capacity: blocks.count + 1, repeating: 0)
    blockPointers = .visible(.shown, capacity: blocks.count, repeating: nil)
    for (index, block) in blocks.enumerated() { blockPointers[index] = UnsafePointer(block.raw) }
    fillDescription()
  }

  deinit {
    described.freeVisible()
    rowLosses.freeVisible()
    temperatureSlope.freeVisible()
    targets.freeVisible()
    blockStart.freeVisible()
    blockPointers.freeVisible()
    rowSums.deallocate()
    partSums.deallocate()
  }

  /// Numbers in a matrix of `rows` rows over all blocks, padding included.
  static func cells(_ blocks: [SimilarityBlock], rows: Int) -> Int {
    rows * alignedStride(blocks.reduce(0) { $0 + $1.columnCount(rows: rows) })
  }

  /// Starts a batch of `rows` rows.
  func begin(rows: Int, _ pool: ThreadPool) {
    for block in blocks { block.begin(rows: rows, pool) }
    resume(rows: rows)
  }

  /// The same where blocks have begun.
  func resume(rows: Int) {
    self.rows = rows
    // The stride allows for every column; what samplers leave unused becomes padding.
    stride = alignedStride(blocks.reduce(0) { $0 + $1.fullCount })
    columns = 0
  }

  /// Computes the similarities of all blocks up to the first whose vectors are not there yet.
  func computeSimilarities(_ pool: ThreadPool, isReady: (SimilarityBlock) -> Bool) {
    var start = 0
    for block in blocks {
      guard isReady(block) else { return }
      if !block.hasSimilarities {
        block.computeSimilarities(pool, into: similarity.floats, stride: stride, start: start, rows: rows)
      }
      start += block.count
    }
    columns = start
  }

  /// Lays out the finished group for the losses.
  func finish() {
    similarity.reshape([rows, columns], rowStride: stride)
    for (index, block) in blocks.enumerated() { blockStart[index] = Int64(block.start) }
    blockStart[blocks.count] = Int64(columns)
    described.pointee.rows = Int64(rows)
    described.pointee.cols = Int64(columns)
    hasGradient = false
  }

  /// Writes the logits at `temperature` into the workspace: gain * sim / temperature + bias.
  func makeLogits(_ pool: ThreadPool, temperature: Double, into work: LogitMatrices) {
    work.reshape(rows: rows, columns: columns, stride: stride)
    let factor = Float(1 / temperature)
    let target = work.logits.floats
    pool.parallelFor(rows, grain: 16) { range, _ in
      for row in range {
        for block in self.blocks { block.writeLogits(row: row, factor: factor, into: target + row * self.stride) }
      }
    }
  }

  /// What a loss wrote, beside the gradient that was taken.
  struct TakenGradients {
    /// The sum of dlogits * (logit - bias), from which the temperature's gradient follows; 0 where nobody learns it.
    var slope = 0.0
    /// Whether all numbers are finite; where not, nothing of their rows was taken.
    var isFinite = true
    /// Whether a gradient went to the similarities directly.
    var usesSimilarities = false
  }

  /// Takes what a loss wrote: gradient += weight * (dlogits * gain / temperature + dsim); excluded cells get nothing.
  /// - Parameter learnsTemperature: whether the slope is wanted.
  func takeGradients(
    _ pool: ThreadPool, weight: Double, temperature: Double, from work: LogitMatrices, learnsTemperature: Bool
  ) -> TakenGradients {
    let factor = Float(weight / temperature)
    let take = ck_cells_take(factor: factor, weight: Float(weight), adds: hasGradient ? 1 : 0)
    let (dLogits, dSimilarity) = (work.dLogits.floats, work.dSimilarity.floats)
    pool.parallelFor(rows, grain: 16) { range, _ in
      for row in range {
        let offset = row * self.stride
        let found = Int(ck_cells_look(Int64(self.columns), dLogits + offset, dSimilarity + offset))
        self.rowSums[row] = RowSums(found: found)
        guard found & (CK_LOGITS_NOT_FINITE | CK_SIM_NOT_FINITE) == 0 else { continue }
        for block in self.blocks {
          if learnsTemperature {
            self.rowSums[row].slope += block.slope(
              row: row, factor: factor, dLogits: dLogits + offset, similarity: self.similarity.floats + offset)
          }
          block.takeGradients(
            row: row, take, dLogits: dLogits + offset,
            dSimilarity: found & CK_SIM_IN_USE != 0 ? UnsafePointer(dSimilarity + offset) : nil,
            into: self.gradient.floats + offset)
        }
      }
    }
    hasGradient = true
    var taken = TakenGradients()
    for row in 0..<rows {
      taken.slope += rowSums[row].slope
      if rowSums[row].found & (CK_LOGITS_NOT_FINITE | CK_SIM_NOT_FINITE) != 0 { taken.isFinite = false }
      if rowSums[row].found & CK_SIM_IN_USE != 0 { taken.usesSimilarities = true }
    }
    return taken
  }

  /// Makes the gradient 0 where no loss gave one, for who looks at single cells.
  func completeGradient() {
    guard !hasGradient else { return }
    gradient.floats.update(repeating: 0, count: rows * stride)
    hasGradient = true
  }

  /// Sends the gradient on to the vectors.
  func propagate(_ pool: ThreadPool) {
    guard hasGradient else { return }
    for block in blocks {
      block.propagate(pool, gradient: gradient.floats + block.start, stride: stride, rows: rows)
    }
  }

  /// Points the description at the workspace; gradients are NULL where none are wanted.
  /// - Parameter batch: as the loss sees it, on a host of `age`.
  func describe(
    _ work: LogitMatrices, batch: ShownBatch, age: HostAge, temperature: Double, wantsGradients: Bool, wantsRows: Bool
  ) {
    described.pointee.struct_size = age.size(of: cse_logits.self)
    described.pointee.batch = UnsafePointer(batch.reading)
    described.pointee.temperature = temperature
    described.pointee.logits = UnsafePointer(work.logits.dl)
    described.pointee.dlogits = wantsGradients ? work.dLogits.dl : nil
    described.pointee.dsim = wantsGradients ? work.dSimilarity.dl : nil
    described.pointee.row_loss = wantsRows ? rowLosses : nil
    described.pointee.dtemperature = wantsGradients ? temperatureSlope : nil
    temperatureSlope.pointee = .nan
    if wantsRows { rowLosses.update(repeating: .nan, count: rows) }
  }

  private func fillDescription() {
    described.pointee.group = UInt32(number)
    described.pointee.n_blocks = UInt32(blocks.count)
    described.pointee.sim = UnsafePointer(similarity.dl)
    described.pointee.target = UnsafePointer(targets)
    described.pointee.block_start = UnsafePointer(blockStart)
    described.pointee.blocks = UnsafePointer(blockPointers)
  }
}
