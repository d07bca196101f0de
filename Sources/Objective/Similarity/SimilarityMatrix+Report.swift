// Sums over a group's cells for the step report: mean logits, and with CellProbe shares of the softmax and the
// gradient.

import Host
import Kernels

/// Sums over one block, positives apart from the rest; softmax and gradient are filled by CellProbe.
struct BlockSums {
  var count = 0
  var logits = 0.0
  var softmax = 0.0
  var gradient = 0.0
  var positiveCount = 0
  var positiveLogits = 0.0
  var positiveSoftmax = 0.0
  var positiveGradient = 0.0

  /// Adds the counts and logits of further rows.
  mutating func add(_ other: BlockSums) {
    count += other.count
    logits += other.logits
    positiveCount += other.positiveCount
    positiveLogits += other.positiveLogits
  }
}

extension SimilarityMatrix {
  /// Counts and sums the logits of each block; the workspace holds the group's logits.
  func sums(_ pool: ThreadPool, _ work: LogitMatrices) -> [BlockSums] {
    // Parts of fixed rows, added in order: the same sums for every number of threads.
    pool.parallelFor(rows, grain: Self.rowsPerPart) { range, _ in
      let sums = self.partSums + range.lowerBound / Self.rowsPerPart * self.blocks.count
      sums.update(repeating: BlockSums(), count: self.blocks.count)
      for row in range {
        let logits = work.logits.floats + row * self.stride
        for (index, block) in self.blocks.enumerated() {
          block.addLogits(row: row, isFirst: index == 0, logits: logits, to: &sums[index])
        }
      }
    }
    return blocks.indices.map { index in
      var sum = partSums[index]
      for part in 1..<Self.parts(of: rows) { sum.add(partSums[part * blocks.count + index]) }
      return sum
    }
  }

  /// Parts of a matrix of so many rows that are summed apart.
  static func parts(of rows: Int) -> Int { (rows + rowsPerPart - 1) / rowsPerPart }
  private static let rowsPerPart = 16
}

extension SimilarityBlock {
  /// The block's part of a report; `rows` is the number of rows its softmax shares were summed over.
  func report(_ sums: BlockSums, sampler: String, group: Int, rows: Int, groups: Int, gradientTotal: Double?)
    -> BlockReport
  {
    let detached =
      switch (planned.detachesRows, planned.detachesColumns) {
      case (false, false): "none"
      case (true, false): "rows"
      case (false, true): "columns"
      case (true, true): "both"
      }
    return BlockReport(
      label: planned.label, sampler: sampler, rows: planned.rows.description, columns: planned.columns.description,
      detached: detached, group: group, count: sums.count, meanLogit: sums.logits / Double(sums.count),
      softmaxShare: gradientTotal.map { _ in sums.softmax / Double(rows * groups) },
      gradientShare: gradientTotal.map { $0 > 0 ? sums.gradient / $0 : 0 })
  }
}
