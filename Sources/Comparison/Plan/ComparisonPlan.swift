// Everything a comparison will do, known and checked before the first run starts: strategies looked up, data read,
// flags in range, and what identifies each run. Made by the compare command, carried out by ComparisonRunner.

import Encoder
import Evaluation
package import Files
import Foundation
package import Host
import ModelFiles
package import Training

/// The command itself.
package struct Program: Sendable {
  /// The file that children are started from.
  package var file: String
  /// As typed, for commands that are shown.
  package var name: String
  /// Version, commit, compiler, command line.
  package var origin: RunOrigin

  /// The command by its parts.
  package init(file: String, name: String, origin: RunOrigin) {
    (self.file, self.name, self.origin) = (file, name, origin)
  }
}

/// A comparison ready to be run.
package struct ComparisonPlan {
  /// What was asked for.
  package let request: ComparisonRequest
  /// What runs it.
  package let program: Program
  /// In the order they were named.
  package let strategies: [PlannedStrategy]
  /// What final models are scored on.
  package let scoring: Scoring
  /// When strategies are looked at; nil without `--budget`.
  package let budget: Budget?
  /// Optimiser steps of each run.
  package let totalSteps: Int
  /// What a user should know before the runs start.
  package let notes: [String]
  /// Threads for all runs together.
  package let threads: Int
  /// What identifies data and model; the same in all runs.
  private let inputs: RunInputs

  /// Of every strategy.
  package var seeds: [UInt64] { request.seeds }
  /// Of the comparison; runs lie in its `runs`.
  package var outputFolder: String { request.run.outputFolder ?? "" }

  /// Looks everything up and reads all data.
  /// - Parameter threads: for all runs together.
  /// - Throws: the errors of all modules below, each with its exit code.
  package init(_ request: ComparisonRequest, program: Program, threads: Int, registry: PluginRegistry) throws {
    (self.request, self.program, self.threads) = (request, program, threads)
    let run = request.run
    let source = try ModelFolder(path: run.model)
    try run.check(maximumTokens: source.configuration.maximumPositions)
    strategies = try Self.lookUp(request, program, registry)
    scoring = try Scoring(evalData: run.training.evalData, testData: request.testData)
    let data = try TrainingData(
      path: run.training.trainFile, columns: run.training.columns, spoolFolder: NSTemporaryDirectory())
    totalSteps = run.training.totalSteps(rows: data.rows)
    inputs = RunInputs(
      trainFile: data.report.sha256, evalData: try run.training.evalData.map { try STSBenchmark.dev(in: $0).subsets },
      model: try RunInputs.modelFiles(run.model))
    var notes = data.report.lines + scoring.warnings.map { "warning: " + $0 }
    budget = request.usesBudget ? Budget(totalSteps: totalSteps, evalSteps: run.training.evalSteps) : nil
    if budget?.rungs.isEmpty ?? false {
      notes.append(
        "note: --budget: no evaluation before half of the \(totalSteps) steps (--eval-steps "
          + "\(run.training.evalSteps)); nothing can be given up early")
    }
    self.notes = notes
  }

  /// The strategies by their plans; those whose plugin ends the process that loads it are known to fail.
  private static func lookUp(
    _ request: ComparisonRequest, _ program: Program, _ registry: PluginRegistry
  ) throws -> [PlannedStrategy] {
    let texts = try StrategyText.expand(request.strategies)
    let crashes = try StrategyLookUp.crashes(
      texts.map(\.text), program: program.file, arguments: request.run.plugins.arguments)
    return try texts.enumerated().map { index, text in
      if let reason = crashes[index] { return PlannedStrategy(text, failure: reason) }
      var run = request.run
      // Shadows watch the first strategy, to which the others are compared.
      if index > 0 { run.strategy.shadows = [] }
      return try PlannedStrategy(text, of: run, registry: registry, origin: program.origin)
    }
  }

  // MARK: - One run

  /// A run in full, in a folder; nil for a strategy that cannot be loaded.
  package func run(strategy: Int, seed: UInt64, folder: String) -> RunDescription? {
    var run = plan(strategy: strategy, seed: seed)?.description
    run?.outputFolder = folder
    run?.threads = threadsOfRun
    return run
  }

  /// What decides the numbers of a run; empty for a strategy that cannot be loaded.
  /// - Throws: `PluginError`
  package func identity(strategy: Int, seed: UInt64) throws -> RunIdentity {
    guard let plan = plan(strategy: strategy, seed: seed) else { return RunIdentity([]) }
    return try RunIdentity(plan, inputs: inputs)
  }

  private func plan(strategy: Int, seed: UInt64) -> TrainingPlan? {
    var plan = strategies[strategy].plan
    plan?.description.training.seed = seed
    return plan
  }

  /// The look at verdicts that this comparison ends with; nil where no strategy can be loaded.
  /// - Throws: `PluginError`
  func look() throws -> LookRecord.Entry? {
    let identities = try strategies.indices.map { try identity(strategy: $0, seed: seeds.first ?? 0) }
    guard let shared = zip(strategies, identities).first(where: { $0.0.plan != nil })?.1 else { return nil }
    return LookRecord.Entry(
      conditions: shared.hash(ofStrategy: false), planned: request.looks, seeds: seeds,
      strategies: zip(strategies, identities).map { strategy, identity in
        let isKnown = strategy.plan != nil
        return LookRecord.Strategy(
          label: strategy.compared.label,
          key: isKnown ? identity.hash(ofStrategy: true) : SHA256.digits(of: Array(strategy.compared.canonical.utf8)))
      })
  }

  /// What decides the scores of a trained model.
  var scoringDigest: String {
    let text = [scoring.digest, evaluationPooling?.text ?? "", scoring.metrics.map(\.key).joined(separator: "\t")]
    return SHA256.digits(of: Array(text.joined(separator: "\n").utf8))
  }

  /// Arguments of `mixcse evaluate` for the model of one run.
  package func evaluateArguments(model: String, scores: String) -> [String] {
    ["evaluate", "--model", model] + (evaluationPooling?.arguments ?? []) + scoring.arguments
      + ["--pair-scores", scores, "--threads", String(threadsOfRun)] + request.run.plugins.arguments
  }

  /// The threads there are, shared by the runs that go on at a time.
  var threadsOfRun: Int { max(1, threads / request.jobs) }

  /// What final models are scored on: the same vectors as the dev scores during training; nil where no strategy can be
  /// loaded.
  private var evaluationPooling: EvaluationPooling? { strategies.lazy.compactMap(\.plan).first?.evaluationPooling }

  // MARK: - Record

  /// What is needed to repeat the comparison, by name.
  /// - Throws: `PluginError`
  package func record() throws -> [(String, JSONValue)] {
    let origin = program.origin
    let components = try strategies.indices.map { index in
      let identity = try identity(strategy: index, seed: request.seeds.first ?? 0)
      return (strategies[index].compared.label, identity.members["plugins"] ?? .null)
    }
    return [
      ("mixcse", .string(origin.version)), ("commit", .string(origin.commit)), ("compiler", .string(origin.compiler)),
      ("processor", .string(Self.processor)), ("plan", request.planText.map { .string($0) } ?? .null),
      ("flags", flagsRecord), ("data", .object(JSONObject(inputs.members))), ("totalSteps", .integer(totalSteps)),
      ("threads", .integer(threads)), ("jobs", .integer(request.jobs)),
      ("strategies", .object(JSONObject(components))),
    ]
  }

  /// The processor's name; empty where the system does not say.
  private static var processor: String {
    let data = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
  }

  /// Every flag, also those that nobody gave.
  private var flagsRecord: JSONValue {
    .object(
      JSONObject(
        ComparisonRequest.fields.filter { !["strategies", "seeds", "json"].contains($0.name) }
          .map { ("--" + $0.name, $0.json(request)) }))
  }
}

extension RunIdentity {
  /// The hash of what distinguishes strategies, or of what all runs of a comparison share whatever their seed.
  fileprivate func hash(ofStrategy: Bool) -> String {
    let own = ["--seed", "--schedule", "--shadow", "plugins"]
    let components = members["plugins"]?.array ?? []
    let isPooler = { (use: JSONValue) in use.object?["kind"]?.string == ComponentKind.pooler.rawValue }
    let shared = members.keys.filter { !own.contains($0) }.map { ($0, members[$0] ?? .null) }
    return ofStrategy
      ? RunIdentity([
        ("--schedule", members["--schedule"] ?? .null), ("plugins", .array(components.filter { !isPooler($0) })),
      ]).hash
      : RunIdentity(shared + [("plugins", .array(components.filter(isPooler)))]).hash
  }
}
