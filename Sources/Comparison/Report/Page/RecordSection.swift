// What is needed to repeat the comparison: the strategies in full, the command, and the record. Called by ReportPage.

import Files

/// Command, strategies and record, folded away.
struct RecordSection {
  let results: ComparisonResults

  var html: String {
    let command = ShellWords.join(results.commandLine)
    return PageText.folded(
      "How to repeat it", id: "record",
      "<pre class=\"command\"><code>\(escaped(command))</code></pre>\n" + strategies + record)
  }

  private var strategies: String {
    let columns: [PageColumn] = [.text("Strategy"), .text("As typed"), .text("What it stands for")]
    let rows = results.strategies.map { strategy in
      PageText.row(
        PageText.label(strategy.label),
        [strategy.text, strategy.canonical].map { "<code>\(PageText.label($0))</code>" }, columns)
    }
    return PageText.table(columns, rows, class: "stack wide", caption: "Strategies")
  }

  /// Each key of the record with a table of its own values below it.
  private var record: String {
    guard !results.record.keys.isEmpty else { return "" }
    var rows: [String] = []
    for key in results.record.keys {
      let value = results.record[key] ?? .null
      let inner = Self.flattened(value, path: "")
      if inner.count == 1, inner[0].path.isEmpty {
        rows.append(Self.row(key, inner[0].text))
      } else {
        rows.append("<tr class=\"group\"><th scope=\"colgroup\" colspan=\"2\">\(escaped(key))</th></tr>")
        rows += inner.map { Self.row($0.path, $0.text) }
      }
    }
    return """
      <table class="record"><caption>Versions, data, machine</caption>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table>

      """
  }

  private static func row(_ name: String, _ text: String) -> String {
    "<tr><th scope=\"row\">\(escaped(name))</th><td><code>\(escaped(text))</code></td></tr>"
  }

  /// Every value with the path that leads to it; lists of plain values stay on one line.
  static func flattened(_ value: JSONValue, path: String) -> [(path: String, text: String)] {
    func inner(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
    switch value {
    case .object(let object) where !object.keys.isEmpty:
      return object.keys.flatMap { flattened(object[$0] ?? .null, path: inner($0)) }
    case .array(let items) where items.contains { $0.object != nil || $0.array != nil }:
      return items.enumerated().flatMap { flattened($1, path: inner("\($0 + 1)")) }
    case .array(let items): return [(path, items.map(plain).joined(separator: ", "))]
    default: return [(path, plain(value))]
    }
  }

  private static func plain(_ value: JSONValue) -> String { value.string ?? value.text(indent: nil) }
}
