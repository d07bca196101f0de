// A chart with axes, grid, thin lines for runs and thick ones for means, as inline SVG. Used by the curves' section.

/// The names of all strategies and how their lines look.
struct StrategyLooks {
  let labels: [String]
  let styles: [SeriesStyle]
}

/// Lines over a common pair of axes.
struct LineChart {
  /// Distinct on the page.
  var id: String
  var title: String
  /// What the picture shows, for those who do not see it.
  var summary: String
  var xName: String
  var yName: String
  var series: [CurveSeries]
  /// Of all strategies.
  var looks: StrategyLooks
  /// A value that training began with, as a line across.
  var before: Double?
  /// What a reader should know of the numbers.
  var note = ""
  /// Marks at the first (hollow) and last point of each mean instead of along it: where a path goes.
  var isPath = false

  private static let (width, height) = (460.0, 290.0)
  private static let (left, right, top, bottom) = (56.0, 12.0, 12.0, 42.0)

  /// A figure with its caption.
  var html: String {
    let points = series.flatMap { $0.runs.joined() } + series.flatMap(\.mean)
    let x = ChartScale(
      points.map(\.x), margin: isPath ? 0.06 : 0.02, start: Self.left, end: Self.width - Self.right)
    let (values, isCut) = Self.withoutOutliers(points.map(\.y) + [before].compactMap(\.self))
    let y = ChartScale(values, margin: 0.06, start: Self.height - Self.bottom, end: Self.top)
    let notes = [note, isCut ? "Some points lie outside." : ""].filter { !$0.isEmpty }.joined(separator: " ")
    let note = notes.isEmpty ? "" : " <span class=\"note\">\(escaped(notes))</span>"
    return """
      <figure>
      <figcaption>\(escaped(title))\(note)</figcaption>
      <svg viewBox="0 0 \(decimal(Self.width)) \(decimal(Self.height))" role="img" aria-labelledby="\(id)-t \(id)-d">
      <title id="\(id)-t">\(escaped(title))</title><desc id="\(id)-d">\(escaped(summary))</desc>
      <clipPath id="\(id)-c"><rect x="\(decimal(x.start))" y="\(decimal(y.end))" \
      width="\(decimal(x.end - x.start))" height="\(decimal(y.start - y.end))"/></clipPath>
      \(Self.axes(x, y, xName: xName, yName: yName, x.ticks(6)))
      \(level(x, y))
      <g clip-path="url(#\(id)-c)">\(thin(x, y))</g>
      <g clip-path="url(#\(id)-c)">\(thick(x, y))</g>
      <g clip-path="url(#\(id)-c)">\(hints(x, y))</g>
      </svg>
      </figure>

      """
  }

  /// Grid, names and numbers.
  static func axes(
    _ x: ChartScale, _ y: ChartScale, xName: String, yName: String, _ xTicks: [(value: Double, text: String)]
  ) -> String {
    var parts: [String] = []
    for tick in y.ticks(5) {
      let place = decimal(y.place(tick.value))
      parts.append("<path class=\"grid\" d=\"M\(decimal(x.start)) \(place)H\(decimal(x.end))\"/>")
      parts.append("<text x=\"\(decimal(x.start - 6))\" y=\"\(place)\" dy=\"4\" class=\"end\">\(tick.text)</text>")
    }
    for tick in xTicks {
      let place = decimal(x.place(tick.value))
      parts.append("<path class=\"grid\" d=\"M\(place) \(decimal(y.start))V\(decimal(y.end))\"/>")
      parts.append("<text x=\"\(place)\" y=\"\(decimal(y.start + 16))\" class=\"middle\">\(escaped(tick.text))</text>")
    }
    let middle = (decimal((x.start + x.end) / 2), decimal((y.start + y.end) / 2))
    parts.append("<text x=\"\(middle.0)\" y=\"\(decimal(y.start + 36))\" class=\"middle\">\(escaped(xName))</text>")
    parts.append(
      "<text transform=\"translate(13 \(middle.1)) rotate(-90)\" class=\"middle\">\(escaped(yName))</text>")
    parts.append(
      "<path class=\"axis\" d=\"M\(decimal(x.start)) \(decimal(y.end))V\(decimal(y.start))H\(decimal(x.end))\"/>")
    return parts.joined(separator: "\n")
  }

