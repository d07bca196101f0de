// What it would take to know more. Called by ReportPage.

import Training

/// Seeds that settle what is open on the metric that decides.
struct SettleSection {
  let results: ComparisonResults
  let analysis: ComparisonAnalysis

  private var labels: [String] { results.strategies.map(\.label) }

  /// Empty without scores or with one strategy.
  var html: String {
    guard let deciding = analysis.deciding, labels.count > 1 else { return "" }
    return PageText.section("What more it would take to settle it", id: "settle", content(deciding))
  }

  private func content(_ metric: MetricAnalysis) -> String {
    guard analysis.isComplete else { return "<p>The runs that are still to come; the same command goes on.</p>\n" }
    let items = metric.comparisons.filter { $0.against == 0 }
    let open = items.filter { ![.better, .worse].contains($0.verdict) }
    if open.isEmpty { return "<p>Nothing: every difference on \(escaped(metric.metric)) is shown.</p>\n" }
    let needed = open.filter { $0.seedsToShow != nil }
    let few = open.filter { $0.seedsToShow == nil }.map { PageText.label(labels[$0.strategy]) }
    let missing =
      few.isEmpty
      ? "" : "<p>At least two seeds in common with \(PageText.label(labels[0])): \(few.joined(separator: ", ")).</p>\n"
    return missing + (needed.isEmpty ? "" : table(needed, metric)) + """
      <p class="note">More seeds: the same command with a longer <code>--seeds</code> uses the finished runs again. \
      Every further look at the verdicts is counted.</p>

      """
  }

  private func table(_ items: [StrategyComparison], _ metric: MetricAnalysis) -> String {
    let columns: [PageColumn] = [
      .text("Not settled"), .number("Seeds, one time in two"), .number("Seeds, four times in five"),
      .number("Ruled out: more than"),
    ]
    let rows = items.map { item in
      let needed = item.seedsToShow
      return PageText.row(
        PageText.label(labels[item.strategy]),
        [
          needed.map { text($0.half, $0) } ?? "\u{2013}", needed.map { text($0.most, $0) } ?? "\u{2013}",
          item.largestDifference.map { fixed($0, 2) } ?? "\u{2013}",
        ], columns)
    }
    let size = VerdictWords.size(results.detect)
    let caption =
      "Seeds to show \(size) <span class=\"note\">how many show a true difference of \(size) on "
      + "\(escaped(metric.metric)), with the spread found so far</span>"
    let never = items.contains { $0.seedsToShow?.most == .never }
    let pairs =
      never
      ? "<p class=\"note\">None: whatever the number of seeds, the sentence pairs leave more open than that; only more "
        + "pairs help.</p>\n" : ""
    return PageText.table(columns, rows, class: "settle stack", caption: caption) + pairs
  }

  private func text(_ answer: SeedsToShow.Answer, _ needed: SeedsToShow) -> String {
    switch answer {
    case .seeds(let count): "\(count)"
    case .tooMany: "more than \(SeedsToShow.most)"
    case .never: "none (\u{B1}\(fixed(needed.staysOpen, 2)) stays open)"
    }
  }
}
