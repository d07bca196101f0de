// Several strategies compared with one: each gets its own p-value, and the smallest of many is small by chance. Called
// by ClaimCorrection.

/// Holm's step-down correction.
///
/// Source: Holm, "A simple sequentially rejective multiple test procedure", 1979.
package enum HolmCorrection {
  /// For each p-value the corrected one, at most 1, and the level its interval must have so that it leaves out 0
  /// exactly where the corrected p-value is below `level`.
  /// - Parameter planned: comparisons that were planned; those without a p-value count as 1. Never fewer than
  ///   `values`; nil: as many.
  package static func apply(
    _ values: [Double], planned: Int? = nil, level: Double = 0.05
  ) -> [(pValue: Double, level: Double)] {
    var result = values.map { (pValue: $0, level: level) }
    let count = max(planned ?? 0, values.count)
    var largest = 0.0
    for (rank, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
      let factor = Double(count - rank)
      largest = max(largest, factor * values[index])
      // Where a smaller p-value was held back, this one is held back with it: its level shrinks to match.
      let held = values[index] > 0 ? largest / values[index] : factor
      result[index] = (min(1, largest), level / max(factor, held))
    }
    return result
  }
}
