// Walks over every cell of every group once and adds up what a probe tells: probabilities and gradients by block and by
// kind, histograms, the heaviest negatives, equal texts. Made by ContrastiveObjective when details are asked for.

import Glibc
import Host
import Kernels

/// The running sums of a probe.
struct CellProbe {
  private let options: CellProbeOptions
  private let temperature: Double
  private var places: [CandidateKind: Int] = [:]
  private var lastPlace = 0
  private var kinds: [KindReport] = []
  private var cosines: [Double] = []
  private var logits: [Double] = []
  private var duplicates = DuplicateReport()
  private var heaviest: [Found] = []
  private var probabilities: [Double] = []

  /// A cell that may be among the heaviest, with the block that finds its vectors again.
  private struct Found {
    var cell: CellReport
    var weight: Double
    var block: SimilarityBlock
  }

  init(options: CellProbeOptions, temperature: Double) {
    self.options = options
    self.temperature = temperature
  }

  /// Adds one group. `logits` holds the group's logits at the probe's temperature, the group its gradients.
  mutating func add(
    _ group: SimilarityMatrix, logits: Tensor, names: (SimilarityBlock) -> String, to sums: inout [BlockSums]
  ) {
    let kinds = group.blocks.map { kind(of: $0, sampler: names($0)) }
    for row in 0..<group.rows {
      let cells = logits.floats + row * group.stride
      softmax(cells, group.columns)
      for (index, block) in group.blocks.enumerated() {
        for column in 0..<block.count {
          let at = block.start + column
          let gradient = Double(group.gradient.floats[row * group.stride + at])
          let cell = Cell(
            block: block, row: row, column: column, isPositive: index == 0 && column == row, logit: Double(cells[at]),
            probability: probabilities[at], gradient: gradient)
          if cell.isPositive {
            sums[index].positiveSoftmax += cell.probability
            sums[index].positiveGradient += abs(gradient)
          } else {
            sums[index].softmax += cell.probability
            sums[index].gradient += abs(gradient)
          }
          add(cell, kinds[index])
        }
      }
    }
  }

  /// What was found. `rows` is the number of softmax rows, `views` those of the batch.
  func report(rows: Int, views: BatchEmbeddings) -> CellProbeReport {
    let total = kinds.reduce(0) { $0 + $1.gradientShare }
    let parts = (softmax: 1 / Double(rows), gradient: total > 0 ? 1 / total : 0)
    let order: [CandidateKind.Family] = [.positive, .inBatch, .hardNegative, .mixed, .queue, .masked, .excluded]
    let sorted = kinds.indices.sorted { left, right in
      let places = [left, right].map { order.firstIndex(of: kinds[$0].kind.family) ?? 0 }
      return (places[0], left) < (places[1], right)
    }
    var result = CellProbeReport(
      temperature: temperature, kinds: sorted.map { finished(kinds[$0], $0, parts) },
      top: heaviest.map { $0.block.placed($0.cell, views: views) })
    if !options.texts.isEmpty {
      result.duplicates = DuplicateReport(
        count: duplicates.count, softmaxShare: duplicates.softmaxShare * parts.softmax,
        gradientShare: duplicates.gradientShare * parts.gradient)
    }
    return result
  }

  private func finished(_ kind: KindReport, _ index: Int, _ parts: (softmax: Double, gradient: Double)) -> KindReport {
    var kind = kind
    kind.meanCosine = cosines[index] / Double(kind.count)
    kind.meanLogit = logits[index] / Double(kind.count)
    kind.softmaxShare *= parts.softmax
    kind.gradientShare *= parts.gradient
    kind.cosineSoftmax = kind.cosineSoftmax.map { $0 * parts.softmax }
    kind.cosineGradient = kind.cosineGradient.map { $0 * parts.gradient }
    return kind
  }

  // MARK: One cell

  private static let positive = CandidateKind(family: .positive, label: "positive", sampler: "")
  private static let others: [SimilarityBlock.CellState: CandidateKind] = [
    .masked: CandidateKind(family: .masked, label: "masked", sampler: ""),
    .excluded: CandidateKind(family: .excluded, label: "excluded", sampler: ""),
  ]

  private struct Cell {
    var block: SimilarityBlock
    var row, column: Int
    var isPositive: Bool
    var logit, probability, gradient: Double
  }

  private mutating func add(_ cell: Cell, _ blockKind: CandidateKind) {
    let state = cell.block.state(row: cell.row, column: cell.column)
    let kind = cell.isPositive ? Self.positive : state == .compared ? blockKind : Self.others[state] ?? blockKind
    let place = self.place(of: kind)
    let cosine = cell.block.cosine(row: cell.row, column: cell.column)
    let size = abs(cell.gradient)
    cosines[place] += cosine
    logits[place] += cell.logit
    kinds[place].count += 1
    kinds[place].softmaxShare += cell.probability
    kinds[place].gradientShare += size
    let bin = Hardness.bin(cosine, Hardness.cosineEdges)
    kinds[place].cosineCounts[bin] += 1
    kinds[place].cosineSoftmax[bin] += cell.probability
    kinds[place].cosineGradient[bin] += size
    kinds[place].probabilityCounts[Hardness.bin(cell.probability, Hardness.probabilityEdges)] += 1
    guard !cell.isPositive else { return }
    let isDuplicate = state == .compared && self.isDuplicate(cell)
    if isDuplicate {
      duplicates.count += 1
      duplicates.softmaxShare += cell.probability
      duplicates.gradientShare += size
    }
    keep(cell, kind, cosine, isDuplicate)
  }

