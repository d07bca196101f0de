// From values to places in a chart, with round numbers for the grid. Used by every chart of the page.

import Files
import Glibc

/// A linear scale.
struct ChartScale {
  let low: Double
  let high: Double
  /// Places of `low` and `high` in the drawing.
  let start: Double
  let end: Double

  /// `values` with a margin of `margin` of their range on both sides; a range that is empty is widened.
  init(_ values: some Sequence<Double>, margin: Double = 0.05, start: Double, end: Double) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values where value.isFinite { (low, high) = (min(low, value), max(high, value)) }
    if low > high { (low, high) = (0, 1) }
    let span = high - low
    // Below this the values are one number and its rounding.
    if span <= abs(high) * 1e-9 {
      let half = max(abs(high) * 0.01, 0.5)
      (low, high) = (low - half, high + half)
    } else {
      (low, high) = (low - span * margin, high + span * margin)
    }
    self.low = low
    self.high = high
    self.start = start
    self.end = end
  }

  func place(_ value: Double) -> Double { start + (value - low) / (high - low) * (end - start) }

  func contains(_ value: Double) -> Bool { value >= low && value <= high }

  /// About `count` multiples of 1, 2 or 5 times a power of ten.
  func ticks(_ count: Int) -> [(value: Double, text: String)] {
    let rough = (high - low) / Double(max(1, count))
    let power = pow(10, floor(log10(rough)))
    let step = ([1, 2, 5].first { $0 * power >= rough } ?? 10) * power
    guard step.isFinite, step > 0 else { return [] }
    let digits = max(0, Int(-floor(log10(step) + 1e-9)))
    var result: [(value: Double, text: String)] = []
    var index = ceil(low / step)
    while index * step <= high, result.count < 50 {
      let value = index * step
      result.append((value, Self.text(value == 0 ? 0 : value, digits)))
      index += 1
    }
    return result
  }

  private static func text(_ value: Double, _ digits: Int) -> String {
    let isExtreme = digits > 6 || abs(value) >= 1e7
    return PageText.minus(String(format: isExtreme ? "%.2g" : "%.\(digits)f", value))
  }
}
