// Losses and gradients of the shipped strategies against float64 numbers from an independent statement of each
// (Fixtures/objective/make_strategies_golden.py), in float32; and what needs no numbers to be right.

import Foundation
import Host
import Kernels
import Objective
import TestSupport
import Testing

private struct Golden: Decodable {
  struct Case: Decodable {
    let name: String
    let views: Int
    let samplers, losses: [String]
    let temperature: Double?
    let loss: Double
    let gradients: [[[Double]]]
  }
  let z: [[[Double]]]
  let texts: [Int64]
  /// By row and column.
  let rowTexts: [[String]]
  let scores: [Float]
  let classes: [Int64]
  /// By guide and view; by view.
  let guides: [[[[Double]]]]
  let plain, average: [[[Double]]]
  let cases: [Case]

  /// The vectors of an encoding that was asked for.
  func rows(_ encoding: PlannedEncoding) -> Rows {
    switch encoding.source {
    case .guide(let index): Rows(guides[index][encoding.view])
    case .encoder: Rows(plain[encoding.view])
    case .average: Rows(average[encoding.view])
    }
  }
}

struct StrategyGoldenTests {
  private static func golden() throws -> Golden {
    let path = Resources.fixture("objective/strategies_golden.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test func theFixtureIsWhatItsStatementSays() throws {
    let result = try shell(["python3", "-B", Resources.fixture("objective/make_strategies_golden.py"), "--check"])
    #expect(result.code == 0, "\(result)")
  }

  @Test func lossesAndGradients() throws {
    let world = try TestWorld()
    let golden = try Self.golden()
    #expect(golden.cases.count > 60)
    for item in golden.cases {
      let z = golden.z.prefix(item.views).map { Rows($0) }
      let objective = try world.objective(
        samplers: item.samplers, losses: item.losses, width: z[0].width, rows: z[0].rows, views: item.views,
        temperature: item.temperature, supervision: [.scores, .classes],
        guideWidths: golden.guides.map { $0[0][0].count },
        texts: RowTexts(rows: golden.rowTexts.count, columns: 2) { Array(golden.rowTexts[$0][$1].utf8) })
      let texts = item.samplers == ["same-text"] ? golden.texts : nil
      let encoded = Dictionary(uniqueKeysWithValues: objective.wantedEncodings.map { ($0, golden.rows($0)) })
      let report = try objective.evaluate(
        z, textIDs: texts, labels: RowLabels(scores: golden.scores, classes: golden.classes), encoded: encoded)
      #expect(isClose(report.loss, item.loss, absolute: 2e-6, relative: 5e-6), "\(item.name): \(report.loss)")
      let largest = item.gradients.joined().joined().map(abs).max() ?? 0
      for (view, expected) in item.gradients.enumerated() {
        let found = Rows(copying: objective.gradient(view))
        for i in expected.indices {
          for k in expected[i].indices {
            let error = abs(Double(found[i, k]) - expected[i][k])
            #expect(error <= 2e-5 * largest + 1e-7, "\(item.name): dz\(view + 1)[\(i), \(k)] is off by \(error)")
          }
        }
      }
    }
  }

  /// Every loss and sampler of the library is in the fixture, or is tested below.
  @Test func nothingIsLeftOut() throws {
    let cases = try Self.golden().cases.flatMap { $0.samplers + $0.losses }.map { text in
      String((text.split(separator: "*").last ?? "").prefix { $0 != ":" })
    }
    // QueueTests has what remembers earlier batches, MadeUpVectorsTests what asks for the loss.
    let elsewhere = ["infonce", "mixcse", "gaussian-noise", "mochi", "queue", "cross-batch", "dclr"]
    let shipped = try TestWorld().registry.libraries.flatMap(\.components).filter { component in
      [.sampler, .loss].contains(component.kind) && component.library.id.hasPrefix("org.mixcse.")
    }
    #expect(shipped.count > 18)
    for component in shipped where !elsewhere.contains(component.name) {
      #expect(cases.contains(component.name), "\(component.name) has no golden numbers")
    }
  }

  /// Losses that become a known one at an end of their range.
  @Test(arguments: [
    ("focal:gamma=0", "infonce"), ("am:margin=0", "infonce"), ("arccse:margin=0", "infonce"),
    ("hcl:tau=0,beta=0", "infonce"), ("debiased:tau=0", "infonce"), ("supcon", "infonce"), ("weighted", "infonce"),
  ])
  func limits(_ loss: String, _ known: String) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 9, width: 8)
    func scored(_ name: String) throws -> Double {
      // Each row a class of its own, all rows of one weight.
      let labels = RowLabels(scores: [Float](repeating: 2, count: 9), classes: (0..<9).map { $0 })
      return try world.objective(losses: [name], width: 8, rows: 9, temperature: 0.3, supervision: labels.supervision)
        .evaluate(views, labels: labels).loss
    }
    #expect(isClose(try scored(loss), try scored(known), relative: 1e-6))
  }

  /// Noise and mixtures are new in each batch, of as many columns as were asked for, and make the task harder.
  @Test(arguments: [
    "gaussian-noise:count=30", "mochi:hardest=4,mixed=5,with_anchor=3", "hncse-hnm:hardest=4,count=5",
    "mixcse:alpha=0.4", "mixcse:alpha=2,along=arc,neighbour=random",
  ])
  func drawnNegatives(_ sampler: String) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 12, width: 8)
    let plain = try world.objective(width: 8, rows: 12, temperature: 0.3).evaluate(views).loss
    let objective = try world.objective(samplers: [sampler], width: 8, rows: 12, temperature: 0.3)
    let first = try objective.evaluate(views).loss
    #expect(try objective.evaluate(views).loss == first)
    #expect(first > plain)
    let later = try objective.evaluate(views, position: StepPosition(step: 1)).loss
    #expect(later != first && later > plain)
    // A batch of one row has nothing to mix.
    let one = [Rows(1, 8, seed: 1, name: "a"), Rows(1, 8, seed: 1, name: "b")]
    #expect(try objective.evaluate(one).loss.isFinite)
  }

  /// Shares from Beta(alpha, alpha): the mean 1/2, and the mean of n of them with the variance 1 / (4 n (2 alpha + 1)).
  @Test(arguments: [0.2, 1, 5]) func drawnShares(alpha: Double) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 16, width: 4)
    let objective = try world.objective(samplers: ["mixcse:alpha=\(alpha)"], width: 4, rows: 16)
    let shares = try (0..<2000).map { step in
      let report = try objective.evaluate(views, position: StepPosition(step: Int64(step)), wantsGradients: false)
      return try #require(report.metrics.first { $0.name == "mixcse.mean_share" }).value
    }
    let mean = shares.reduce(0, +) / 2000
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2000
    let expected = 1 / (4 * 32 * (2 * alpha + 1))
    #expect(abs(mean - 0.5) < 5 * (expected / 2000).squareRoot(), "\(mean)")
    #expect(abs(variance / expected - 1) < 0.16, "\(variance), expected \(expected)")
    // Nothing is drawn, and nothing reported, where every share is lambda.
    let plain = try world.objective(samplers: ["mixcse"], width: 4, rows: 16).evaluate(views)
    #expect(!plain.metrics.contains { $0.name.hasPrefix("mixcse.") })
  }

  /// Every share is 1/2 where Beta(alpha, alpha) has no width, and every end of an arc is one of its two vectors.
  @Test(arguments: [
    ("mixcse:alpha=1e9", "mixcse:lambda=0.5", 2e-4),
    ("mixcse:along=arc,lambda=1", "mixcse:normalize=true,lambda=1", 1e-6),
    ("mixcse:along=arc,lambda=0", "mixcse:normalize=true,lambda=0", 1e-6),
    ("mixcse:along=arc,lambda=0.5", "mixcse:normalize=true,lambda=0.5", 1e-6),
  ])
  func sameMixtures(_ one: String, _ other: String, bound: Double) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 9, width: 8)
    let losses = try [one, other].map {
      try world.objective(samplers: [$0], width: 8, rows: 9, temperature: 0.3).evaluate(views).loss
    }
    #expect(isClose(losses[0], losses[1], relative: bound), "\(losses)")
  }

  /// A positive that stands apart is left alone; one that the nearest negative has left behind is mixed.
  @Test func mixedPositives() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 9, width: 8)
    func report(_ samplers: [String], _ views: [Rows]) throws -> StepReport {
      try world.objective(samplers: samplers, width: 8, rows: 9, temperature: 0.3).evaluate(views)
    }
    let apart = try report(["hncse-pm:gap=0"], [views[0], views[0]])
    #expect(apart.loss == (try report([], [views[0], views[0]]).loss))
    #expect(apart.metrics.map(\.value) == [0] && apart.blocks.map(\.label) == ["mixed-positive"])
    // Positives in each other's places, two by two: each anchor's nearest negative is its own vector.
    let crossed = Rows(9, 8)
    for i in 0..<9 { for k in 0..<8 { crossed[i, k] = views[0][i == 8 ? 8 : i ^ 1, k] } }
    let mixed = try #require(report(["hncse-pm:gap=0"], [views[0], crossed]).metrics.first)
    #expect(mixed.name == "hncse-pm.mixed" && mixed.value > 0 && mixed.value < 1)
  }
}
