// What `mixcse probe` prints: the same numbers as JSON and as a table with a column for each strategy.

import Foundation
import Host
import Kernels
import Objective

/// One strategy on one batch. Numbers that are not finite or not reported are null.
struct ProbeReport: Encodable {
  struct Block: Encodable {
    let label: String
    let sampler: String?
    let rows: String
    let columns: String
    let detached: String
    let group: Int
    let count: Int
    let meanLogit: Double?
    let softmaxShare: Double?
    let gradientShare: Double?

    init(_ block: BlockReport) {
      label = block.label
      sampler = block.sampler.isEmpty ? nil : block.sampler
      rows = block.rows
      columns = block.columns
      detached = block.detached
      group = block.group
      count = block.count
      meanLogit = finite(block.meanLogit)
      softmaxShare = finite(block.softmaxShare)
      gradientShare = finite(block.gradientShare)
    }
  }

  let name: String
  let strategy: String
  let loss: Double
  /// Each loss of the sum, before its weight.
  let losses: [String: Double]
  let rows: [Double?]
  let metrics: [String: Double?]
  /// Norm of each row's gradient, by view.
  let gradientNorm: [String: [Double]]
  let positive: Block
  let blocks: [Block]

  init(_ report: StepReport, name: String, strategy: StrategySpec, gradients: [Matrix]) {
    self.name = name
    self.strategy = strategy.text
    loss = report.loss
    losses = Dictionary(report.losses.map { ($0.name, $0.value) }) { first, _ in first }
    rows = report.rowLosses.map(finite)
    metrics = Dictionary(report.metrics.map { ($0.name, finite($0.value)) }) { first, _ in first }
    gradientNorm = Dictionary(
      uniqueKeysWithValues: gradients.enumerated().map { index, gradient in
        ("z\(index + 1)", (0..<gradient.rows).map { Self.norm(gradient, row: $0) })
      })
    positive = Block(report.positive)
    blocks = report.blocks.map(Block.init)
  }

  private static func norm(_ matrix: Matrix, row: Int) -> Double {
    let values = matrix.row(row)
    return (0..<matrix.columns).reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }.squareRoot()
  }
}

/// `value`, or nil where JSON has no word for it.
private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

/// Strategies side by side: a line for each number, blocks of the same label on the same line.
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
    let labels = ["positive"] + ordered { $0.blocks.map(\.label) }
    for (title, value) in Self.quantities {
      for label in labels {
        lines.append(["\(title), \(label)"] + reports.map { number(merged($0, label, value)) })
      }
    }
    add("", keys: ordered { $0.metrics.keys.sorted() }, to: &lines) { $0.metrics[$1] ?? nil }
    return textTable(lines)
  }

  private typealias Quantity = @Sendable (ProbeReport.Block) -> (value: Double?, isMean: Bool)

  private static let quantities: [(String, Quantity)] = [
    ("mean logit", { ($0.meanLogit, true) }), ("softmax share", { ($0.softmaxShare, false) }),
    ("gradient share", { ($0.gradientShare, false) }),
  ]

  /// Blocks of one label together: means by their counts, shares added up.
  private func merged(_ report: ProbeReport, _ label: String, _ quantity: Quantity) -> Double? {
    if label == "positive" { return quantity(report.positive).value }
    let blocks = report.blocks.filter { $0.label == label && quantity($0).value != nil }
    guard !blocks.isEmpty else { return nil }
    let isMean = quantity(blocks[0]).isMean
    let total = blocks.reduce(0.0) { $0 + (quantity($1).value ?? 0) * (isMean ? Double($1.count) : 1) }
    return isMean ? total / Double(blocks.reduce(0) { $0 + $1.count }) : total
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

  private func number(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "-" }
}
