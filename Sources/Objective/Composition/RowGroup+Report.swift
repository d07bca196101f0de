// Sums over a group's cells for the step report: mean logits, shares of the softmax and of the gradient.

import Glibc
import Host

/// Sums over one block, positives apart from the rest.
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

extension RowGroup {
  /// Sums logits, and probabilities if wanted, over each block; the workspace holds the group's logits.
  func sums(_ work: LogitWorkspace, wantsSoftmax: Bool) -> [BlockSums] {
    var sums = [BlockSums](repeating: BlockSums(), count: blocks.count)
    for row in 0..<rows {
      let logits = work.logits.floats + row * stride
      let logSum = wantsSoftmax ? logSumOfExponentials(logits, columns) : 0
      for (index, block) in blocks.enumerated() {
        let cells = logits + block.start
        for column in 0..<block.count {
          let isPositive = index == 0 && column == row
          let share = wantsSoftmax ? exp(Double(cells[column]) - logSum) : 0
          if isPositive {
            sums[index].positiveCount += 1
            sums[index].positiveLogits += Double(cells[column])
            sums[index].positiveSoftmax += share
          } else {
            sums[index].softmax += share
            guard block.isCompared(row: row, column: column) else { continue }
            sums[index].count += 1
            sums[index].logits += Double(cells[column])
          }
        }
      }
    }
    return sums
  }

  /// Adds the magnitudes of the gradient at the similarities.
  func addGradients(to sums: inout [BlockSums]) {
    for row in 0..<rows {
      let cells = gradient.floats + row * stride
      for (index, block) in blocks.enumerated() {
        for column in 0..<block.count {
          let size = Double(abs(cells[block.start + column]))
          if index == 0, column == row { sums[index].positiveGradient += size } else { sums[index].gradient += size }
        }
      }
    }
  }

  private func logSumOfExponentials(_ values: UnsafeMutablePointer<Float>, _ count: Int) -> Double {
    var largest = -Float.infinity
    for index in 0..<count { largest = max(largest, values[index]) }
    guard largest > -.infinity else { return 0 }
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(values[index] - largest)) }
    return Double(largest) + log(sum)
  }
}

extension CandidateBlock {
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
