// What came of each run and how: final scores, then scores, losses, gradients, logits and the space of embeddings over
// the steps. Called by ReportPage.

/// Scores and curves of all runs.
struct CurvesSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis
  let styles: [SeriesStyle]

  private var looks: StrategyLooks { StrategyLooks(labels: results.strategies.map(\.label), styles: styles) }

  private struct Quantity {
    var name: String
    var title: String
    var yName: String
    var isEvaluation = false
  }

  /// What shows how training went.
  private static let first = [
    Quantity(name: "spearman", title: "Dev Spearman", yName: "Spearman \u{D7} 100", isEvaluation: true),
    Quantity(name: "loss", title: "Training loss", yName: "loss"),
  ]

  /// What explains it.
  private static let further = [
    Quantity(name: "gradNorm", title: "Gradient norm before clipping", yName: "norm"),
    Quantity(name: "positiveLogit", title: "Mean logit of positives", yName: "logit"),
    Quantity(name: "mixedLogit", title: "Mean logit of mixed negatives", yName: "logit"),
    Quantity(name: "otherLogit", title: "Mean logit of other negatives", yName: "logit"),
  ]

  private var legend: String { SeriesStyle.legend(looks.labels, styles) }

  var html: String {
    let curves = Self.first.compactMap(chart) + [space].compactMap(\.self)
    let scores = ScoresSection(results: results, analysis: analysis, styles: styles).figure
    let all = [scores].compactMap(\.self) + curves
    let thick = results.seeds.count > 1 ? "the mean of the runs that finished, smoothed" : "the same smoothed"
    let note =
      curves.isEmpty
      ? "The runs left no curves." : "Thin lines are runs, thick lines \(thick) where there are many steps."
    let grid = all.isEmpty ? "" : "<div class=\"grid\">\n\(all.joined())</div>\n"
    return PageText.section(
      "How the runs went", id: "curves",
      (all.isEmpty ? "" : "<div class=\"key-bar\">\(legend)</div>\n") + "<p class=\"note\">\(note)</p>\n" + grid)
  }

  /// Gradients and logits, folded away; empty without any.
  var folded: String {
    let charts = Self.further.compactMap(chart)
    guard !charts.isEmpty else { return shadows }
    return PageText.folded(
      "Gradients and logits", id: "further-curves", legend + "<div class=\"grid\">\n\(charts.joined())</div>\n")
      + shadows
  }

  private func chart(_ quantity: Quantity) -> String? {
    let series = CurveSeries.collect(quantity.name, isEvaluation: quantity.isEvaluation, in: results)
    guard !series.isEmpty else { return nil }
    let isLoss = quantity.name == "loss" && results.strategies.count > 1
    return LineChart(
      id: "curve-" + quantity.name, title: quantity.title, summary: summary(series, quantity.yName),
      xName: "step", yName: quantity.yName, series: series, looks: looks,
      before: quantity.isEvaluation ? before(series) : nil,
      note: isLoss ? "Strategies have losses of their own: not comparable with each other." : ""
    ).html
  }

  /// The score of the model before training, by the evaluation that every run begins with; nil where strategies begin
  /// with different ones.
  private func before(_ series: [CurveSeries]) -> Double? {
    let starts = series.flatMap(\.runs).map { run in run.first.flatMap { $0.x == 0 ? $0.y : nil } }
    if let first = starts.first ?? nil, starts.allSatisfy({ $0 == first }) { return first }
    return analysis.metrics.first { $0.kind == .dev }?.before
  }

  /// First and last value of each strategy, for readers without the picture.
  private func summary(_ series: [CurveSeries], _ yName: String) -> String {
    let parts = series.compactMap { line -> String? in
      let points = line.main
      guard let first = points.first, let last = points.last else { return nil }
      let name = results.strategies[line.strategy].label
      return "\(name) from \(LineChart.short(first.y)) at step \(LineChart.short(first.x)) "
        + "to \(LineChart.short(last.y)) at step \(LineChart.short(last.x))"
    }
    return "\(yName) over steps. " + parts.joined(separator: "; ") + "."
  }

  // MARK: - Alignment against uniformity

  /// Each strategy's path through the plane.
  ///
  /// Source: Wang and Isola, "Understanding contrastive representation learning through alignment and uniformity on the
  /// hypersphere", 2020; the plane with its training paths as in figure 2 of Gao et al., "SimCSE", 2021.
  private var space: String? {
    let alignments = CurveSeries.collect("alignment", isEvaluation: true, in: results)
    let series = CurveSeries.collect("uniformity", isEvaluation: true, in: results).compactMap { line -> CurveSeries? in
      guard let other = alignments.first(where: { $0.strategy == line.strategy }) else { return nil }
      let path = Self.path(line.main, other.main)
      let runs = line.runs.count == other.runs.count ? zip(line.runs, other.runs).map { Self.path($0, $1) } : []
      return path.isEmpty ? nil : CurveSeries(strategy: line.strategy, runs: runs, mean: path)
    }
    guard !series.isEmpty else { return nil }
    let parts = series.compactMap { line in
      line.mean.last.map {
        "\(results.strategies[line.strategy].label) ends at uniformity \(LineChart.short($0.x)), "
          + "alignment \(LineChart.short($0.y))"
      }
    }
    return LineChart(
      id: "curve-space", title: "Alignment against uniformity (lower is better in both)",
      summary: parts.joined(separator: "; ") + ".", xName: "uniformity", yName: "alignment", series: series,
      looks: looks, isPath: true
    ).html
  }

  /// Points of one step in both curves, the values of the first across and of the second up.
  private static func path(_ x: [CurveSeries.Point], _ y: [CurveSeries.Point]) -> [CurveSeries.Point] {
    let heights = Dictionary(grouping: y, by: \.x).compactMapValues(\.first)
    return x.compactMap { point in heights[point.x].map { CurveSeries.Point(x: point.y, y: $0.y) } }
  }

  // MARK: - Shadows

  /// Folded away: strategies measured on another's batches: `shadow.LABEL.loss` and the like.
  private var shadows: String {
    var names: Set<String> = []
    for run in results.runs {
      for point in run.curve where !point.isEvaluation {
        for name in point.values.keys where name.hasPrefix("shadow.") { names.insert(name) }
      }
    }
    let charts = names.sorted().enumerated().compactMap { index, name -> String? in
      let series = CurveSeries.collect(name, isEvaluation: false, in: results)
      guard !series.isEmpty else { return nil }
      let parts = name.dropFirst("shadow.".count).split(separator: ".")
      let quantity = Self.shadowTitles[String(parts.last ?? "")] ?? String(parts.last ?? "")
      let label = parts.dropLast().joined(separator: ".")
      return LineChart(
        id: "shadow-\(index)", title: "\(label): \(quantity)", summary: summary(series, quantity), xName: "step",
        yName: quantity, series: series, looks: looks
      ).html
    }
    guard !charts.isEmpty else { return "" }
    let note = "Strategies measured on the batches of the strategy being trained, without taking part."
    return PageText.folded(
      "Shadows", id: "shadows",
      "<p class=\"note\">\(note)</p>\n\(legend)<div class=\"grid\">\n\(charts.joined())</div>\n")
  }

  private static let shadowTitles = [
    "loss": "loss", "gradNorm": "gradient norm", "cosine": "cosine with the applied gradient",
  ]
}
