// Every gradient through the whole composition against central differences: each strategy of the C fixtures, losses on
// logits, similarities and embeddings, weights, temperature. Plugin functions are float32, so the bound is 2e-3 of the
// gradient's norm; typical errors are ten times smaller.

import Host
import Kernels
import Objective
import TestSupport
import Testing

struct GradientTests {
  static let bound = 2e-3

  struct Case: Sendable, CustomStringConvertible {
    var samplers: [String] = []
    var losses = ["infonce"]
    var views = 2
    var description: String { "\(samplers) \(losses) views \(views)" }
  }

  static let cases: [Case] = [
    Case(), Case(views: 3), Case(samplers: ["noise"]), Case(samplers: ["ntxent"]), Case(samplers: ["own_mixtures"]),
    Case(samplers: ["replace"]), Case(samplers: ["dupmask"]), Case(samplers: ["mapped"]), Case(losses: ["simreg"]),
    Case(losses: ["alignuni"]), Case(losses: ["xent"]), Case(samplers: ["ntxent"], losses: ["xent:first=true"]),
    Case(samplers: ["replace", "ntxent", "mapped"], losses: ["0.7*infonce:temperature=0.3", "xent"], views: 3),
    Case(
      samplers: ["own_mixtures", "replace", "dupmask", "noise"], losses: ["infonce", "0.5*simreg", "0.3*alignuni"]),
    Case(
      samplers: ["mapped", "own_mixtures:count=1", "own_mixtures:count=5"], losses: ["2*simreg:temperature=0.4"],
      views: 3),
    Case(samplers: ["hncse-pm:gap=1"]), Case(samplers: ["hncse-hnm:hardest=3,count=4,share=0.3"]),
    Case(samplers: ["hncse-pm:gap=1", "hncse-hnm:hardest=2,count=1", "hardest:k=3"], views: 3),
  ]

  @Test(arguments: cases, [1, 2, 5])
  func embeddingsAndWeights(_ item: Case, rows: Int) throws {
    let world = try TestWorld()
    // A width that is no multiple of 16 and fewer rows than planned for: padding everywhere.
    let objective = try world.objective(
      samplers: item.samplers, losses: item.losses, width: 7, rows: 6, views: item.views, hardWeight: 0.4)
    let views = makeViews(item.views, rows: rows, width: 7)
    let textIDs: [Int64] = (0..<rows).map { $0 == 3 ? 1 : Int64($0) }
    let position = StepPosition(step: 5)
    let loss = {
      try objective.evaluate(views, position: position, textIDs: textIDs, wantsGradients: false).loss
    }
    let report = try objective.evaluate(views, position: position, textIDs: textIDs)
    #expect(report.loss == (try loss()), "the loss alone differs from the loss with gradients")
    _ = try objective.evaluate(views, position: position, textIDs: textIDs)
    for parameter in objective.parameters { parameter.clearGradient() }
    _ = try objective.evaluate(views, position: position, textIDs: textIDs)
    let gradients = views.indices.map { Rows(copying: objective.gradient($0)).values }
    let all = gradients.joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    for (view, gradient) in gradients.enumerated() {
      let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let error = try directionalError(views[view].mutable, gradient: gradient, loss) * max(norm, 1e-6)
      #expect(error <= Self.bound * max(all, 0.01), "z\(view + 1): \(error / max(all, 1e-12))")
      #expect(isClose(report.gradientNorms[view], norm, absolute: 1e-6, relative: 1e-4))
    }
    for parameter in objective.parameters {
      let error = try directionalError(parameter.values, gradient: parameter.gradients, loss)
      let norm = parameter.gradients.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(error * max(norm, 1e-6) <= Self.bound * max(norm, 0.05), "\(parameter.name): \(error)")
    }
  }

  static let temperatureCases: [Case] = [
    Case(), Case(samplers: ["ntxent", "mapped"], losses: ["2*infonce", "xent"]), Case(samplers: ["noise"]),
    Case(losses: ["infonce", "dcl"]), Case(losses: ["infonce", "2*am:margin=0.3"]),
    Case(samplers: ["two-sided"], losses: ["infonce", "arccse:margin=30"]), Case(losses: ["infonce", "focal"]),
    Case(losses: ["infonce", "debiased:tau=0.4"]), Case(losses: ["infonce", "hcl:tau=0.3,beta=0.5"]),
  ]

  @Test(arguments: temperatureCases)
  func learnedTemperature(_ item: Case) throws {
    let world = try TestWorld()
    let objective = try world.objective(
      samplers: item.samplers, losses: item.losses, width: 8, rows: 5, temperature: 0.4, learnTemperature: true)
    let views = makeViews(2, rows: 5, width: 8)
    let report = try objective.evaluate(views)
    let temperatures = objective.parameters.filter { $0.name.hasPrefix("temperature.") }
    let names = item.losses.map { String(($0.split(separator: "*").last ?? "").prefix { $0 != ":" }) }
    #expect(temperatures.map(\.name) == names.map { "temperature." + $0 })
    #expect(report.metrics.contains { $0.name == "temperature.infonce" && isClose($0.value, 0.4, absolute: 1e-6) })
    for parameter in temperatures {
      let gradient = parameter.gradients
      let error = try directionalError(parameter.values, gradient: gradient, directions: 1) {
        try objective.evaluate(views, wantsGradients: false).loss
      }
      #expect(error < Self.bound, "\(parameter.name) \(gradient): \(error)")
    }
  }

  @Test func lossScaleMultipliesGradientsOnly() throws {
    let world = try TestWorld()
    let views = makeViews(2, rows: 4, width: 8)
    let objective = try world.objective(
      samplers: ["mapped"], losses: ["xent"], width: 8, rows: 4, learnTemperature: true)
    let twice = try world.objective(
      samplers: ["mapped"], losses: ["2*xent"], width: 8, rows: 4, learnTemperature: true)
    let one = try objective.evaluate(views)
    let two = try twice.evaluate(views)
    #expect(isClose(two.loss, 2 * one.loss, relative: 1e-12))
    for (a, b) in zip(objective.parameters, twice.parameters) {
      #expect(isDouble(b.gradients, a.gradients))
    }
    let (a, b) = (Rows(copying: objective.gradient(0)), Rows(copying: twice.gradient(0)))
    #expect(isDouble(b.values, a.values))
  }

  private func isDouble(_ twice: [Float], _ once: [Float]) -> Bool {
    zip(twice, once).allSatisfy { isClose(Double($0), Double(2 * $1), absolute: 1e-6, relative: 1e-4) }
  }

  @Test func temperatureOfALossThatUsesSimilaritiesCannotBeLearned() throws {
    let world = try TestWorld()
    let objective = try world.objective(losses: ["simreg"], width: 8, rows: 4, learnTemperature: true)
    #expect(throws: ObjectiveError.temperatureNotLearnable(loss: "simreg")) {
      try objective.evaluate(makeViews(2, rows: 4, width: 8))
    }
    #expect(throws: ObjectiveError.noTemperature(losses: ["alignuni"])) {
      try world.objective(losses: ["alignuni"], width: 8, rows: 4, temperature: 0.1)
    }
  }
}
