// Sums over a group's cells for the step report: mean logits, and with CellProbe shares of the softmax and the
// gradient.

import Host

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
}

extension SimilarityMatrix {
  /// Counts and sums the logits of each block; the workspace holds the group's logits.
  func sums(_ work: LogitMatrices) -> [BlockSums] {
    var sums = [BlockSums](repeating: BlockSums(), count: blocks.count)
    for row in 0..<rows {
      let logits = work.logits.floats + row * stride
      for (index, block) in blocks.enumerated() {
        let cells = logits + block.start
        for column in 0..<block.count {
          if index == 0, column == row {
            sums[index].positiveCount += 1
            sums[index].positiveLogits += Double(cells[column])
          } else if block.state(row: row, column: column) == .compared {
            sums[index].count += 1
            sums[index].logits += Double(cells[column])
          }
        }
      }
    }
    return sums
  }
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
