// Runs that did not finish, with their reasons, and the way to a run's folder. Called by ReportPage and ScoresSection.

import Foundation

/// Failed, dropped and unfinished runs.
struct RunsSection {
  let results: ComparisonResults

  /// Empty where every run finished.
  var html: String {
    let runs = results.runs.filter { $0.outcome != .finished }
    guard !runs.isEmpty else { return "" }
    let columns: [PageColumn] = [
      .text("Strategy"), .number("Seed"), .text("Outcome"), .number("Step"), .text("Reason"), .text("Folder"),
    ]
    let rows = runs.map { run in
      let step: Int? = if case .dropped(let step, _) = run.outcome { step } else { run.curve.last?.step }
      return PageText.row(
        PageText.label(results.strategies[run.strategy].label),
        [
          "\(run.seed)", RunOutcomes.name(run.outcome), step.map(String.init) ?? "\u{2013}",
          "<span class=\"reason\">\(escaped(RunOutcomes.reason(run.outcome) ?? ""))</span>", Self.link(run.folder),
        ], columns)
    }
    return PageText.section(
      "Runs that did not finish", id: "unfinished", PageText.table(columns, rows, class: "stack wide"))
  }

  /// The folder of a run, with a link that holds wherever the output folder goes, since the report lies in it, too.
  static func link(_ folder: String) -> String {
    let parts = folder.split(separator: "/")
    guard let name = parts.last, parts.dropLast().last == "runs",
      let address = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["-", ".", "_", "="]))
    else { return "<code>\(escaped(folder))</code>" }
    return "<a href=\"runs/\(escaped(address))/\"><code>\(PageText.label(String(name)))</code></a>"
  }
}
