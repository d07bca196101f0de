// The built plugins in the composition: every variant of MixCSE against the naive implementation, and the consequences
// that objectives.md names.

import Glibc
import Host
import Kernels
import Objective
import TestSupport
import Testing

struct MixCSETests {
  private func doubles(_ rows: Rows) -> [[Double]] {
    (0..<rows.rows).map { i in (0..<rows.width).map { k in Double(rows[i, k]) } }
  }

  @Test(arguments: [1, 2, 3, 6], [0.05, 0.5])
  func everyVariant(rows: Int, temperature: Double) throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: rows, width: 9)
    for variant in 0..<32 {
      var naive = NaiveMixCSE(temperature: temperature, lambda: 0.3, hardWeight: variant & 1 == 0 ? 0 : 1)
      naive.excludes = variant & 2 != 0
      naive.anchorOnly = variant & 4 != 0
      naive.normalizes = variant & 8 != 0
      naive.ownOnly = variant & 16 != 0
      let settings =
        "mixcse:lambda=0.3,hard_weight=\(naive.hardWeight),mask=\(naive.excludes ? "exclude" : "zero"),"
        + "direction=\(naive.anchorOnly ? "anchor" : "both"),normalize=\(naive.normalizes),"
        + "own_mix_only=\(naive.ownOnly)"
      let objective = try world.objective(
        samplers: [settings], width: 9, rows: rows + 2, temperature: temperature)
      let report = try objective.evaluate(z)
      let (z1, z2) = (doubles(z[0]), doubles(z[1]))
      let expected = naive.loss(
        z1, z2, mixedPositives: naive.mixtures(z2), mixedAnchors: naive.mixtures(z1))
      #expect(isClose(report.loss, expected, absolute: 2e-6, relative: 2e-6), "\(settings): \(report.loss) \(expected)")
      let gradients = naive.gradients(z1, z2)
      let largest = (gradients.0 + gradients.1).joined().map(abs).max() ?? 0
      for (view, gradient) in [gradients.0, gradients.1].enumerated() {
        let found = objective.gradient(view)
        for i in 0..<rows {
          for k in 0..<9 {
            let error = abs(Double(found.row(i)[k]) - gradient[i][k])
            #expect(error < 2e-5 * largest + 1e-7, "\(settings) rows \(rows) dz\(view + 1)[\(i), \(k)]: \(error)")
          }
        }
      }
    }
  }

  @Test func gradientsAreOrthogonalToTheirRows() throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: 6, width: 12)
    let objective = try world.objective(samplers: ["mixcse"], width: 12, rows: 6)
    _ = try objective.evaluate(z)
    for view in 0..<2 {
      for i in 0..<6 {
        let gradient = objective.gradient(view).row(i)
        let along = (0..<12).reduce(0.0) { $0 + Double(gradient[$1]) * Double(z[view][i, $1]) }
        let norm = (0..<12).reduce(0.0) { $0 + Double(gradient[$1]) * Double(gradient[$1]) }.squareRoot()
        #expect(abs(along) < 1e-5 * max(norm, 1e-3), "z\(view + 1) row \(i): \(along)")
      }
    }
  }

  /// Real hard negatives, and their weight on the diagonal of their block, as a plain computation.
  @Test(arguments: [0.0, 0.7], [1, 4])
  func hardNegatives(weight: Double, rows: Int) throws {
    let world = try TestWorld()
    let z = makeViews(3, rows: rows, width: 6)
    let objective = try world.objective(
      width: 6, rows: 4, views: 3, temperature: 0.2, hardWeight: weight)
    let report = try objective.evaluate(z)
    let unit = z.map { doubles($0).map(NaiveMixCSE.unit) }
    var expected = 0.0
    for i in 0..<rows {
      func logit(_ view: Int, _ j: Int) -> Double {
        zip(unit[0][i], unit[view][j]).reduce(0) { $0 + $1.0 * $1.1 } / 0.2
      }
      let row = (0..<rows).map { logit(1, $0) } + (0..<rows).map { logit(2, $0) + ($0 == i ? weight : 0) }
      expected += (log(row.reduce(0) { $0 + exp($1) }) - row[i]) / Double(rows)
    }
    #expect(isClose(report.loss, expected, relative: 3e-6))
    #expect(report.blocks.map(\.label) == ["in-batch", "hard-negative"])
  }

  @Test func reportOfMeanLogits() throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: 5, width: 6)
    let objective = try world.objective(samplers: ["mixcse"], width: 6, rows: 5, temperature: 0.5)
    let report = try objective.evaluate(z, details: true)
    let (u1, u2) = (doubles(z[0]).map(NaiveMixCSE.unit), doubles(z[1]).map(NaiveMixCSE.unit))
    func logit(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / 0.5 }
    let positive = (0..<5).reduce(0.0) { $0 + logit(u1[$1], u2[$1]) } / 5
    let all = (0..<5).reduce(0.0) { sum, i in sum + (0..<5).reduce(0.0) { $0 + logit(u1[i], u2[$1]) } }
    #expect(isClose(report.positiveLogit, positive, absolute: 1e-5))
    #expect(isClose(report.otherLogit, (all - 5 * positive) / 20, absolute: 1e-5))
    let mixed = NaiveMixCSE(lambda: 0.2).mixtures(doubles(z[1])).map(NaiveMixCSE.unit)
    let cells = (0..<5).flatMap { i in (0..<5).filter { $0 != (i + 4) % 5 }.map { logit(u1[i], mixed[$0]) } }
    #expect(isClose(report.mixedLogits[0].value, cells.reduce(0, +) / 20, absolute: 1e-5))
    #expect(report.mixedLogits.map(\.label) == ["mixed", "mixed-anchor"])
    let shares = report.blocks.compactMap(\.softmaxShare).reduce(0, +) + (report.positive.softmaxShare ?? 0)
    #expect(isClose(shares, 1, absolute: 1e-6))
    let pulls = report.blocks.compactMap(\.gradientShare).reduce(0, +) + (report.positive.gradientShare ?? 0)
    #expect(isClose(pulls, 1, absolute: 1e-6))
    #expect(isClose(report.rowLosses.reduce(0, +) / 5, report.loss, relative: 1e-6))
  }

  @Test func sameNumbersForEveryThreadCount() throws {
    let z = makeViews(2, rows: 40, width: 24)
    var seen: [[Float]] = []
    for threads in 1...3 {
      let objective = try TestWorld(threads: threads).objective(
        samplers: ["mixcse:neighbour=random", "noise"], width: 24, rows: 40)
      _ = try objective.evaluate(z, position: StepPosition(step: 3))
      seen.append(Rows(copying: objective.gradient(0)).values)
    }
    #expect(seen[0] == seen[1] && seen[0] == seen[2])
  }

  @Test func streamsBelongToInstances() throws {
    let world = try TestWorld()
    let z = makeViews(2, rows: 4, width: 8)
    func first(_ samplers: [String], seed: UInt64 = 42, step: Int64 = 0) throws -> [Double] {
      let objective = try world.objective(samplers: samplers, width: 8, rows: 4, seed: seed)
      let report = try objective.evaluate(z, position: StepPosition(step: step))
      return report.metrics.filter { $0.name.hasSuffix(".first") }.map(\.value)
    }
    let alone = try first(["noise"])
    let two = try first(["mixcse:neighbour=random", "noise", "noise"])
    #expect(two[0] == alone[0], "another sampler changed this one's numbers")
    #expect(two[1] != two[0], "two instances draw the same numbers")
    #expect(try first(["noise"]) == alone)
    #expect(try first(["noise"], seed: 43) != alone)
    #expect(try first(["noise"], step: 1) != alone)
    let one = try world.objective(samplers: ["mapped"], width: 8, rows: 4)
    let both = try world.objective(samplers: ["mapped"], losses: ["xent", "infonce"], width: 8, rows: 4)
    #expect(Array(one.parameters[0].values) == Array(both.parameters[0].values))
  }
}
