// The top of the report: what was compared, with what, when, and for how long. Called by ReportPage.

import Files
import FoundationEssentials

/// Title and facts.
struct ReportHeader {
  let results: ComparisonResults

  private var labels: [String] { results.strategies.map(\.label) }
  private var flags: JSONObject { results.record["flags"]?.object ?? JSONObject() }

  // MARK: - Title

  /// For the window, plain.
  var title: String {
    let model = self.model.map { " on \($0)" } ?? ""
    return others.map { "\($0) against \(labels.first ?? "")\(model)" } ?? (labels.first ?? "nothing") + model
  }

  /// Names longer than that together make no title.
  private static let mostOfTitle = 60

  /// Those that are compared with the first, as many as make a title; the others are counted. Nil where there are none.
  private var others: String? {
    let names = Array(labels.dropFirst())
    guard let last = names.last else { return nil }
    var (count, length) = (0, 0)
    while count < names.count, count == 0 || length + names[count].count <= Self.mostOfTitle {
      length += names[count].count
      count += 1
    }
    if count < names.count { return names.prefix(count).joined(separator: ", ") + " and \(names.count - count) more" }
    return count == 1 ? last : names.dropLast().joined(separator: ", ") + " and " + last
  }

  var html: String {
    let items = facts.map { "<div><dt>\($0.name)</dt><dd>\(PageText.label($0.text))</dd></div>" }
    return """
      <header>
      <h1>\(PageText.label(title))</h1>
      <dl class="facts">
      \(items.joined(separator: "\n"))
      </dl>
      </header>
      """
  }

  // MARK: - Facts

  private var facts: [(name: String, text: String)] {
    let finished = results.runs.count { $0.outcome == .finished }
    let seeds = results.seeds.map { "\($0)" }.joined(separator: ", ")
    let seconds = results.runs.reduce(0) { $0 + $1.seconds }
    let all: [(String, String?)] = [
      ("Model", model), ("Encoder", encoder), ("Data", data), (results.seeds.count == 1 ? "Seed" : "Seeds", seeds),
      ("Runs", "\(finished) of \(results.runs.count) finished"), ("Made", made),
      ("Training time", seconds > 0 ? ComparisonTable.time(seconds) + " in all" : nil),
      ("mixcse", results.record["mixcse"]?.string),
    ]
    return all.compactMap { name, text in text.map { (name, $0) } }
  }

  private var encoder: String? {
    let encoders = EncoderWords.of(results)
    guard encoders.count < 2 else { return "\(Set(encoders.map(\.text)).count) of them, see the strategies" }
    return encoders.first?.text
  }

  private var model: String? { file("model") }
  private var data: String? { file("train-file") }

  /// The last part of a path; where it varies, how many there are.
  private func file(_ flag: String) -> String? {
    let varied = Set(results.strategies.flatMap(\.values).filter { $0.name == flag }.map(\.text))
    if varied.count > 1 { return "\(varied.count) of them, see the strategies" }
    let path = varied.first ?? flags["--" + flag]?.string
    return path.flatMap { $0.split(separator: "/").last.map(String.init) }
  }

  /// `2026-01-31 12:00 UTC`
  private var made: String? {
    results.record["made"]?.string.map { text in
      let parts = text.split(separator: "T", maxSplits: 1)
      guard parts.count == 2, text.hasSuffix("Z") else { return text }
      return "\(parts[0]) \(parts[1].prefix(5)) UTC"
    }
  }
}
