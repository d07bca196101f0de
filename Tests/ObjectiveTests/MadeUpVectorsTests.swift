// The service "cse.score/1": a sampler is told the loss its vectors will have, and the gradient at them; who is asked
// stays as it is.

import Host
import Kernels
import Objective
import TestSupport
import Testing

struct MadeUpVectorsTests {
  /// What the sampler is told is the loss of the batch once the vectors are used, whatever stands before them.
  @Test(arguments: [
    ([], ["infonce"]), (["mixcse"], ["infonce"]), (["same-text"], ["infonce", "0.5*dcl"]),
    (["hardest:k=3"], ["focal:gamma=1.5"]), (["symmetric"], ["infonce"]),
  ])
  func theLossToCome(samplers: [String], losses: [String]) throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 7, width: 9)
    let objective = try world.objective(
      samplers: samplers + ["asks"], losses: losses, width: 9, rows: 7, temperature: 0.3)
    let report = try objective.evaluate(views, textIDs: [0, 1, 2, 0, 3, 4, 5])
    let told = try #require(report.metrics.first { $0.name == "asks.loss" }).value
    // A second set of rows is averaged with the first, of which alone the sampler asks.
    if samplers != ["symmetric"] { #expect(isClose(told, report.loss, relative: 1e-6)) }
    let slope = try #require(report.metrics.first { $0.name == "asks.slope" }).value
    #expect(slope < 2e-3, "\(slope)")
    // Gradients of the views, weights and metrics of losses are those of a batch where nobody asked.
    let again = try objective.evaluate(views, textIDs: [0, 1, 2, 0, 3, 4, 5])
    #expect(again.loss == report.loss)
  }

  @Test func learnedTemperaturesAndWeightsAreLookedAtOnly() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 7, width: 9)
    func gradients(_ samplers: [String]) throws -> [Float] {
      let objective = try world.objective(
        samplers: samplers, losses: ["xent"], width: 9, rows: 7, temperature: 0.3, learnTemperature: true)
      _ = try objective.evaluate(views)
      return objective.parameters.flatMap { parameter in (0..<parameter.count).map { parameter.gradient[$0] } }
    }
    // `dclr` without steps asks for nothing, and with steps of no length moves nothing.
    let silent = try gradients(["dclr:steps=0"])
    #expect(try gradients(["dclr:steps=3,rate=0"]) == silent)
    #expect(silent.contains { $0 != 0 })
  }

  @Test func movedNoiseIsHarder() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 12, width: 16)
    func loss(_ sampler: String) throws -> Double {
      try world.objective(samplers: [sampler], width: 16, rows: 12, temperature: 0.2).evaluate(views).loss
    }
    let start = try loss("dclr:steps=0")
    let moved = try loss("dclr:steps=4,rate=0.05")
    let further = try loss("dclr:steps=20,rate=0.2")
    #expect(start < moved && moved < further)
    #expect(try loss("dclr:steps=4,rate=0.05") == moved)
  }

  /// VaSCL's moves: drawn anew in each batch, longer ones are harder, and ascent is harder than chance.
  @Test func movedAnchorsAreHarder() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 12, width: 16)
    func loss(_ settings: String, step: Int64 = 0) throws -> Double {
      try world.objective(losses: ["vascl:tau=0.3,k=5,\(settings)"], width: 16, rows: 12)
        .evaluate(views, position: StepPosition(step: step)).loss
    }
    let (still, short, long) = (try loss("radius=0"), try loss("radius=0.3"), try loss("radius=0.6"))
    #expect(still < short && short < long)
    let chance = try loss("radius=0.6,steps=0")
    #expect(still < chance && chance < long)
    #expect(try loss("radius=0.6,steps=0") == chance)
    #expect(try loss("radius=0.6,steps=0", step: 1) != chance)
    #expect(try loss("radius=0.6,steps=1,start=0", step: 1) == loss("radius=0.6,steps=1,start=0"))
    // A row by itself has no neighbours to be told from.
    let alone = try world.objective(losses: ["vascl"], width: 16, rows: 1).evaluate(makeViews(2, rows: 1, width: 16))
    #expect(alone.loss == 0)
  }

  /// With a guide that finds all pairs near, every in-batch negative has the logit 0.
  @Test func falseNegativesCountAsUnlike() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 6, width: 8)
    let objective = try world.objective(
      samplers: ["dclr:guided=true,phi=-1,steps=0,count=1"], width: 8, rows: 6, temperature: 0.3, guideWidths: [3])
    let guide = Rows(6, 3, seed: 3, name: "guide")
    scaleToUnitLength(guide.matrix)
    let encoded = Dictionary(uniqueKeysWithValues: objective.wantedEncodings.map { ($0, guide) })
    #expect(encoded.count == 2)
    let report = try objective.evaluate(views, encoded: encoded, wantsGradients: false, details: true)
    #expect(try #require(report.metrics.first { $0.name == "dclr.masked" }).value == 1)
    let masked = try #require(report.probe?.kinds.first { $0.kind.family == .masked })
    #expect(masked.count == 30 && masked.meanLogit == 0)
  }

  @Test func whatCannotBeAskedIsSaid() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 7, width: 9)
    let narrow = try world.objective(samplers: ["asks:narrow=true"], width: 9, rows: 7)
    #expect { try narrow.evaluate(views) } throws: { "\($0)".contains("expected 9 numbers, found 8") }
    // A loss on embeddings looks at no candidates.
    let blind = try world.objective(samplers: ["asks"], losses: ["uniformity"], width: 9, rows: 7)
    #expect { try blind.evaluate(views) } throws: { "\($0)".contains("unsupported") }
  }
}
