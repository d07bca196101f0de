// Strategies by sets: the table of a paper, with the scores before training above it. Made for the terminal, for files
// that go into a document, and for the report.

import Files
import Training

/// Scores and differences of all strategies on all metrics.
package struct ScoreMatrix {
  /// One score.
  struct Cell {
    var score: Double?
    /// Over seeds; nil with fewer than two.
    var deviation: Double?
    /// To the first strategy; nil in its own row.
    var difference: Double?
    /// Whether the difference is shown, by the corrected p-value.
    var isShown = false
  }

  /// A strategy, or what training began with.
  struct Row {
    var label: String
    var cells: [Cell]
    /// Its place among the strategies; nil: before training.
    var strategy: Int?
  }

  let metrics: [MetricAnalysis]
  let rows: [Row]
  private let results: ComparisonResults

  /// The matrix of a comparison; the metric that decides is its first column.
  package init(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) {
    (self.results, metrics) = (results, analysis.metrics)
    let strategies = results.strategies.indices.map { strategy in
      Row(
        label: results.strategies[strategy].label,
        cells: analysis.metrics.map { metric in
          let (summary, item) = (metric.summaries[strategy], metric.comparison(of: strategy))
          return Cell(
            score: summary.mean, deviation: summary.deviation, difference: item?.mean,
            isShown: [.better, .worse].contains(item?.verdict))
        }, strategy: strategy)
    }
    rows = Self.before(results, analysis) + strategies
  }

  /// A row for each distinct model that training began with.
  private static func before(_ results: ComparisonResults, _ analysis: ComparisonAnalysis) -> [Row] {
    var distinct: [(strategy: Int, scores: [Double?])] = []
    for strategy in results.strategies.indices {
      let scores = analysis.metrics.map { $0.summaries[strategy].before }
      guard scores.contains(where: { $0 != nil }), !distinct.contains(where: { $0.scores == scores }) else { continue }
      distinct.append((strategy, scores))
    }
    return distinct.map { strategy, scores in
      let whose = distinct.count > 1 ? " (\(results.strategies[strategy].label))" : ""
      return Row(label: "before training" + whose, cells: scores.map { Cell(score: $0) })
    }
  }

  /// How it is written down.
  package enum Format: String, CaseIterable, Sendable { case text, markdown, latex, csv }

  /// Ends without a line break; `width` is for text.
  package func text(_ format: Format, width: Int = VerdictTable.width) -> String {
    switch format {
    case .text: plain(width: width)
    case .markdown: markdown
    case .latex: latex
    case .csv: csv
    }
  }

  /// What the numbers are, in one sentence.
  var caption: String {
    let measures = Set(metrics.map(\.measure))
    let unit = measures.count == 1 ? (measures.first ?? .spearman).rawValue : "Spearman x 100, accuracy in per cent"
    let seeds = results.seeds.count == 1 ? "one seed" : "mean over \(results.seeds.count) seeds"
    guard results.strategies.count > 1 else { return "\(unit), \(seeds)" }
    return "\(unit), \(seeds); in parentheses the difference to \(results.strategies[0].label)"
  }

  // MARK: - Terminal

  /// Columns side by side, as many as fit; further ones below. `*` marks what is shown.
  private func plain(width: Int) -> String {
    let labels = [""] + rows.map { $0.label.visibleOnOneLine }
    let columns = metrics.indices.map { column in
      [metrics[column].metric.visibleOnOneLine]
        + rows.map { row in
          let cell = row.cells[column]
          let difference = cell.difference.map { " " + VerdictWords.signed($0) + (cell.isShown ? "*" : " ") } ?? ""
          return (cell.score.map { fixed($0, 2) } ?? "-") + difference
        }
    }
    let widths = columns.map { $0.map(\.count).max() ?? 0 }
    // A label never gives way: where it is longer than half the line, the numbers stand below it.
    let longest = labels.map(\.count).max() ?? 0
    let indent = longest > width / 2 ? 2 : longest
    var (blocks, start) = ([String](), 0)
    while start < columns.count {
      var (end, used) = (start, 2 + indent)
      while end < columns.count, end == start || used + 2 + widths[end] <= width {
        used += 2 + widths[end]
        end += 1
      }
      let lines = labels.indices.flatMap { row -> [String] in
        let cells = (start..<end).map { columns[$0][row].padded(to: widths[$0]) }
        let label = labels[row]
        let own =
          label.count > indent ? ["  " + label, "  ".padded(to: 2 + indent)] : ["  " + label.padded(to: indent)]
        return own.dropLast() + [(own[own.count - 1] + "  " + cells.joined(separator: "  ")).withoutTrailingSpaces]
      }
      blocks.append(lines.joined(separator: "\n"))
      start = end
    }
    let star = rows.contains { $0.cells.contains(where: \.isShown) } ? "; * shown by the corrected p" : ""
    let said =
      results.strategies.count > 1
      ? caption.replacing("in parentheses the difference", with: "beside it the difference") : caption
    return (said + star).wrapped(to: width) + blocks.joined(separator: "\n\n")
  }

  // MARK: - Documents

  private var markdown: String {
    let head = "| |" + metrics.map { " \(Self.escapedMarkdown($0.metric)) |" }.joined()
    let rule = "|---|" + String(repeating: "---:|", count: metrics.count)
    let lines = rows.map { row in
      "| \(Self.escapedMarkdown(row.label)) |" + row.cells.map { " \(Self.markdown($0)) |" }.joined()
    }
    return ([head, rule] + lines + ["", caption + "; bold: shown by the corrected p."]).joined(separator: "\n")
  }

  private static func markdown(_ cell: Cell) -> String {
    guard let score = cell.score else { return "\u{2013}" }
    let deviation = cell.deviation.map { " \u{B1} " + fixed($0, 2) } ?? ""
    guard let difference = cell.difference.map({ VerdictWords.signed($0) }) else { return fixed(score, 2) + deviation }
    return fixed(score, 2) + deviation + (cell.isShown ? " (**\(difference)**)" : " (\(difference))")
  }

  private static func escapedMarkdown(_ text: String) -> String {
    text.visibleOnOneLine.reduce(into: "") { $0 += "\\`*_[]<>|".contains($1) ? "\\\($1)" : String($1) }
  }

  /// For the packages booktabs and nothing else.
  private var latex: String {
    let command = ShellWords.join(results.commandLine).visibleOnOneLine
    let head = metrics.map { " & " + Self.escapedLatex($0.metric) }.joined()
    let lines = rows.map { row in
      Self.escapedLatex(row.label) + row.cells.map { " & " + Self.latex($0) }.joined() + " \\\\"
    }
    let before = lines.prefix(rows.count { $0.strategy == nil })
    return
      ([
        "% \(command)", "% \(caption); bold: shown by the corrected p. Needs \\usepackage{booktabs}.",
        "\\begin{tabular}{l" + String(repeating: "r", count: metrics.count) + "}", "\\toprule", head + " \\\\",
        "\\midrule",
      ] + before + (before.isEmpty ? [] : ["\\midrule"]) + lines.dropFirst(before.count) + [
        "\\bottomrule", "\\end{tabular}",
      ]).joined(separator: "\n")
  }

  private static func latex(_ cell: Cell) -> String {
    guard let score = cell.score else { return "--" }
    let deviation = cell.deviation.map { "$_{\\pm\(fixed($0, 2))}$" } ?? ""
    guard let difference = cell.difference.map({ VerdictWords.signed($0) }) else { return fixed(score, 2) + deviation }
    return fixed(score, 2) + deviation + (cell.isShown ? " ($\\mathbf{\(difference)}$)" : " ($\(difference)$)")
  }

  private static func escapedLatex(_ text: String) -> String {
    let special: [Character: String] = [
      "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "<": "\\textless{}",
      ">": "\\textgreater{}", "|": "\\textbar{}",
    ]
    return text.visibleOnOneLine.reduce(into: "") { result, character in
      result += special[character] ?? ("&%$#_{}".contains(character) ? "\\\(character)" : String(character))
    }
  }

  /// A line for each strategy, four columns for each metric.
  private var csv: String {
    let head =
      ["strategy"]
      + metrics.flatMap { metric in
        [metric.metric] + ["deviation", "difference", "shown"].map { "\(metric.metric) \($0)" }
      }
    let lines = rows.map { row in
      [row.label]
        + row.cells.flatMap { cell -> [String] in
          let numbers = [cell.score, cell.deviation, cell.difference].map { $0.map { "\($0)" } ?? "" }
          return numbers + [cell.difference == nil ? "" : cell.isShown ? "1" : "0"]
        }
    }
    return ([head] + lines).map { $0.map(ResultsCSV.field).joined(separator: ",") }.joined(separator: "\r\n")
  }
}
