// From what the user asked for to a run ready to start: model, data, strategy, evaluation, and the record of it all.
// Used by the train command (and by whoever compares strategies).

import Encoder
import Evaluation
package import Files
import Foundation
package import Host
import Kernels
import ModelFiles
package import Objective
import Processes
import Tokenizer

/// A training run by its ingredients.
package struct TrainingPlan {
  package var modelFolder: String
  package var options: TrainingOptions
  package var strategy: Strategy
  package var pooler: PoolerSpec
  package var head: HeadKind
  /// The head is dropped after training.
  package var headTrainOnly = false
  /// The pooler of evaluations during training; nil: the training pooler without the head.
  package var evaluationPooler: PoolerSpec?
  package var temperature: Double?
  package var learnTemperature = false
  package var hardNegativeWeight = 0.0
  /// Strategies that look on.
  package var shadows: [ShadowStrategy] = []
  /// Lets rebuilt plugins in; the registry must have copied its libraries.
  package var reload: PluginReloader.Settings?
  /// Numbers that change from step to step.
  package var schedules: [ValueSchedule] = []
  /// Further facts for run.json: versions, the command line.
  package var record: [(String, JSONValue)] = []

  package init(
    modelFolder: String, options: TrainingOptions, strategy: Strategy, pooler: PoolerSpec, head: HeadKind
  ) {
    self.modelFolder = modelFolder
    self.options = options
    self.strategy = strategy
    self.pooler = pooler
    self.head = head
  }

  /// Opens, reads and checks everything; training has not started.
  /// - Throws: the errors of all modules below, each with its exit code.
  package func prepare(
    registry: PluginRegistry, services: HostServices, display: ProgressDisplay
  ) throws -> TrainingRun {
    let source = try ModelFolder(path: modelFolder)
    let modelDigest = weightsFile.map { path in Background { try fileDigest(path).sha256 } }
    try options.check(maximumTokens: source.configuration.maximumPositions)
    try checkFrozenFlags()
    let tokenizer = try TokenizerFolder.load(modelFolder)
    let task = try options.evalData.map { try STSBenchmark.dev(in: $0) }
    for warning in task?.warnings ?? [] { display.note("warning: " + warning) }
    let folder = OutputFolder(path: options.outputFolder)
    try folder.prepare(resume: options.resume, overwrite: options.overwrite)
    let data = try TrainingData(path: options.trainFile, spoolFolder: options.outputFolder)
    for line in data.report.lines { display.note(line) }
    let pool = services.pool
    let weights = try source.openWeights()
    let encoder = try TransformerEncoder(
      configuration: source.configuration, weights: weights, pool: pool, seed: options.seed)
    let batches = BatchMaker(
      data: data, tokenizer: tokenizer, maximumLength: options.maximumLength, threads: pool.threads)
    let objective = try makeObjective(
      encoder, views: batches.views, registry: registry, services: services, display: display)
    let model = SentenceModel(
      source: source, encoder: encoder, objective: objective, dropout: options.dropout,
      export: exportSettings(objective),
      masked: try makeMaskedObjective(encoder, weights: weights, tokenizer: tokenizer, display: display))
    let embedder = try makeEmbedder(
      encoder, tokenizer: tokenizer, objective: objective, registry: registry, services: services)
    var setup = TrainingSetup(
      options: options, data: data, batches: batches, model: model, pool: pool,
      evaluate: task.map {
        DevelopmentScore(task: $0, embed: embedder.embed, pool: pool, display: display).evaluate
      },
      fingerprint: try fingerprint(data, objective, task: task, modelDigest: try modelDigest?.value()),
      record: record(objective, threads: pool.threads), display: display)
    setup.reloader = try reload.map {
      try PluginReloader(
        model: objective, registry: registry, settings: $0, seed: options.seed, note: { display.note($0) })
    }
    setup.schedules = try RunningSchedule.bind(
      schedules, to: objective.instances, options: options, learnsTemperature: learnTemperature)
    if options.isFrozen { try freeze(&setup, model, embedder: embedder.embedder, task: task) }
    return TrainingRun(setup)
  }

  private func makeObjective(
    _ encoder: TransformerEncoder, views: Int, registry: PluginRegistry, services: HostServices,
    display: ProgressDisplay
  ) throws -> ContrastiveModel {
    var configuration = ObjectiveConfiguration(strategy: strategy, temperature: temperature, seed: options.seed)
    configuration.learnTemperature = learnTemperature
    configuration.hardNegativeWeight = hardNegativeWeight
    return try ContrastiveModel(
      configuration, pooler: pooler, head: head, hiddenWidth: encoder.hiddenSize, layerCount: encoder.layerCount,
      maxRows: options.batchSize, maxTokens: options.batchSize * views * options.maximumLength, views: views,
      registry: registry, services: services, shadows: shadows, say: display.note)
  }

  private func makeMaskedObjective(
    _ encoder: TransformerEncoder, weights: WeightTable, tokenizer: any Tokenizer, display: ProgressDisplay
  ) throws -> MaskedLanguageObjective? {
    guard let weight = options.maskedLanguageWeight else { return nil }
    guard let maskID = tokenizer.maskID else {
      throw TrainingError.usage(
        place: "--mlm", expected: "a tokenizer with a mask token", found: "none in \(modelFolder)",
        advice: "Leave --mlm out, or add the mask token to the tokenizer's files")
    }
    let head = try MaskedLanguageHead(encoder, weights: weights, seed: options.seed)
    if !head.isPretrained {
      display.note("note: \(modelFolder) has no head for masked language modelling; it starts from random numbers")
    }
    return MaskedLanguageObjective(
      encoder: encoder, head: head, maskID: maskID, vocabularySize: tokenizer.vocabularySize, weight: weight,
      probability: options.maskedLanguageProbability, seed: options.seed)
  }

  // MARK: - Evaluation

  /// What evaluations during training score.
  private var evaluationPooling: EvaluationPooling {
    EvaluationPooling(
      training: pooler, hasHead: head != .none, asked: evaluationPooler, isFrozen: options.isFrozen)
  }

  /// The training pooler itself, with its learned weights, or another one beside it.
  private func makeEmbedder(
    _ encoder: TransformerEncoder, tokenizer: any Tokenizer, objective: ContrastiveModel, registry: PluginRegistry,
    services: HostServices
  ) throws -> EvaluationEmbedder {
    let evaluation = evaluationPooling
    let pooling =
      try evaluation.isTrainingPooler
      ? objective.pooling
      : PoolingStack(
        pooler: evaluation.pooler, head: .none, hiddenWidth: encoder.hiddenSize, layerCount: encoder.layerCount,
        registry: registry, services: services, seed: options.seed)
    return EvaluationEmbedder(
      embedder: SentenceEmbedder(tokenizer: tokenizer, encoder: encoder, pooling: pooling),
      useHead: evaluation.usesHead)
  }

  // MARK: - What is written down

  private func exportSettings(_ objective: ContrastiveModel) -> SentenceModel.ExportSettings {
    let components = objective.instances.map { "\($0.component.library.id) \($0.component.library.version)" }
    let versions = Dictionary(
      components.map { name in
        let parts = name.split(separator: " ", maxSplits: 1)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }, uniquingKeysWith: { first, _ in first })
    return SentenceModel.ExportSettings(
      pooler: pooler.text, dropsHead: headTrainOnly,
      record: ModelExport.Record(
        temperature: objective.instances.compactMap { $0.values.double("temperature") }.first,
        strategy: strategy.text, versions: versions))
  }

  /// The file of the model's weights, where they are in one.
  private var weightsFile: String? {
    ["model.safetensors", "pytorch_model.bin"].map { modelFolder + "/" + $0 }
      .first { FileManager.default.fileExists(atPath: $0) }
  }

  /// Everything a resumed run must agree in.
  private func fingerprint(
    _ data: TrainingData, _ objective: ContrastiveModel, task: STSTask?, modelDigest: String?
  ) throws -> [(String, JSONValue)] {
    // Left out where there are none, so that older checkpoints go on.
    let scheduled = schedules.isEmpty ? [] : [("--schedule", JSONValue.array(schedules.map(\.record)))]
    return options.deciding + scheduled + [
      ("--train-file (sha256)", .string(data.report.sha256)),
      ("--eval-data (pairs)", task.map { .integer($0.subsets.reduce(0) { $0 + $1.count }) } ?? .null),
      ("--model (weights' sha256)", modelDigest.map { .string($0) } ?? .null),
      ("strategy", .string(strategy.text)), ("--pooler", .string(pooler.text)), ("--head", .string(head.rawValue)),
      ("--head-train-only", .bool(headTrainOnly)), ("--eval-pooler", .string(evaluationPooling.text)),
      ("--temperature", temperature.map { .number($0) } ?? .null), ("--learn-temperature", .bool(learnTemperature)),
      ("--hard-negative-weight", .number(hardNegativeWeight)), ("plugins", Self.pluginRecord(objective)),
    ]
  }

  static func pluginRecord(_ objective: ContrastiveModel) -> JSONValue {
    pluginRecord(objective.instances, firstTemperatures: objective.firstTemperatures)
  }

  private func shadowRecord(_ objective: ContrastiveModel) -> JSONValue {
    .array(
      (objective.shadows?.entries ?? []).map { entry in
        .object(
          JSONObject([
            ("label", .string(entry.label)), ("strategy", .string(entry.strategy.text)),
            ("plugins", Self.pluginRecord(entry.instances)),
          ]))
      })
  }

  private static func pluginRecord(
    _ instances: [PluginInstance], firstTemperatures: [String: String] = [:]
  ) -> JSONValue {
    .array(
      instances.map { instance in
        let library = instance.component.library
        let first = firstTemperatures[instance.name]
        let settings = instance.values.resolved.map { name, text in
          (name, JSONValue.string(name == "temperature" ? first ?? text : text))
        }
        return .object(
          JSONObject([
            ("instance", .string(instance.name)), ("kind", .string(instance.component.kind.rawValue)),
            ("id", .string(instance.component.id)), ("version", .string(library.version)),
            ("sha256", .string(library.sha256)), ("parameters", .object(JSONObject(settings))),
          ]))
      })
  }

  private func record(_ objective: ContrastiveModel, threads: Int) -> [(String, JSONValue)] {
    record + [
      ("model", .string(modelFolder)), ("outputDir", .string(options.outputFolder)),
      ("evalData", options.evalData.map { .string($0) } ?? .null), ("strategy", .string(strategy.text)),
      ("expansions", .array(strategy.expansions.map { .string($0) })), ("pooler", .string(pooler.text)),
      ("head", .string(head.rawValue)), ("headTrainOnly", .bool(headTrainOnly)),
      ("evalPooler", .string(evaluationPooling.text)), ("temperature", temperature.map { .number($0) } ?? .null),
      ("learnTemperature", .bool(learnTemperature)), ("hardNegativeWeight", .number(hardNegativeWeight)),
      ("schedules", .array(schedules.map(\.record))),
      ("threads", .integer(threads)), ("plugins", Self.pluginRecord(objective)),
      ("shadows", shadowRecord(objective)),
    ]
  }
}
