// What happened during training: scores, losses, gradients, logits, the space of embeddings. Called by ReportPage.

/// Curves of all runs.
struct CurvesSection {
  let results: ComparisonResults

  private struct Quantity {
    var name: String
    var title: String
    var yName: String
    var isEvaluation = false
  }

  private static let quantities = [
    Quantity(name: "spearman", title: "Dev Spearman", yName: "Spearman \u{D7} 100", isEvaluation: true),
    Quantity(name: "loss", title: "Training loss", yName: "loss"),
    Quantity(name: "gradNorm", title: "Gradient norm before clipping", yName: "norm"),
    Quantity(name: "positiveLogit", title: "Mean logit of positives", yName: "logit"),
    Quantity(name: "mixedLogit", title: "Mean logit of mixed negatives", yName: "logit"),
    Quantity(name: "otherLogit", title: "Mean logit of other negatives", yName: "logit"),
  ]

  var html: String {
    let charts = Self.quantities.compactMap(chart)
    let all = charts + [space].compactMap(\.self)
    guard !all.isEmpty else {
      return PageText.section("Curves", id: "curves", "<p>The runs left no curves.</p>\n")
    }
    let legend = SeriesStyle.legend(results.strategies.map(\.label))
    let thick = results.seeds.count > 1 ? "the mean of the runs that finished, smoothed" : "the same smoothed"
    let note = "<p class=\"note\">Thin lines are runs, thick lines \(thick) where there are many steps.</p>\n"
    let content = "<div class=\"key-bar\">\(legend)</div>\n\(note)<div class=\"grid\">\n\(all.joined())</div>\n"
    return PageText.section("Curves", id: "curves", content) + shadows
  }

  private func chart(_ quantity: Quantity) -> String? {
    let series = CurveSeries.collect(quantity.name, isEvaluation: quantity.isEvaluation, in: results)
    guard !series.isEmpty else { return nil }
    return LineChart(
      id: "curve-" + quantity.name, title: quantity.title, summary: summary(series, quantity.yName),
      xName: "step", yName: quantity.yName, series: series
    ).html
  }

  /// First and last value of each strategy, for readers without the picture.
  private func summary(_ series: [CurveSeries], _ yName: String) -> String {
    let parts = series.compactMap { line -> String? in
      let points = line.main
      guard let first = points.first, let last = points.last else { return nil }
      let name = results.strategies[line.strategy].label
      return "\(name) from \(short(first.y)) at step \(short(first.x)) to \(short(last.y)) at step \(short(last.x))"
    }
    return "\(yName) over steps. " + parts.joined(separator: "; ") + "."
  }

  // MARK: - Alignment against uniformity

  /// Each strategy's path through the plane, its runs together.
  ///
  /// Source: Wang and Isola, "Understanding contrastive representation learning through alignment and uniformity on the
  /// hypersphere", 2020; the plane as in figure 3 of Gao et al., "SimCSE", 2021.
  private var space: String? {
    let series = zip(collected("alignment"), collected("uniformity")).compactMap { alignment, uniformity in
      let last = Dictionary(grouping: alignment.1, by: \.x).compactMapValues(\.first)
      let path = uniformity.1.compactMap { point in
        last[point.x].map { CurveSeries.Point(x: point.y, y: $0.y) }
      }
      return path.isEmpty ? nil : CurveSeries(strategy: alignment.0, runs: [], mean: path)
    }
    guard !series.isEmpty else { return nil }
    let parts = series.compactMap { line in
      line.mean.last.map {
        "\(results.strategies[line.strategy].label) ends at uniformity \(short($0.x)), alignment \(short($0.y))"
      }
    }
    return LineChart(
      id: "curve-space", title: "Alignment against uniformity (lower is better in both)",
      summary: parts.joined(separator: "; ") + ".", xName: "uniformity", yName: "alignment", series: series,
      isPath: true
    ).html
  }

  /// The mean curve, or the only run's, by strategy.
  private func collected(_ name: String) -> [(Int, [CurveSeries.Point])] {
    let series = CurveSeries.collect(name, isEvaluation: true, in: results)
    return results.strategies.indices.map { strategy in
      let line = series.first { $0.strategy == strategy }
      return (strategy, line?.main ?? [])
    }
  }

  // MARK: - Shadows

  /// Strategies measured on another's batches: `shadow.LABEL.loss` and the like.
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
        yName: quantity, series: series
      ).html
    }
    guard !charts.isEmpty else { return "" }
    let note = "Strategies measured on the batches of the strategy being trained, without taking part."
    return PageText.section(
      "Shadows", id: "shadows", "<p class=\"note\">\(note)</p>\n<div class=\"grid\">\n\(charts.joined())</div>\n")
  }

  private static let shadowTitles = [
    "loss": "loss", "gradNorm": "gradient norm", "cosine": "cosine with the applied gradient",
  ]

  private func short(_ value: Double) -> String {
    let digits = value == value.rounded() && abs(value) < 1e9 ? 0 : abs(value) < 10 ? 3 : 2
    return decimalText(value, digits)
  }
}
