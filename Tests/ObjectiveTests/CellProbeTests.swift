// What a probe says of single cells against a plain double-precision computation that shares no code with it: kinds,
// shares, histograms, the heaviest negatives, equal texts.

import Foundation
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct CellProbeTests {
  /// One cell as the plain computation has it.
  private struct Cell {
    var kind: String
    var row, column: Int
    var cosine: Double
    var gain = 1.0
    var bias = 0.0
    var isPositive = false
    var logit = 0.0
    var probability = 0.0
    var gradient = 0.0
  }

  private func doubles(_ rows: Rows) -> [[Double]] {
    (0..<rows.rows).map { i in (0..<rows.width).map { k in Double(rows[i, k]) } }
  }

  private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    zip(NaiveMixCSE.unit(a), NaiveMixCSE.unit(b)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Softmax over each row and the gradient of InfoNCE: gain (p - [positive]) / (T N).
  private func finish(_ cells: [Cell], rows: Int, temperature: Double) -> [Cell] {
    var cells = cells
    for row in 0..<rows {
      let places = cells.indices.filter { cells[$0].row == row }
      for place in places {
        cells[place].logit = cells[place].gain * cells[place].cosine / temperature + cells[place].bias
      }
      let sum = places.reduce(0) { $0 + exp(cells[$1].logit) }
      for place in places {
        cells[place].probability = exp(cells[place].logit) / sum
        let pull = cells[place].isPositive ? 1.0 : 0
        cells[place].gradient = cells[place].gain * (cells[place].probability - pull) / temperature / Double(rows)
      }
    }
    return cells
  }

  private func check(_ probe: CellProbeReport, _ cells: [Cell], rows: Int) throws {
    #expect(isClose(probe.kinds.reduce(0) { $0 + $1.softmaxShare }, 1, absolute: 1e-12))
    #expect(isClose(probe.kinds.reduce(0) { $0 + $1.gradientShare }, 1, absolute: 1e-12))
    let total = cells.reduce(0) { $0 + abs($1.gradient) }
    #expect(Set(probe.kinds.map(\.kind.label)) == Set(cells.map(\.kind)))
    for kind in probe.kinds {
      let own = cells.filter { $0.kind == kind.kind.label }
      #expect(kind.count == own.count, "\(kind.kind)")
      func expectClose(_ found: Double, _ expected: Double, _ what: String) {
        #expect(
          isClose(found, expected, absolute: 2e-6, relative: 2e-5), "\(what) of \(kind.kind): \(found) \(expected)")
      }
      expectClose(kind.softmaxShare, own.reduce(0) { $0 + $1.probability } / Double(rows), "softmax share")
      expectClose(kind.gradientShare, own.reduce(0) { $0 + abs($1.gradient) } / total, "gradient share")
      expectClose(kind.meanCosine, own.reduce(0) { $0 + $1.cosine } / Double(own.count), "mean cosine")
      if kind.kind.family != .excluded {
        expectClose(kind.meanLogit, own.reduce(0) { $0 + $1.logit } / Double(own.count), "mean logit")
      }
      // A cell that lies on an edge could fall to either side in float32.
      try #require(own.allSatisfy { cell in Hardness.cosineEdges.allSatisfy { abs(cell.cosine - $0) > 1e-6 } })
      for bin in 0..<20 {
        let inside = own.filter { Int(floor(($0.cosine + 1) * 10)) == bin }
        #expect(kind.cosineCounts[bin] == inside.count)
        expectClose(kind.cosineSoftmax[bin], inside.reduce(0) { $0 + $1.probability } / Double(rows), "bin \(bin)")
        expectClose(kind.cosineGradient[bin], inside.reduce(0) { $0 + abs($1.gradient) } / total, "bin \(bin)")
      }
      let decades = own.map { max(0, min(8, Int(floor(log10(max($0.probability, 1e-30)) + 9)))) }
      for bin in 0..<9 { #expect(kind.probabilityCounts[bin] == decades.count { $0 == bin }) }
    }
  }

  /// z1 against z2, z3 and both of MixCSE's mixtures, with hard weights and either kind of mask.
  private func mixCSECells(_ z: [Rows], excludes: Bool) -> [Cell] {
    let views = z.map(doubles)
    let n = views[0].count
    let mixer = NaiveMixCSE(lambda: 0.3)
    let (m, a) = (mixer.mixtures(views[1]), mixer.mixtures(views[0]))
    var cells: [Cell] = []
    for i in 0..<n {
      for j in 0..<n {
        cells.append(
          Cell(
            kind: i == j ? "positive" : "in-batch", row: i, column: j, cosine: cosine(views[0][i], views[1][j]),
            isPositive: i == j))
        cells.append(
          Cell(
            kind: "hard-negative", row: i, column: j, cosine: cosine(views[0][i], views[2][j]), bias: i == j ? 0.5 : 0))
        for (label, value, masked) in [
          ("mixed", cosine(views[0][i], m[j]), (i + n - 1) % n),
          ("mixed-anchor", cosine(a[i], views[1][j]), (i + 1) % n),
        ] {
          var cell = Cell(kind: label, row: i, column: j, cosine: value, bias: i == j ? 0.25 : 0)
          if j == masked { (cell.kind, cell.gain) = (excludes ? "excluded" : "masked", 0) }
          if j == masked, excludes { cell.bias = -.infinity }
          cells.append(cell)
        }
      }
    }
    return cells
  }

  @Test(arguments: [false, true]) func kindsSharesAndHistograms(excludes: Bool) throws {
    let world = try TestWorld()
    let z = makeViews(3, rows: 7, width: 6)
    let settings = "mixcse:lambda=0.3,hard_weight=0.25,mask=\(excludes ? "exclude" : "zero")"
    let objective = try world.objective(
      samplers: [settings], width: 6, rows: 7, views: 3, temperature: 0.2, hardWeight: 0.5)
    let report = try objective.evaluate(z, details: true)
    let probe = try #require(report.probe)
    let cells = finish(mixCSECells(z, excludes: excludes), rows: 7, temperature: 0.2)
    try check(probe, cells, rows: 7)
    #expect(probe.temperature == 0.2 && probe.duplicates == nil && probe.top.isEmpty)
    #expect(probe.kinds.map(\.kind.family).last == (excludes ? .excluded : .masked))
    if excludes { #expect(probe.kinds.last?.softmaxShare == 0) } else { #expect(probe.kinds[5].softmaxShare > 0) }
    // The blocks tell the same, masked cells at their blocks.
    let blocks = report.blocks.compactMap(\.softmaxShare).reduce(0, +) + (report.positive.softmaxShare ?? 0)
    #expect(isClose(blocks, 1, absolute: 1e-12))
  }

  @Test func theHeaviestNegatives() throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: 6, width: 5)
    let objective = try world.objective(samplers: ["mixcse"], width: 5, rows: 6, temperature: 0.3)
    for order in CellProbeOptions.Order.allCases {
      let report = try objective.evaluate(
        z, details: true, probe: CellProbeOptions(top: 200, order: order))
      let top = try #require(report.probe?.top)
      let weights = top.map { order == .softmax ? $0.probability : abs($0.gradient) }
      #expect(weights == weights.sorted(by: >))
      // All negatives that have any weight: 30 in the base, 36 in each block of mixtures; masked ones have no gradient.
      #expect(top.count == (order == .softmax ? 30 + 72 : 30 + 60))
      let few = try objective.evaluate(z, details: true, probe: CellProbeOptions(top: 4, order: order))
      let kept = try #require(few.probe?.top)
      #expect(kept.map(\.probability) == top.prefix(4).map(\.probability))
      let (u1, u2) = (doubles(z[0]), doubles(z[1]))
      #expect(top.filter { $0.block == "mixed-anchor" }.allSatisfy { $0.rowNearest != nil && $0.nearest == nil })
      for cell in top where cell.block == "in-batch" {
        #expect(isClose(cell.cosine, cosine(u1[cell.row], u2[cell.column]), absolute: 1e-6))
        #expect(isClose(cell.logit, cell.cosine / 0.3, absolute: 1e-5) && cell.columnRow == cell.column)
        #expect(isClose(cell.gradient, cell.probability / 0.3 / 6, relative: 1e-5) && cell.nearest == nil)
      }
      for cell in top where cell.block == "mixed" {
        let mixture = NaiveMixCSE(lambda: 0.2).mixtures(u2)[cell.column]
        let all = [u1, u2].enumerated().flatMap { view, rows in
          rows.enumerated().map { (view: view, row: $0, cosine: cosine(mixture, $1)) }
        }
        let best = try #require(all.max { $0.cosine < $1.cosine })
        let near = try #require(cell.nearest)
        #expect(cell.rowNearest == nil && cell.columnRow == nil)
        #expect(near.view == best.view && near.row == best.row && isClose(near.cosine, best.cosine, absolute: 1e-6))
      }
    }
  }

  @Test func queuesPrivateBlocksAndGroups() throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: 5, width: 6)
    for (samplers, families) in [
      (["fifo:size=8"], [CandidateKind.Family.positive, .inBatch, .queue]),
      (["own_mixtures"], [.positive, .inBatch, .mixed]),
      (["ntxent"], [.positive, .inBatch, .inBatch, .inBatch, .inBatch, .excluded]),
    ] {
      let objective = try world.objective(samplers: samplers, width: 6, rows: 5, temperature: 0.2)
      _ = try objective.evaluate(makeViews(2, rows: 5, width: 6, seed: 3))
      try objective.commit()
      let report = try objective.evaluate(z, details: true, probe: CellProbeOptions(top: 3))
      let probe = try #require(report.probe)
      #expect(probe.kinds.map(\.kind.family) == families, "\(samplers)")
      #expect(isClose(probe.kinds.reduce(0) { $0 + $1.softmaxShare }, 1, absolute: 1e-12))
      #expect(isClose(probe.kinds.reduce(0) { $0 + $1.gradientShare }, 1, absolute: 1e-12))
      for kind in probe.kinds {
        #expect(kind.cosineCounts.reduce(0, +) == kind.count && kind.probabilityCounts.reduce(0, +) == kind.count)
        #expect(isClose(kind.cosineSoftmax.reduce(0, +), kind.softmaxShare, absolute: 1e-12))
      }
      if samplers == ["fifo:size=8"] { #expect(probe.kinds[2].count == 25) }
    }
  }

  /// Rows 0 and 3 have one anchor text; the positive of row 4 is the anchor of row 1; hard negative 2 is its own
  /// anchor.
  @Test func negativesOfEqualText() throws {
    let world = try TestWorld()
    let z = makeViews(3, rows: 5, width: 6)
    let objective = try world.objective(width: 6, rows: 5, views: 3, temperature: 0.2)
    let texts = [[0, 1, 2, 0, 4], [10, 11, 12, 13, 1], [20, 21, 2, 23, 24]]
    let report = try objective.evaluate(z, details: true, probe: CellProbeOptions(top: 50, texts: texts))
    let probe = try #require(report.probe)
    let expected: Set<[Int]> = [[0, 3], [3, 0], [1, 4]]
    var found = probe.top.filter { $0.isDuplicate && $0.block == "in-batch" }.map { [$0.row, $0.column] }
    #expect(Set(found) == expected && found.count == 3)
    found = probe.top.filter { $0.isDuplicate && $0.block == "hard-negative" }.map { [$0.row, $0.column] }
    #expect(found == [[2, 2]])
    let duplicates = try #require(probe.duplicates)
    let cells = probe.top.filter(\.isDuplicate)
    let total = probe.top.reduce(0) { $0 + abs($1.gradient) } + abs(positiveGradient(probe))
    #expect(duplicates.count == 4)
    #expect(isClose(duplicates.softmaxShare, cells.reduce(0) { $0 + $1.probability } / 5, relative: 1e-12))
    #expect(isClose(duplicates.gradientShare, cells.reduce(0) { $0 + abs($1.gradient) } / total, relative: 1e-9))
  }

  /// The sum of the positives' |dL/dsim|, from their share and everyone else's.
  private func positiveGradient(_ probe: CellProbeReport) -> Double {
    let share = probe.kinds[0].gradientShare
    return probe.top.reduce(0) { $0 + abs($1.gradient) } * share / (1 - share)
  }

  @Test func withoutGradientsTheSoftmaxIsStillThere() throws {
    let world = try TestWorld()
    let objective = try world.objective(samplers: ["mixcse"], width: 6, rows: 4)
    let report = try objective.evaluate(makeViews(2, rows: 4, width: 6), wantsGradients: false, details: true)
    let probe = try #require(report.probe)
    #expect(isClose(probe.kinds.reduce(0) { $0 + $1.softmaxShare }, 1, absolute: 1e-12))
    #expect(probe.kinds.allSatisfy { $0.gradientShare == 0 })
  }
}