  /// The line of the value before training.
  private func level(_ x: ChartScale, _ y: ChartScale) -> String {
    guard let before else { return "" }
    let place = y.place(before)
    return """
      <path class="before level" d="M\(decimal(x.start)) \(decimal(place))H\(decimal(x.end))"/>\
      <text x="\(decimal(x.end - 2))" y="\(decimal(place - 4))" class="end">before training</text>
      """
  }

  /// Points of a line that say their numbers while the pointer is over them.
  private static let mostHints = 24

  private func hints(_ x: ChartScale, _ y: ChartScale) -> String {
    series.map { line in
      let points = isPath ? line.main : line.smoothed
      let stride = max(1, (points.count + Self.mostHints - 1) / Self.mostHints)
      let label = looks.labels[line.strategy]
      let spots = points.indices.filter { $0 % stride == 0 || $0 == points.count - 1 }.map { index in
        let point = points[index]
        let text = "\(label), \(xName) \(Self.short(point.x)): \(Self.short(point.y))"
        return "<circle cx=\"\(decimal(x.place(point.x)))\" cy=\"\(decimal(y.place(point.y)))\" r=\"6\">"
          + "<title>\(escaped(text))</title></circle>"
      }
      return "<g class=\"\(looks.styles[line.strategy].colorClass) hints\">\(spots.joined())</g>"
    }.joined(separator: "\n")
  }

  /// A number of a chart as text.
  static func short(_ value: Double) -> String {
    let digits = value == value.rounded() && abs(value) < 1e9 ? 0 : abs(value) < 10 ? 3 : 2
    return decimalText(value, digits)
  }

  private func thin(_ x: ChartScale, _ y: ChartScale) -> String {
    series.flatMap { line in
      line.runs.map { run in
        Self.path(run, x, y, "run", looks.styles[line.strategy], dash: false)
      }
    }.joined(separator: "\n")
  }

  private func thick(_ x: ChartScale, _ y: ChartScale) -> String {
    series.map { line in
      let points = isPath ? line.main : line.smoothed
      guard let first = points.first, let last = points.last else { return "" }
      func mark(_ point: CurveSeries.Point) -> String {
        y.contains(point.y) ? looks.styles[line.strategy].mark(x: x.place(point.x), y: y.place(point.y)) : ""
      }
      var marks: String
      if isPath {
        marks = points.count > 1 ? "<g class=\"hollow\">\(mark(first))</g>" : ""
        marks += mark(last)
      } else {
        // Spread over the line, and shifted from strategy to strategy so that they do not hide each other.
        let stride = max(1, points.count / 5)
        let shift = points.count > 12 ? line.strategy * stride / max(1, series.count) % stride : 0
        marks = points.indices.filter { $0 % stride == shift }.map { mark(points[$0]) }.joined()
      }
      return Self.path(points, x, y, "mean", looks.styles[line.strategy], dash: true) + marks
    }.joined(separator: "\n")
  }

  private static func path(
    _ points: [CurveSeries.Point], _ x: ChartScale, _ y: ChartScale, _ kind: String, _ style: SeriesStyle, dash: Bool
  ) -> String {
    guard points.count > 1 else { return "" }
    let places = points.map { "\(decimal(x.place($0.x))) \(decimal(y.place($0.y)))" }.joined(separator: "L")
    let dashes = dash ? style.dash : ""
    return "<path class=\"\(style.colorClass) \(kind)\" d=\"M\(places)\"\(dashes)/>"
  }

  /// The values a scale is made for: without the outermost hundredth on each side where that would flatten all others.
  private static func withoutOutliers(_ values: [Double]) -> (values: [Double], isCut: Bool) {
    let sorted = values.filter(\.isFinite).sorted()
    guard sorted.count > 200 else { return (sorted, false) }
    let inner = sorted[sorted.count / 100...sorted.count - 1 - sorted.count / 100]
    guard let low = inner.first, let high = inner.last, high > low,
      sorted[sorted.count - 1] - sorted[0] > 4 * (high - low)
    else { return (sorted, false) }
    return (Array(inner), true)
  }
}
