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
  let negatives: NegativeColumns

  init(_ logits: Logits, _ row: Int) {
    let (values, target) = (logits.values[row], logits.target(row))
    (self.values, self.target) = (values, target)
    negatives = NegativeColumns(values: values, target: target)
    peak = Double(values.largest)
  }

  /// The positive's logit.
  var positive: Double { Double(values[target]) }

  /// `exp(logit - peak)` of a column.
  func power(_ column: Int) -> Double { exp(Double(values[column]) - peak) }
}

/// The columns of a row that are neither the positive nor excluded, in their order. No list is made.
struct NegativeColumns: Sequence {
  fileprivate let values: Vector
  fileprivate let target: Int

  func makeIterator() -> Iterator { Iterator(columns: self) }

  /// How many there are.
  var count: Int { reduce(0) { count, _ in count + 1 } }
  /// Whether there is none.
  var isEmpty: Bool { !contains { _ in true } }

  struct Iterator: IteratorProtocol {
    fileprivate let columns: NegativeColumns
    private var place = 0

    fileprivate init(columns: NegativeColumns) { self.columns = columns }

    mutating func next() -> Int? {
      while place < columns.values.count {
        defer { place += 1 }
        if place != columns.target, columns.values[place] > -.infinity { return place }
      }
      return nil
    }
  }
}
