// One row of logits in double precision: the positive and everything else, scaled so that no power overflows. What the
// losses of this folder are written with.

import Glibc
import PluginKit

/// The logits of one row.
struct RowOfLogits {
  /// The logits as the host gives them.
  let values: Vector
  /// The column of the positive.
  let target: Int
  /// The largest logit, the positive's among them.
  let peak: Double
  /// Columns that are neither the positive nor excluded.
  let negatives: [Int]

  init(_ logits: Logits, _ row: Int) {
    let (values, target) = (logits.values[row], logits.target(row))
    (self.values, self.target) = (values, target)
    negatives = (0..<values.count).filter { $0 != target && values[$0] > -.infinity }
    peak = Double(negatives.reduce(values[target]) { max($0, values[$1]) })
  }

  /// The positive's logit.
  var positive: Double { Double(values[target]) }

  /// `exp(logit - peak)` of a column.
  func power(_ column: Int) -> Double { exp(Double(values[column]) - peak) }
}

extension Logits {
  /// The mean of a loss over the rows, each reported.
  /// - Parameter body: the loss of a row; it adds its gradient times `weight` to what it is given.
  func meanOverRows(_ body: (_ row: Int, _ weight: Double, _ gradient: Vector?) -> Double) -> Double {
    var sum = 0.0
    let weight = 1 / Double(rows)
    for row in 0..<rows {
      let loss = body(row, weight, gradient?[row])
      report(row: row, loss: loss)
      sum += loss
    }
    return sum * weight
  }
}
