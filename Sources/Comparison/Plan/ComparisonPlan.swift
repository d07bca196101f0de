// Everything a comparison will do, known and checked before the first run starts: strategies looked up, data read,
// flags in range, and what identifies each run. Made by the compare command, carried out by ComparisonRunner.

import Encoder
import Evaluation
package import Files
import FoundationEssentials
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
  /// Means over sets that were asked for.
  let means: [MeanMetric]
  /// The metric that decides, where it was named.
  let decideBy: String?
  /// When strategies are looked at; nil without `--budget`.
  package let budget: Budget?
  /// What a user should know before the runs start.
  package let notes: [String]
  /// Threads for all runs together.
  package let threads: Int

  /// Of every strategy.
  package var seeds: [UInt64] { request.seeds }
  /// Of the comparison; runs lie in its `runs`.
  package var outputFolder: String { request.run.outputFolder ?? "" }

  /// Looks everything up and reads all data.
  /// - Parameters:
  ///   - variants: what is compared; nil: what the request names, with all combinations of what varies.
  ///   - threads: for all runs together.
  /// - Throws: the errors of all modules below, each with its exit code.
  package init(
    _ request: ComparisonRequest, variants: [StrategyVariant]? = nil, program: Program, threads: Int,
    registry: PluginRegistry
  ) throws {
    (self.request, self.program, self.threads) = (request, program, threads)
    let training = request.run.training
    scoring = try Scoring(evalData: training.evalData, testData: request.testData, taskSet: request.taskSet)
    (means, decideBy) = (try scoring.means(request), try scoring.decideBy(request))
    let pairs = try training.evalData.map { try STSBenchmark.dev(in: $0).subsets }
    var inputs = InputCache(
      evalData: pairs, opening: .init(program: program.file, isElsewhere: request.launcher != .local))
    let all = try variants ?? StrategyVariant.all(request)
    strategies = try Self.lookUp(all, request, program, &inputs, registry)
    try Self.checkSamplers(strategies, all)
    var notes = inputs.encoderLines + inputs.lines + scoring.warnings.map { "warning: " + $0 }
    budget = request.usesBudget ? try Self.budget(strategies, &notes) : nil
    self.notes = notes
  }

  /// The strategies by their plans; those whose plugin ends the process that loads it are known to fail.
  private static func lookUp(
    _ variants: [StrategyVariant], _ request: ComparisonRequest, _ program: Program, _ inputs: inout InputCache,
    _ registry: PluginRegistry
  ) throws -> [PlannedStrategy] {
    var texts: [String] = []
    for variant in variants where !texts.contains(variant.text.text) { texts.append(variant.text.text) }
    let crashes = try StrategyLookUp.crashes(
      texts, program: program.file, arguments: request.run.plugins.arguments)
    return try variants.enumerated().map { index, variant in
      if let place = texts.firstIndex(of: variant.text.text), let reason = crashes[place] {
        return PlannedStrategy(variant, failure: reason)
      }
      var run = request.run
      // Shadows watch the first strategy, to which the others are compared.
      if index > 0 { run.strategy.shadows = [] }
      for value in variant.values { value.apply(to: &run) }
      request.settleEncoder(of: &run)
      try request.settleEvaluationPooler(of: &run)
      let input = try inputs.read(run)
      let strategy = try PlannedStrategy(
        variant, of: run, inputs: input.hashes, totalSteps: input.totalSteps, encoder: input.encoder,
        registry: registry, origin: program.origin)
      try strategy.plan?.checkContrast(rows: input.rows, columns: input.columns)
      return strategy
    }
  }

  /// A comparison with itself under another name shows nothing, and looks as if it showed that nothing is gained.
  /// - Throws: `ComparisonError.usage` for two strategies that differ only in samplers that no loss looks at.
  private static func checkSamplers(_ strategies: [PlannedStrategy], _ variants: [StrategyVariant]) throws {
    for (index, strategy) in strategies.enumerated() {
      guard let plan = strategy.plan, let blind = plan.strategies.first(where: { !$0.unseenSamplers.isEmpty }),
        let sampler = blind.unseenSamplers.first
      else { continue }
      let same = strategies.indices.first { other in
        other != index && strategies[other].plan?.effectiveText == plan.effectiveText
          && variants[other].values == variants[index].values
      }
      guard let same else { continue }
      let losses = blind.losses.map(\.name).joined(separator: ", ")
      throw ComparisonError.usage(
        place: "\(strategy.compared.label) beside \(strategies[same].compared.label)",
        expected: "strategies that train differently",
        found: "the same one: \(losses) looks at embeddings, and so at nothing that sampler \(sampler.name) brings",
        advice: "Leave one of them out, or add a loss on candidates such as infonce")
    }
  }

  /// Rungs are the same steps for all, so all need the same steps.
  private static func budget(_ strategies: [PlannedStrategy], _ notes: inout [String]) throws -> Budget? {
    let plans = strategies.compactMap { strategy in
      strategy.plan.map { (steps: strategy.totalSteps, evalSteps: $0.description.training.evalSteps) }
    }
    guard let first = plans.first else { return nil }
    guard plans.allSatisfy({ $0 == first }) else {
      throw ComparisonError.usage(
        place: "--budget --vary", expected: "runs of the same steps and evaluations, which are compared on the way",
        found: "runs that differ in them", advice: "Leave --budget out, or vary something else")
    }
    let budget = Budget(totalSteps: first.steps, evalSteps: first.evalSteps)
    if budget.rungs.isEmpty {
      notes.append(
        "note: --budget: no evaluation before half of the \(first.steps) steps (--eval-steps \(first.evalSteps)); "
          + "nothing can be given up early")
    }
    return budget
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
    guard let plan = plan(strategy: strategy, seed: seed), let inputs = strategies[strategy].inputs else {
      return RunIdentity([])
    }
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
    let varied = try (request.vary + request.tune).map { try Variation(parsing: $0).name }
    return LookRecord.Entry(
      conditions: shared.hash(ofStrategy: false, varied: varied), planned: request.looks, seeds: seeds,
      strategies: zip(strategies, identities).map { strategy, identity in
        let isKnown = strategy.plan != nil
        return LookRecord.Strategy(
          label: strategy.compared.label,
          key: isKnown
            ? identity.hash(ofStrategy: true, varied: varied)
            : SHA256.digits(of: Array(strategy.compared.canonical.utf8)))
      }, metric: try scoring.deciding(request), isAgainstAll: request.isAgainstAll)
  }

  /// What decides the scores of a strategy's models.
  func scoringDigest(_ strategy: Int) -> String {
    let pooling = evaluationPooling(strategy)?.text ?? ""
    let text = [scoring.digest, pooling, scoring.metrics.map(\.key).joined(separator: "\t")]
    return SHA256.digits(of: Array(text.joined(separator: "\n").utf8))
  }

  /// Arguments of `mixcse evaluate` for a model of one strategy.
  package func evaluateArguments(strategy: Int, model: String, scores: String) -> [String] {
    ["evaluate", "--model", model] + (evaluationPooling(strategy)?.arguments ?? []) + scoring.arguments
      + (strategies[strategy].plan?.description.encoder.scoringArguments ?? [])
      + ["--pair-scores", scores] + (threadsOfRun.map { ["--threads", String($0)] } ?? [])
      + request.run.plugins.arguments
  }

  /// The model that a strategy's runs begin with, and what its scores are known by; nil where there is none, or where
  /// its vectors go through a head that only training makes.
  func before(strategy: Int) -> (model: String, key: String)? {
    guard let model = strategies[strategy].plan?.description.model, let inputs = strategies[strategy].inputs,
      evaluationPooling(strategy)?.usesHead == false
    else { return nil }
    let files = inputs.model.map { "\($0.name)\t\($0.sha256)" }
    let encoder = strategies[strategy].plan?.encoderName.map { [$0] } ?? []
    let text = ([scoringDigest(strategy)] + files + encoder).joined(separator: "\n")
    return (model, String(SHA256.digits(of: Array(text.utf8)).prefix(12)))
  }

  /// The threads there are, shared by the runs that go on at a time. Runs elsewhere take what was asked for; nil: what
  /// they find there.
  var threadsOfRun: Int? {
    switch request.launcher {
    case .local: max(1, threads / request.jobsAtATime)
    // The task says how many processors it has.
    case .slurm: nil
    case .script: request.run.threads
    }
  }

  /// What final models are scored on: the same vectors as the dev scores during training; nil where the strategy cannot
  /// be loaded.
  private func evaluationPooling(_ strategy: Int) -> EvaluationPooling? { strategies[strategy].plan?.evaluationPooling }

  // MARK: - Record

  /// What is needed to repeat the comparison, by name.
  /// - Throws: `PluginError`
  package func record() throws -> [(String, JSONValue)] {
    let origin = program.origin
    let components = try strategies.indices.map { index in
      let identity = try identity(strategy: index, seed: request.seeds.first ?? 0)
      let later = identity.members[RunIdentity.changes]?.array ?? []
      let plugins = identity.members["plugins"]?.array.map { JSONValue.array($0 + later) }
      return (strategies[index].compared.label, plugins ?? JSONValue.null)
    }
    // What varies may be the data or the model.
    let loaded = strategies.filter { $0.inputs != nil }
    let isShared = loaded.allSatisfy { $0.inputs == loaded.first?.inputs && $0.totalSteps == loaded.first?.totalSteps }
    let data =
      isShared
      ? JSONObject(loaded.first?.inputs?.members ?? [])
      : JSONObject(loaded.map { ($0.compared.label, .object(JSONObject($0.inputs?.members ?? []))) })
    let steps: JSONValue =
      isShared
      ? .integer(loaded.first?.totalSteps ?? 0)
      : .object(JSONObject(loaded.map { ($0.compared.label, .integer($0.totalSteps)) }))
    return [
      ("made", .string(Date().formatted(.iso8601))),
      ("mixcse", .string(origin.version)), ("commit", .string(origin.commit)), ("compiler", .string(origin.compiler)),
      ("processor", .string(Self.processor)), ("plan", request.planText.map { .string($0) } ?? .null),
      ("flags", flagsRecord), ("data", .object(data)), ("totalSteps", steps),
      ("threads", .integer(threads)), ("jobs", .integer(request.jobsAtATime)),
      ("strategies", .object(JSONObject(components))),
    ] + (try encoderRecord.map { [("encoder", $0)] } ?? [])
  }

  /// The encoders beside this program's own: the one that all strategies share, or those that vary by strategy; nil
  /// where all have this program's own.
  private var encoderRecord: JSONValue? {
    get throws {
      let records = try strategies.indices.filter { strategies[$0].plan != nil }.map { index in
        (strategies[index].compared.label, try record(ofEncoder: index))
      }
      guard let first = records.first?.1, records.contains(where: { $0.1 != .null }) else { return nil }
      return records.allSatisfy { $0.1 == first } ? first : .object(JSONObject(records))
    }
  }

  /// What identifies the encoder of a strategy's runs, and what it said of itself.
  private func record(ofEncoder strategy: Int) throws -> JSONValue {
    let identity = try identity(strategy: strategy, seed: request.seeds.first ?? 0)
    guard var record = identity.members[RunIdentity.encoder]?.object else { return .null }
    if let opened = strategies[strategy].encoder {
      record["library"] = .string(opened.library)
      record["deviceName"] = opened.deviceName.isEmpty ? nil : .string(opened.deviceName)
    }
    return .object(record)
  }

  /// The processor's name; empty where the system does not say.
  private static var processor: String {
    let data = FileManager.default.contents(atPath: "/proc/cpuinfo") ?? Data()
    let line = String(decoding: data, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.split(separator: " ").joined(separator: " ") } ?? ""
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
  /// - Parameter varied: flags that are different on purpose, so that they belong to the strategy.
  fileprivate func hash(ofStrategy: Bool, varied: [String]) -> String {
    let own = ["--seed", "--schedule", "--shadow", "plugins", Self.changes]
    let components = members["plugins"]?.array ?? []
    let isShared = { (use: JSONValue) in
      use.object?["kind"]?.string == ComponentKind.pooler.rawValue && !varied.contains { $0.hasSuffix("pooler") }
    }
    let isEncoderVaried = varied.contains { ["encoder", "precision"].contains($0) }
    let isVaried = { (key: String) in
      varied.contains { key == "--\($0)" || key.hasPrefix("--\($0) ") }
        || isEncoderVaried && [Self.encoder, "--precision"].contains(key)
    }
    let others = members.keys.filter { !own.contains($0) }.map { ($0, members[$0] ?? .null) }
    return ofStrategy
      ? RunIdentity(
        [
          ("--schedule", members["--schedule"] ?? .null), ("plugins", .array(components.filter { !isShared($0) })),
        ] + (members[Self.changes].map { [(Self.changes, $0)] } ?? []) + others.filter { isVaried($0.0) }
      ).hash
      : RunIdentity(others.filter { !isVaried($0.0) } + [("plugins", .array(components.filter(isShared)))]).hash
  }
}
