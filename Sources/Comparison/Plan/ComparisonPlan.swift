// Everything a comparison will do, known and checked before the first run starts: strategies looked up, data read,
// flags in range, and what identifies each run. Made by the compare command, carried out by ComparisonRunner.

import Encoder
import Evaluation
package import Files
import Foundation
package import Host
import ModelFiles
package import Training

/// What the user asked for.
package struct ComparisonRequest {
  /// Strategies as typed, grids and labels among them.
  package var strategies: [String]
  package var seeds: [UInt64]
  package var modelFolder: String
  /// Of every run; `outputFolder` is the comparison's.
  package var training: TrainingOptions
  /// Further flags of `mixcse train` with their values, null: not given.
  package var objective: [(String, JSONValue)]
  package var pooler: PoolerSpec
  package var evaluationPooler: PoolerSpec?
  /// Whether a head is trained behind the pooler.
  package var hasHead = false
  package var shadows: [String] = []
  package var testData: [String] = []
  /// The plugins' flags, for every child.
  package var pluginArguments: [String]
  package var threads: Int
  package var jobs = 1
  package var usesBudget = false
  package var program: Program
  package var commandLine: [String]
  /// The text of the plan file, if there was one.
  package var planText: String?

  /// The command itself.
  package struct Program {
    /// The file that children are started from.
    package var file: String
    /// As typed, for commands that are shown.
    package var name: String
    package var version: String
    package var compiler: String

    package init(file: String, name: String, version: String, compiler: String) {
      (self.file, self.name, self.version, self.compiler) = (file, name, version, compiler)
    }
  }

  package init(
    strategies: [String], seeds: [UInt64], modelFolder: String, training: TrainingOptions,
    objective: [(String, JSONValue)], pooler: PoolerSpec, pluginArguments: [String], threads: Int, program: Program,
    commandLine: [String]
  ) {
    (self.strategies, self.seeds, self.modelFolder) = (strategies, seeds, modelFolder)
    (self.training, self.objective, self.pooler) = (training, objective, pooler)
    (self.pluginArguments, self.threads, self.program) = (pluginArguments, threads, program)
    self.commandLine = commandLine
  }
}