  private mutating func keep(_ cell: Cell, _ kind: CandidateKind, _ cosine: Double, _ isDuplicate: Bool) {
    let weight = options.order == .softmax ? cell.probability : abs(cell.gradient)
    guard weight > 0, heaviest.count < options.top || weight > heaviest.last?.weight ?? .infinity else { return }
    let report = CellReport(
      kind: kind, block: cell.block.planned.label, row: cell.row, column: cell.column,
      rows: cell.block.planned.rows, columns: cell.block.planned.columns, cosine: cosine, logit: cell.logit,
      probability: cell.probability, gradient: cell.gradient, isDuplicate: isDuplicate)
    let place = heaviest.firstIndex { $0.weight < weight } ?? heaviest.count
    heaviest.insert(Found(cell: report, weight: weight, block: cell.block), at: place)
    if heaviest.count > options.top { heaviest.removeLast() }
  }

  /// Whether the column's text is one that belongs beside the row's anchor.
  private func isDuplicate(_ cell: Cell) -> Bool {
    let block = cell.block.planned
    guard case .view(0...1) = block.rows, case .view(let view) = block.columns, options.texts.count > max(view, 1)
    else { return false }
    let column = block.isPrivate ? cell.row : cell.column
    if view < 2, column == cell.row { return false }
    let text = options.texts[view][column]
    let anchor = options.texts[0][cell.row]
    return text == anchor || text == options.texts[1][cell.row] || (view < 2 && options.texts[0][column] == anchor)
  }

  // MARK: Kinds and probabilities

  private mutating func place(of kind: CandidateKind) -> Int {
    // Neighbours are mostly of one kind.
    if lastPlace < kinds.count, kinds[lastPlace].kind == kind { return lastPlace }
    if let place = places[kind] {
      lastPlace = place
      return place
    }
    places[kind] = kinds.count
    kinds.append(KindReport(kind: kind))
    cosines.append(0)
    logits.append(0)
    return kinds.count - 1
  }

  private func kind(of block: SimilarityBlock, sampler: String) -> CandidateKind {
    let sides = [block.planned.rows, block.planned.columns]
    let family: CandidateKind.Family
    if sides.contains(where: { if case .state = $0 { true } else { false } }) {
      family = .queue
    } else if sides.contains(where: { if case .new = $0 { true } else { false } }) {
      family = .mixed
    } else {
      family = sides.contains { if case .view(let view) = $0 { view > 1 } else { false } } ? .hardNegative : .inBatch
    }
    return CandidateKind(family: family, label: block.planned.label, sampler: sampler)
  }

  /// Fills `probabilities` in double precision, so that a row adds up to 1 to the last digits.
  private mutating func softmax(_ logits: UnsafeMutablePointer<Float>, _ count: Int) {
    if probabilities.count < count { probabilities = [Double](repeating: 0, count: count) }
    var largest = -Float.infinity
    for index in 0..<count { largest = max(largest, logits[index]) }
    var sum = 0.0
    for index in 0..<count {
      let power = exp(Double(logits[index]) - Double(largest))
      probabilities[index] = power
      sum += power
    }
    for index in 0..<count { probabilities[index] /= sum }
  }
}

extension SimilarityBlock {
  /// The cosine of a cell's two vectors, also where the block compares dot products.
  func cosine(row: Int, column: Int) -> Double {
    let similarity = Double(similarity.floats[row * similarity.rowStride + column])
    guard planned.usesDotProduct else { return similarity }
    let (left, right) = (rows.raw.row(row), columns.raw.row(vectorIndex(row: row, column: column)))
    let lengths = [left, right].map { max(dot($0, $0, rows.raw.columns).squareRoot(), normFloor) }
    return similarity / Double(lengths[0] * lengths[1])
  }

  /// Which vector of `columns` a cell compares with.
  func vectorIndex(row: Int, column: Int) -> Int { planned.isPrivate ? row * fullCount + column : column }

  /// The cell with what its vectors are: rows of the batch, or what of the batch is closest to them.
  func placed(_ cell: CellReport, views: BatchEmbeddings) -> CellReport {
    var cell = cell
    let index = vectorIndex(row: cell.row, column: cell.column)
    if case .view = planned.columns { cell.columnRow = index } else { cell.nearest = columns.nearest(index, in: views) }
    if case .view = planned.rows { return cell }
    cell.rowNearest = rows.nearest(cell.row, in: views)
    return cell
  }
}

extension ComparedVectors {
  /// The embedding of the batch with the largest cosine to vector `index`.
  func nearest(_ index: Int, in views: BatchEmbeddings) -> NearestRow? {
    let vector = raw.row(index)
    let length = max(dot(vector, vector, raw.columns).squareRoot(), normFloor)
    var best: NearestRow?
    for view in 0..<views.count {
      let units = views.u.matrix(view)
      for row in 0..<units.rows {
        let cosine = Double(dot(vector, units.row(row), units.columns) / length)
        if cosine > best?.cosine ?? -.infinity { best = NearestRow(view: view, row: row, cosine: cosine) }
      }
    }
    return best
  }
}
