// What was chosen for each strategy before the comparison (`--tune`). Called by ReportPage.

import Training

/// Tried values, their dev scores, and the best.
struct TuningSection {
  let results: ComparisonResults

  /// Empty where nothing was chosen.
  var html: String {
    guard !results.choices.isEmpty else { return "" }
    var tried: [String] = []
    for name in results.choices.flatMap(\.candidates).map(Self.name) where !tried.contains(name) { tried.append(name) }
    let columns = [PageColumn.text("Strategy")] + tried.map { .number($0) }
    let rows = results.choices.map { choice in
      let cells = tried.map { name -> String in
        guard let place = choice.candidates.firstIndex(where: { Self.name($0) == name }) else { return "\u{2013}" }
        let score = choice.candidates[place].score.map { fixed($0, 2) } ?? "failed"
        return place == choice.best ? "<b>\(score)</b> <span class=\"note\">chosen</span>" : score
      }
      return PageText.row(PageText.label(choice.label), cells, columns)
    }
    let note = """
      <p class="note">Dev score of each value that was tried, with seeds that the comparison does not use; the best one \
      was then compared.</p>

      """
    return PageText.section(
      "What was chosen for each strategy", id: "tuning",
      PageText.scrolling(PageText.table(columns, rows, class: "tuning"), label: "Tried values") + note)
  }

  private static func name(_ candidate: TuningChoice.Candidate) -> String {
    candidate.values.map(\.label).joined(separator: " ")
  }
}