/// A comparison ready to be run.
package struct ComparisonPlan {
  package let request: ComparisonRequest
  package let strategies: [PlannedStrategy]
  package let scoring: Scoring
  package let budget: Budget?
  /// Optimiser steps of each run.
  package let totalSteps: Int
  /// What a user should know before the runs start.
  package let notes: [String]
  /// What identifies data, model and program; the same in all runs.
  private let shared: [(String, JSONValue)]

  package var seeds: [UInt64] { request.seeds }
  package var outputFolder: String { request.training.outputFolder }

  /// Looks everything up and reads all data.
  /// - Throws: the errors of all modules below, each with its exit code.
  package init(_ request: ComparisonRequest, registry: PluginRegistry) throws {
    self.request = request
    let source = try ModelFolder(path: request.modelFolder)
    try request.training.check(maximumTokens: source.configuration.maximumPositions)
    let texts = try StrategyText.expand(request.strategies)
    let crashes = try StrategyLookUp.crashes(
      texts.map(\.text), program: request.program.file, arguments: request.pluginArguments)
    strategies = try texts.enumerated().map { index, text in
      if let reason = crashes[index] { return PlannedStrategy(text, failure: reason) }
      return try PlannedStrategy(text, registry: registry)
    }
    scoring = try Scoring(evalData: request.training.evalData, testData: request.testData)
    let data = try TrainingData(path: request.training.trainFile, spoolFolder: NSTemporaryDirectory())
    totalSteps = request.training.totalSteps(rows: data.rows)
    var notes = data.report.lines + scoring.warnings.map { "warning: " + $0 }
    let devPairs = try request.training.evalData.map { try STSBenchmark.dev(in: $0).subsets }
    if request.usesBudget {
      let budget = Budget(totalSteps: totalSteps, evalSteps: request.training.evalSteps)
      self.budget = budget
      if budget.rungs.isEmpty {
        notes.append(
          "note: --budget: no evaluation before half of the \(totalSteps) steps (--eval-steps "
            + "\(request.training.evalSteps)); nothing can be given up early")
      }
    } else {
      budget = nil
    }
    self.notes = notes
    shared =
      [("mixcse", .string(request.program.version))]
      + [
        ("--train-file (sha256)", .string(data.report.sha256)),
        ("--eval-data (sha256 of the pairs)", devPairs.map { .string(Scoring.digest($0)) } ?? .null),
      ] + (try Self.modelDigests(request.modelFolder))
      + [("poolers", try Self.poolers(request, registry: registry))]
  }

  // MARK: - One run

  /// What decides the numbers of a run.
  package func identity(strategy: Int, seed: UInt64) -> RunIdentity {
    var training = request.training
    training.seed = seed
    return RunIdentity(
      [("strategy", strategies[strategy].components)] + training.deciding + request.objective
        + [("--shadow", .array(shadows(of: strategy).map { .string($0) }))] + shared)
  }

  /// What decides the scores of a trained model.
  var scoringDigest: String {
    let text = [scoring.digest, evaluationPooling.text, scoring.metrics.map(\.key).joined(separator: "\t")]
    return SHA256.digits(of: Array(text.joined(separator: "\n").utf8))
  }

  /// Shadows watch the first strategy, to which the others are compared.
  private func shadows(of strategy: Int) -> [String] { strategy == 0 ? request.shadows : [] }

  /// Arguments of `mixcse train` for one run, without how it is resumed or stopped.
  package func trainArguments(strategy: Int, seed: UInt64, folder: String) -> [String] {
    var training = request.training
    training.seed = seed
    var flags = training.deciding.filter { !$0.0.hasPrefix("--mlm") }
    if let weight = training.maskedLanguageWeight {
      flags += [
        ("--mlm", .bool(true)), ("--mlm-weight", .number(weight)),
        ("--mlm-probability", .number(training.maskedLanguageProbability)),
      ]
    }
    return ["train", "--model", request.modelFolder, "--train-file", training.trainFile]
      + (training.evalData.map { ["--eval-data", $0] } ?? []) + strategies[strategy].arguments
      + (request.objective + flags).flatMap(Self.arguments)
      + ["--save-steps", String(training.saveSteps), "--threads", String(threadsOfRun)]
      + shadows(of: strategy).flatMap { argument("--shadow", $0) }
      + request.pluginArguments + ["--output-dir", folder]
  }

  /// Arguments of `mixcse evaluate` for the model of one run.
  package func evaluateArguments(model: String, scores: String) -> [String] {
    ["evaluate", "--model", model] + evaluationPooling.arguments + scoring.arguments
      + ["--pair-scores", scores, "--threads", String(threadsOfRun)] + request.pluginArguments
  }

  /// The threads there are, shared by the runs that go on at a time.
  var threadsOfRun: Int { max(1, request.threads / request.jobs) }

  /// What final models are scored on: the same vectors as the dev scores during training.
  private var evaluationPooling: EvaluationPooling {
    EvaluationPooling(
      training: request.pooler, hasHead: request.hasHead, asked: request.evaluationPooler,
      isFrozen: request.training.isFrozen)
  }

  private static func arguments(_ flag: String, _ value: JSONValue) -> [String] {
    switch value {
    case .null, .bool(false): []
    case .bool(true): [flag]
    case .string(let text): argument(flag, text)
    case .integer(let number): argument(flag, String(number))
    case .number(let number): argument(flag, "\(number)")
    case .array, .object: argument(flag, value.text(indent: nil))
    }
  }

  // MARK: - Hashes

  /// The files of the model folder that a run reads.
  private static func modelDigests(_ folder: String) throws -> [(String, JSONValue)] {
    var names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    names = names.filter { name in
      [".json", ".txt", ".safetensors", ".bin"].contains { name.hasSuffix($0) } && !name.hasPrefix(".")
    }
    return try names.map { name in
      ("--model \(name) (sha256)", .string(try fileDigest(folder + "/" + name).sha256))
    }
  }

  private static func poolers(_ request: ComparisonRequest, registry: PluginRegistry) throws -> JSONValue {
    let poolers = [request.pooler] + (request.evaluationPooler.map { [$0] } ?? [])
    var names = InstanceNames()
    return .array(try poolers.flatMap { try $0.uses(in: registry, names: &names).map(PlannedStrategy.record) })
  }

  /// What is needed to repeat the comparison, by name.
  package var record: [(String, JSONValue)] {
    [
      ("mixcse", .string(request.program.version)), ("compiler", .string(request.program.compiler)),
      ("processor", .string(Self.processor)), ("plan", request.planText.map { .string($0) } ?? .null),
      ("flags", flagsRecord),
      ("data", .object(JSONObject(shared.filter { $0.0.hasPrefix("--") }))), ("totalSteps", .integer(totalSteps)),
      ("threads", .integer(request.threads)), ("jobs", .integer(request.jobs)),
      ("strategies", .object(JSONObject(strategies.map { ($0.compared.label, $0.components) }))),
    ]
  }

  /// The processor's name; empty where the system does not say.
  private static var processor: String {
    let data = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
  }

  private var flagsRecord: JSONValue {
    let files: [(String, JSONValue)] = [
      ("--model", .string(request.modelFolder)), ("--train-file", .string(request.training.trainFile)),
      ("--eval-data", request.training.evalData.map { .string($0) } ?? .null),
      ("--test-data", .array(request.testData.map { .string($0) })),
      ("--shadow", .array(request.shadows.map { .string($0) })), ("--budget", .bool(request.usesBudget)),
    ]
    return .object(
      JSONObject(files + request.training.deciding.filter { $0.0 != "--seed" } + request.objective))
  }
}
