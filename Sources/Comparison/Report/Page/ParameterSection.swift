// The score over the values of a parameter, where strategies are a grid. Called by ReportPage.

import Glibc
import Training

/// A chart for each parameter that varies.
struct ParameterSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis
  let styles: [SeriesStyle]

  /// Empty without a grid or without scores.
  var html: String {
    guard let metric = analysis.deciding else { return "" }
    let charts = ParameterGroup.all(results.strategies).enumerated().compactMap { index, found in
      chart(found.parameter, found.groups, metric, id: "parameter\(index)")
    }
    guard !charts.isEmpty else { return "" }
    let bars = results.seeds.count > 1 ? "; upright bars: the standard deviation over seeds" : ""
    let note = "<p class=\"note\">Strategies that differ in this value only; \(escaped(metric.metric))\(bars).</p>\n"
    return PageText.section(
      "A parameter against the score", id: "parameters", note + "<div class=\"grid\">\n\(charts.joined())</div>\n")
  }

  private static let (width, height) = (460.0, 290.0)
  private static let (left, right, top, bottom) = (56.0, 16.0, 12.0, 42.0)
  /// From this ratio of the largest to the smallest value on, values stand at their logarithms.
  private static let logarithmicFrom = 20.0

  private func chart(_ parameter: String, _ groups: [ParameterGroup], _ metric: MetricAnalysis, id: String) -> String? {
    let scored = groups.compactMap { group -> ParameterGroup? in
      var group = group
      group.points = group.points.filter { metric.summaries[$0.strategy].mean != nil }
      return group.points.count > 1 ? group : nil
    }
    let values = scored.flatMap(\.points).map(\.value)
    guard let low = values.min(), let high = values.max() else { return nil }
    let isLogarithmic = low > 0 && high / low > Self.logarithmicFrom
    let across = { (value: Double) in isLogarithmic ? log10(value) : value }
    let x = ChartScale(values.map(across), start: Self.left, end: Self.width - Self.right)
    let reference = reference(scored, metric)
    let y = ChartScale(
      scored.flatMap(\.points).flatMap { ends(metric.summaries[$0.strategy]) } + [reference?.mean].compactMap(\.self),
      margin: 0.08, start: Self.height - Self.bottom, end: Self.top)
    var ticks: [(value: Double, text: String)] = []
    for point in scored.flatMap(\.points).sorted(by: { $0.value < $1.value }) {
      // As typed, and none over another.
      let isFree = ticks.allSatisfy { abs(x.place($0.value) - x.place(across(point.value))) > 34 }
      if isFree { ticks.append((across(point.value), point.text)) }
    }
    let looks = SeriesStyle.of(scored.map { "\(parameter) \($0.name)" })
    let line = reference.map { self.line(at: $0.mean, label: $0.label, x, y) } ?? ""
    let drawn = zip(scored, looks).map { draw($0, $1, metric, x: { x.place(across($0)) }, y) }
    let legend = scored.count > 1 ? SeriesStyle.legend(scored.map(\.name), looks) : ""
    let title = "\(parameter) against \(metric.metric)"
    return """
      <figure><figcaption>\(PageText.label(parameter))</figcaption>
      <svg viewBox="0 0 \(decimal(Self.width)) \(decimal(Self.height))" role="img" aria-labelledby="\(id)-t \(id)-d">
      <title id="\(id)-t">\(escaped(title))</title><desc id="\(id)-d">\(escaped(summary(scored, metric)))</desc>
      \(LineChart.axes(x, y, xName: parameter + (isLogarithmic ? " (log scale)" : ""), yName: metric.metric, ticks))
      \(line)
      \(drawn.joined(separator: "\n"))
      </svg>
      \(legend)</figure>

      """
  }

  /// The first strategy, where it is no point of the grid: what the grid is compared with.
  private func reference(
    _ groups: [ParameterGroup], _ metric: MetricAnalysis
  ) -> (label: String, mean: Double)? {
    guard let first = results.strategies.first, let mean = metric.summaries.first?.mean,
      !groups.contains(where: { $0.points.contains { $0.strategy == 0 } })
    else { return nil }
    return (first.label, mean)
  }

  private func line(at value: Double, label: String, _ x: ChartScale, _ y: ChartScale) -> String {
    let place = y.place(value)
    return """
      <path class="\(styles[0].colorClass) level" d="M\(decimal(x.start)) \(decimal(place))H\(decimal(x.end))"/>\
      <text x="\(decimal(x.end - 2))" y="\(decimal(place - 4))" class="end">\(escaped(label.shortened(to: 40)))</text>
      """
  }

  private func draw(
    _ group: ParameterGroup, _ style: SeriesStyle, _ metric: MetricAnalysis, x: (Double) -> Double, _ y: ChartScale
  ) -> String {
    var (places, parts) = ([String](), [String]())
    for point in group.points {
      let summary = metric.summaries[point.strategy]
      guard let mean = summary.mean else { continue }
      let (across, up) = (x(point.value), y.place(mean))
      places.append("\(decimal(across)) \(decimal(up))")
      if let deviation = summary.deviation {
        let (low, high) = (y.place(mean - deviation), y.place(mean + deviation))
        parts.append(
          "<path class=\"\(style.colorClass) bar\" d=\"M\(decimal(across)) \(decimal(low))V\(decimal(high))"
            + "M\(decimal(across - 4)) \(decimal(low))h8M\(decimal(across - 4)) \(decimal(high))h8\"/>")
      }
      let hint = "\(results.strategies[point.strategy].label): \(VerdictSection.score(summary))"
      parts.append(style.mark(x: across, y: up, title: hint))
    }
    let path = "<path class=\"\(style.colorClass) mean\" d=\"M\(places.joined(separator: "L"))\"\(style.dash)/>"
    return path + parts.joined()
  }

  private func ends(_ summary: MetricAnalysis.Summary) -> [Double] {
    summary.mean.map { [$0 - (summary.deviation ?? 0), $0 + (summary.deviation ?? 0)] } ?? []
  }

  private func summary(_ groups: [ParameterGroup], _ metric: MetricAnalysis) -> String {
    groups.map { group in
      let points = group.points.map { "\($0.text): \(VerdictSection.score(metric.summaries[$0.strategy]))" }
      return (group.name.isEmpty ? "" : group.name + ", ") + points.joined(separator: "; ")
    }.joined(separator: ". ") + "."
  }
}
