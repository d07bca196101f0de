// Runs that did not finish, with their reasons. Called by ReportPage.

/// Failed, dropped and unfinished runs.
struct RunsSection {
  let results: ComparisonResults

  /// Empty where every run finished.
  var html: String {
    let runs = results.runs.filter { $0.outcome != .finished }
    guard !runs.isEmpty else { return "" }
    let names = ["Strategy", "Seed", "Outcome", "Step", "Reason", "Folder"]
    let rows = runs.map { run in
      let step: Int? = if case .dropped(let step, _) = run.outcome { step } else { run.curve.last?.step }
      let contents = [
        "\(run.seed)", RunOutcomes.name(run.outcome), step.map(String.init) ?? "\u{2013}",
        "<span class=\"reason\">\(escaped(RunOutcomes.reason(run.outcome) ?? ""))</span>",
        "<code>\(escaped(run.folder))</code>",
      ]
      let cells = zip(contents, names.dropFirst()).map { PageText.cell($0, name: $1) }
      return "<tr><th scope=\"row\">\(escaped(results.strategies[run.strategy].label))</th>\(cells.joined())</tr>"
    }
    let table = """
      <table class="stack wide">
      \(PageText.header(names))<tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>

      """
    return PageText.section("Runs that did not finish", id: "unfinished", table)
  }
}
