// How sure the answer is: intervals and p-values of the metric that decides, what limits them, and the same tables for
// the other metrics. Called by ReportPage.

import Training

/// Differences with their intervals.
struct VerdictSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis
  let styles: [SeriesStyle]

  private var labels: [String] { results.strategies.map(\.label) }

  /// Empty without scores or with one strategy.
  var html: String {
    guard let deciding = analysis.deciding, labels.count > 1 else { return "" }
    let reading =
      analysis.isComplete
      ? """
      <p>The bar shows where the true difference to \(PageText.label(labels[0])) may lie. Where it crosses the dotted \
      line, the order may be the other way round.</p>

      """ : ""
    let notes = AnalysisNotes.lines(results, analysis).filter { !isSaid($0, deciding) }.map(escaped)
    let known = notes.isEmpty ? "" : "<h3>To be known first</h3>\n" + PageText.list(notes)
    let limits = VerdictSentences.limits(results, analysis).map(escaped)
    return PageText.section(
      "How sure is that", id: "sure",
      reading + table(deciding) + pairs(deciding) + known + "<h3>What cannot be concluded</h3>\n"
        + PageText.list(limits))
  }

  /// The single sets, folded away; empty where there are none.
  var sets: String {
    let others = analysis.metrics.filter { !$0.decides }
    guard !others.isEmpty else { return "" }
    return PageText.folded("Each set by itself", id: "sets", others.map(table).joined())
  }

  /// What the answer says already.
  private func isSaid(_ note: String, _ deciding: MetricAnalysis) -> Bool {
    note == AnalysisNotes.oneSeed && AnswerSection.isOneSeed(deciding)
  }

  // MARK: - With the first strategy

  private func columns(_ metric: MetricAnalysis) -> [PageColumn] {
    let isCorrected = analysis.family.comparisons > 1
    let over = AnswerSection.isOneSeed(metric) ? ", over pairs only" : ""
    return [
      .text("Strategy"), .number("Mean \u{B1} sd"), .number("Difference"),
      .text((isCorrected ? "Simultaneous 95 % interval" : "95 % interval") + over),
      .number(isCorrected ? "p (Holm)" : "p"), .text("Verdict"),
    ]
  }

  private func table(_ metric: MetricAnalysis) -> String {
    let bar = IntervalBar(metric.comparisons.filter { $0.against == 0 }, styles)
    let columns = labels.count > 1 ? columns(metric) : Array(columns(metric).prefix(2))
    let before = metric.before.map { PageText.row("before training", [fixed($0, 2)], columns, class: "before") }
    let rows = metric.summaries.enumerated().map { index, summary in
      let numbers = metric.comparison(of: index).map { cells($0, bar, metric) } ?? []
      return PageText.row(PageText.label(labels[index]), [Self.score(summary)] + numbers, columns)
    }
    let unit = metric.measure.rawValue.replacing(" x ", with: " \u{D7} ")
    let items = metric.measure == .spearman ? "pairs" : "samples"
    let role =
      metric.decides && analysis.metrics.count > 1
      ? ": the metric that decides" : metric.kind == .dev ? ": \(MatrixSection.devRole)" : ""
    let caption = "\(escaped(metric.metric)) <span class=\"note\">\(metric.pairs) \(items), \(unit)\(role)</span>"
    let notes = metric.leftOut.map { "<p class=\"note\">Left out: \(escaped($0)).</p>\n" }.joined()
    return PageText.table(columns, [before].compactMap(\.self) + rows, class: "verdict stack", caption: caption) + notes
  }

  static func score(_ summary: MetricAnalysis.Summary) -> String {
    guard let mean = summary.mean else { return "\u{2013}" }
    return fixed(mean, 2) + (summary.deviation.map { " \u{B1} " + fixed($0, 2) } ?? "")
  }

  private func cells(_ item: StrategyComparison, _ bar: IntervalBar, _ metric: MetricAnalysis) -> [String] {
    let only =
      item.basis == .pairsOnly && !AnswerSection.isOneSeed(metric) ? " <span class=\"note\">over pairs only</span>" : ""
    return [
      item.mean.map { PageText.minus(VerdictWords.signed($0)) } ?? "\u{2013}",
      "<span class=\"range\">\(Self.interval(item))\(only)</span>\(bar.html(item))",
      Self.probability(item), AnswerSection.badge(item),
    ]
  }

  private static func interval(_ item: StrategyComparison) -> String {
    item.simultaneousInterval.map { PageText.minus(VerdictWords.interval($0)) } ?? "\u{2013}"
  }

  private static func probability(_ item: StrategyComparison) -> String {
    item.correctedPValue.map { escaped(VerdictWords.probability($0)) } ?? "\u{2013}"
  }

  // MARK: - All pairs

  /// More rows than that are folded away.
  private static let mostPairs = 15

  /// Every pair, where all of them are compared.
  private func pairs(_ metric: MetricAnalysis) -> String {
    guard results.isAgainstAll, labels.count > 2 else { return "" }
    let columns = [.text("Pair")] + self.columns(metric).dropFirst(2)
    let rows = metric.comparisons.map { item in
      PageText.row(
        "\(PageText.label(labels[item.strategy])) <span class=\"note\">minus</span> "
          + PageText.label(labels[item.against]),
        [
          item.mean.map { PageText.minus(VerdictWords.signed($0)) } ?? "\u{2013}", Self.interval(item),
          Self.probability(item), AnswerSection.badge(item),
        ], columns)
    }
    return PageText.folded(
      "All \(rows.count) pairs on \(metric.metric)", id: "pairs", isOpen: rows.count <= Self.mostPairs,
      PageText.table(columns, rows, class: "stack wide"))
  }
}
