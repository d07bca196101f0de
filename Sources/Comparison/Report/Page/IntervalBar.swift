// An interval as a picture in a table's cell: a line with its estimate and the place of 0. Used by the verdicts'
// section.

/// Intervals of one table on a common scale.
struct IntervalBar {
  private let scale: ChartScale
  private let styles: [SeriesStyle]
  private static let width = 150.0

  /// - Parameters:
  ///   - comparisons: those of one metric.
  ///   - styles: of all strategies.
  init(_ comparisons: [StrategyComparison], _ styles: [SeriesStyle]) {
    self.styles = styles
    let ends = comparisons.flatMap { item in
      [item.simultaneousInterval?.lowerBound, item.simultaneousInterval?.upperBound, item.mean].compactMap(\.self)
    }
    scale = ChartScale(ends + [0], margin: 0.05, start: 4, end: Self.width - 4)
  }

  /// Empty without an interval.
  func html(_ item: StrategyComparison) -> String {
    guard let mean = item.mean, let interval = item.simultaneousInterval else { return "" }
    let style = styles[item.strategy]
    let zero = decimal(scale.place(0))
    let (low, high) = (decimal(scale.place(interval.lowerBound)), decimal(scale.place(interval.upperBound)))
    return """
      <svg class="interval" viewBox="0 0 \(decimal(Self.width)) 18" role="img"><title>\
      \(escaped(VerdictWords.signed(mean))), from \(escaped(VerdictWords.interval(interval)))</title>\
      <path class="zero" d="M\(zero) 0V18"/><path class="\(style.colorClass) mean" \
      d="M\(low) 9H\(high)M\(low) 5V13M\(high) 5V13"/>\
      \(style.mark(x: scale.place(mean), y: 9))</svg>
      """
  }
}
