// What `mixcse probe --json` prints for one strategy, and what its tables are made of.

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

  /// All cells of one kind.
  struct Kind: Encodable {
    let kind: String
    let label: String
    let sampler: String?
    let count: Int
    let meanCosine: Double?
    let meanLogit: Double?
    let softmaxShare: Double?
    let gradientShare: Double?

    init(_ report: KindReport) {
      kind = report.kind.family.rawValue
      label = report.kind.label
      sampler = report.kind.sampler.isEmpty ? nil : report.kind.sampler
      count = report.count
      meanCosine = finite(report.meanCosine)
      meanLogit = finite(report.meanLogit)
      softmaxShare = finite(report.softmaxShare)
      gradientShare = finite(report.gradientShare)
    }
  }

  struct Cell: Encodable {
    struct Nearest: Encodable {
      let view: String
      let row: Int
      let cosine: Double
      let text: String?

      init?(_ nearest: NearestRow?, texts: [[String]]) {
        guard let nearest else { return nil }
        view = "z\(nearest.view + 1)"
        row = nearest.row
        cosine = nearest.cosine
        text = nearest.view < texts.count ? texts[nearest.view][nearest.row] : nil
      }
    }

    let kind: String
    let block: String
    let row: Int
    let column: Int
    let rows: String
    let columns: String
    let cosine: Double?
    let logit: Double?
    let probability: Double?
    let gradient: Double?
    let text: String?
    let columnText: String?
    let nearest: Nearest?
    let rowNearest: Nearest?
    let isDuplicate: Bool

    init(_ cell: CellReport, texts: [[String]]) {
      kind = cell.kind.family.rawValue
      block = cell.block
      row = cell.row
      column = cell.column
      rows = cell.rows.description
      columns = cell.columns.description
      cosine = finite(cell.cosine)
      logit = finite(cell.logit)
      probability = finite(cell.probability)
      gradient = finite(cell.gradient)
      isDuplicate = cell.isDuplicate
      text = texts.first?[cell.row]
      var own: String?
      if case .view(let view) = cell.columns, let row = cell.columnRow, view < texts.count { own = texts[view][row] }
      columnText = own
      nearest = Nearest(cell.nearest, texts: texts)
      rowNearest = Nearest(cell.rowNearest, texts: texts)
    }
  }

  /// Counts and shares by bin, for each kind of the same place in `kinds`.
  struct Histogram: Encodable {
    struct Cosine: Encodable {
      let count: [Int]
      let softmaxShare: [Double]
      let gradientShare: [Double]
    }
    struct Probability: Encodable { let count: [Int] }
    struct Kind: Encodable {
      let kind: String
      let label: String
      let cosine: Cosine
      let probability: Probability
    }

    let cosineEdges = Hardness.cosineEdges
    let probabilityEdges = Hardness.probabilityEdges
    let kinds: [Kind]

    init(_ reports: [KindReport]) {
      kinds = reports.map {
        Kind(
          kind: $0.kind.family.rawValue, label: $0.kind.label,
          cosine: Cosine(count: $0.cosineCounts, softmaxShare: $0.cosineSoftmax, gradientShare: $0.cosineGradient),
          probability: Probability(count: $0.probabilityCounts))
      }
    }
  }

  struct Duplicates: Encodable {
    let count: Int
    let softmaxShare: Double
    let gradientShare: Double
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
  /// What the logits of all shares were divided by.
  let softmaxTemperature: Double?
  let kinds: [Kind]
  let topBy: String
  let top: [Cell]
  let histogram: Histogram?
  /// Negatives that the sentences say are none; nil without sentences.
  let duplicates: Duplicates?

  init(
    _ report: StepReport, name: String, strategy: Strategy, gradients: [Matrix], texts: [[String]],
    order: CellProbeOptions.Order, histogram wantsHistogram: Bool
  ) {
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
    let found = report.probe
    softmaxTemperature = found?.temperature
    kinds = (found?.kinds ?? []).map(Kind.init)
    topBy = order.rawValue
    top = (found?.top ?? []).map { Cell($0, texts: texts) }
    histogram = wantsHistogram ? Histogram(found?.kinds ?? []) : nil
    duplicates = found?.duplicates.map {
      Duplicates(count: $0.count, softmaxShare: $0.softmaxShare, gradientShare: $0.gradientShare)
    }
  }

  private static func norm(_ matrix: Matrix, row: Int) -> Double {
    let values = matrix.row(row)
    return (0..<matrix.columns).reduce(0.0) { $0 + Double(values[$1]) * Double(values[$1]) }.squareRoot()
  }
}
