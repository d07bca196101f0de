// `mixcse probe` in text: a table with a column for each strategy, then for each the heaviest negatives and histograms.

import Files

/// Strategies side by side: a line for each number, kinds of the same label on the same line.
struct ProbeTable {
  private let reports: [ProbeReport]

  init(_ reports: [ProbeReport]) { self.reports = reports }

  var text: String {
    var lines: [[String]] = [[""] + reports.map(\.name)]
    lines.append(["loss"] + reports.map { number($0.loss) })
    add("loss of ", keys: ordered { $0.losses.keys.sorted() }, to: &lines) { $0.losses[$1] }
    for view in ordered({ $0.gradientNorm.keys.sorted() }) {
      lines.append(["gradient norm \(view)"] + reports.map { number($0.gradientNorm[view].map(Self.norm)) })
    }
    let labels = ordered { $0.kinds.map(\.label) }
    for (title, value) in Self.quantities {
      for label in labels where !(label == "excluded" && title != "cells") {
        lines.append(["\(title), \(label)"] + reports.map { number(merged($0, label, value)) })
      }
    }
    if reports.contains(where: { $0.duplicates != nil }) {
      lines.append(["cells, equal texts"] + reports.map { number($0.duplicates.map { Double($0.count) }) })
      lines.append(["softmax share, equal texts"] + reports.map { number($0.duplicates?.softmaxShare) })
      lines.append(["gradient share, equal texts"] + reports.map { number($0.duplicates?.gradientShare) })
    }
    add("", keys: ordered { $0.metrics.keys.sorted() }, to: &lines) { $0.metrics[$1] ?? nil }
    return textTable(lines)
  }

  private typealias Quantity = @Sendable (ProbeReport.Kind) -> (value: Double?, isMean: Bool)

  private static let quantities: [(String, Quantity)] = [
    ("cells", { (Double($0.count), false) }), ("mean cosine", { ($0.meanCosine, true) }),
    ("mean logit", { ($0.meanLogit, true) }), ("softmax share", { ($0.softmaxShare, false) }),
    ("gradient share", { ($0.gradientShare, false) }),
  ]

  /// Kinds of one label together: means by their counts, the rest added up.
  private func merged(_ report: ProbeReport, _ label: String, _ quantity: Quantity) -> Double? {
    let kinds = report.kinds.filter { $0.label == label && quantity($0).value != nil }
    guard !kinds.isEmpty else { return nil }
    let isMean = quantity(kinds[0]).isMean
    let total = kinds.reduce(0.0) { $0 + (quantity($1).value ?? 0) * (isMean ? Double($1.count) : 1) }
    return isMean ? total / Double(kinds.reduce(0) { $0 + $1.count }) : total
  }

  private func add(
    _ prefix: String, keys: [String], to lines: inout [[String]], _ value: (ProbeReport, String) -> Double?
  ) {
    guard keys.count > 1 || prefix.isEmpty else { return }
    for key in keys { lines.append([prefix + key] + reports.map { number(value($0, key)) }) }
  }

  /// All keys of all reports in the order of first appearance.
  private func ordered(_ keys: (ProbeReport) -> [String]) -> [String] {
    var result: [String] = []
    for key in reports.flatMap(keys) where !result.contains(key) { result.append(key) }
    return result
  }

  private static func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

/// What follows the table for one strategy.
struct ProbeSections {
  private let report: ProbeReport

  init(_ report: ProbeReport) { self.report = report }

  var texts: [String] { [heaviest, cosines, probabilities].compactMap { $0 } }

  private var heaviest: String? {
    guard !report.top.isEmpty else { return nil }
    let head = ["row", "column", "kind", "cosine", "logit", "p", "dL/dsim"]
    var lines = [head]
    var notes: [[String]] = [[]]
    for cell in report.top {
      let kind = cell.kind == cell.block ? cell.kind : "\(cell.kind) \(cell.block)"
      lines.append(
        ["\(cell.row)", "\(cell.columns) \(cell.column)", kind]
          + [cell.cosine, cell.logit, cell.probability, cell.gradient].map(number))
      notes.append(words(cell))
    }
    let table = textTable(lines, indent: 2).split(separator: "\n").map(String.init)
    let body = zip(table, notes).flatMap { line, notes in [line] + notes.map { "      " + $0 } }
    return (["the \(report.top.count) heaviest negatives of \(report.name), by \(report.topBy)"] + body)
      .joined(separator: "\n")
  }

  /// The texts of a cell, as far as they are known.
  private func words(_ cell: ProbeReport.Cell) -> [String] {
    var lines: [String] = []
    if let near = cell.rowNearest { lines.append("\(cell.rows) \(cell.row), closest to \(place(near))") }
    if cell.rowNearest == nil, let text = cell.text { lines.append(shortened(text)) }
    if let text = cell.columnText { lines.append(shortened(text)) }
    if let near = cell.nearest { lines.append("\(cell.columns) \(cell.column), closest to \(place(near))") }
    if cell.isDuplicate { lines.append("equal texts: a false negative") }
    return lines
  }

  private func place(_ near: ProbeReport.Cell.Nearest) -> String {
    "\(near.view) \(near.row) (cosine \(number(near.cosine)))" + (near.text.map { ": " + shortened($0) } ?? "")
  }

  private func shortened(_ text: String) -> String { text.count > 100 ? text.prefix(97) + "..." : text }

  private var cosines: String? {
    histogram("cosine", report.histogram?.cosineEdges, { $0.cosine.count }) { String(format: "%4.1f", $0) }
  }

  private var probabilities: String? {
    histogram("probability", report.histogram?.probabilityEdges, { $0.probability.count }) { number($0) }
  }

  /// A line for each bin between the first and the last that hold anything.
  private func histogram(
    _ what: String, _ edges: [Double]?, _ counts: (ProbeReport.Histogram.Kind) -> [Int], _ name: (Double) -> String
  ) -> String? {
    guard let edges, let kinds = report.histogram?.kinds else { return nil }
    let used = (0..<edges.count - 1).filter { bin in kinds.contains { counts($0)[bin] > 0 } }
    guard let first = used.first, let last = used.last else { return nil }
    let lines = (first...last).map { bin in
      ["\(name(edges[bin])) to \(name(edges[bin + 1]))"] + kinds.map { "\(counts($0)[bin])" }
    }
    return "cells of \(report.name) by \(what)\n" + textTable([[""] + kinds.map(\.label)] + lines, indent: 2)
  }
}

/// Six significant digits, or a dash.
private func number(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "-" }
