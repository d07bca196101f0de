// Runs that did not finish, with their reasons, and the way to a run's folder. Called by ReportPage and ScoresSection.

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
    guard let name = parts.last, parts.dropLast().last == "runs" else { return "<code>\(escaped(folder))</code>" }
    return "<a href=\"runs/\(address(String(name)))/\"><code>\(PageText.label(String(name)))</code></a>"
  }

  /// A name as a part of an address (RFC 3986): letters, digits and `-._=`, every other byte as `%XX`.
  private static func address(_ name: String) -> String {
    let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._=".utf8)
    return name.utf8.map { byte in
      if plain.contains(byte) { return String(UnicodeScalar(byte)) }
      let digits = String(byte, radix: 16, uppercase: true)
      return "%" + (byte < 16 ? "0" : "") + digits
    }.joined()
  }
}
