// What a plan opens: encoder, poolers, head and objective as one model, and how it is scored during training.

import Encoder
import Evaluation
import Host
import Kernels
import ModelFiles
import Objective
import Ranks
import Tokenizer

extension TrainingPlan {
  /// The model of the run, with weights read and plugins made.
  /// - Throws: errors of the encoder, `PluginError`, `PluginFailure`, `TrainingError.usage`
  func makeModel(
    _ source: ModelFolder, _ files: [RunInputs.FileDigest], _ data: TrainingData, _ tokenizer: any Tokenizer,
    _ guides: [Guide], addedViews: Int, services: HostServices, display: ProgressDisplay
  ) throws -> SentenceModel {
    let weights = try source.openWeights()
    let encoder = try makeEncoder(source, weights: weights, services: services, display: display)
    let objective = try makeObjective(
      encoder, data, addedViews: addedViews, guides, documents(data, tokenizer, services), services: services,
      display: display)
    let further = FurtherEncodings(
      guides: guides,
      averages: .init(pooler: pooler, services: services, openEncoder: anotherEncoder(services)))
    let masked = try makeMaskedObjective(encoder, weights: weights, tokenizer: tokenizer, display: display)
    let ranked = try rankedEncoder(encoder, masked: masked != nil, services: services, display: display)
    let model = SentenceModel(
      source: source, encoder: encoder, ranks: ranked, chunkSize: options.chunkSize, objective: objective,
      dropout: options.dropout, seed: options.seed, export: exportSettings(objective),
      seal: ModelSeal(folder: source.path, files),
      masked: masked, further: further)
    if data.columns == 1, strategy.augmenters.isEmpty, model.hiddenDropout == 0, model.attentionDropout == 0 {
      display.note(
        "note: without dropout the two views of a sentence are the same"
          + (options.dropout == nil ? ", and \(description.model) asks for none: --dropout 0.1 sets it" : ""))
    }
    if !options.isFrozen { try further.prepare(for: model) }
    return model
  }

  /// This program's own encoder, or the plugin's of the run.
  private func makeEncoder(
    _ source: ModelFolder, weights: WeightTable, services: HostServices, display: ProgressDisplay
  ) throws -> any SentenceEncoder {
    guard let encoder else {
      if let note = description.encoder.ownPrecision.note { display.note("note: " + note) }
      return try TransformerEncoder(
        configuration: source.configuration, weights: weights, pool: services.pool, seed: options.seed,
        precision: description.encoder.ownPrecision)
    }
    let opened = try placed {
      try encoder.open(
        source, weights: weights, services: services, seed: options.seed, masked: options.trainsMaskedLanguage)
    }
    display.note(opened.text(encoder))
    return opened
  }

  /// Opens the plugin's encoder once more, for other weights: of transformers in another process. Nil for this
  /// program's own.
  private func anotherEncoder(_ services: HostServices) -> (() throws -> PluginEncoder)? {
    guard let encoder else { return nil }
    return {
      let folder = try openModel(services, masked: false)
      return try encoder.open(folder, weights: folder.openWeights(), services: services, seed: options.seed)
    }
  }

  /// The document frequencies of the run's text, counted where a pooler asks for them.
  private func documents(
    _ data: TrainingData, _ tokenizer: any Tokenizer, _ services: HostServices
  ) -> DocumentSource {
    .text(
      DocumentFrequencies(
        of: data, tokenizer: tokenizer, maximumLength: options.maximumLength,
        threads: services.pool.threads))
  }

  private func makeObjective(
    _ encoder: any SentenceEncoder, _ data: TrainingData, addedViews: Int, _ guides: [Guide],
    _ documents: DocumentSource, services: HostServices, display: ProgressDisplay
  ) throws -> ContrastiveModel {
    let views = max(2, data.columns) + addedViews
    return try ContrastiveModel(
      try configuration, pooler: pooler, head: head, hiddenWidth: encoder.hiddenSize, layerCount: encoder.layerCount,
      maxRows: options.batchSize, maxTokens: options.batchSize * views * options.maximumLength, views: views,
      supervision: data.supervision, guideWidths: guides.map(\.width), vocabularySize: encoder.vocabularySize,
      documents: documents, addedViews: addedViews, texts: RowTexts(of: data), services: services, shadows: shadows,
      say: display.note)
  }

  /// The strategy that the run begins with, and the settings around every one.
  /// - Throws: `DimensionProblem`
  var configuration: ObjectiveConfiguration {
    get throws {
      var configuration = ObjectiveConfiguration(
        strategy: strategy, temperature: description.strategy.temperature, seed: options.seed)
      configuration.learnTemperature = description.strategy.learnsTemperature
      configuration.hardNegativeWeight = description.strategy.hardNegativeWeight
      configuration.dimensions = try dimensions
      return configuration
    }
  }

  /// The augmenters of a strategy; nil where there are none.
  /// - Throws: `PluginFailure`
  func augmentation(
    _ strategy: Strategy, _ source: ModelFolder, views: Int, _ tokenizer: any Tokenizer, services: HostServices
  ) throws -> Augmentation? {
    guard !strategy.augmenters.isEmpty else { return nil }
    let encoder = source.shape
    return try Augmentation(
      strategy.augmenters,
      limits: PluginLimits(
        maxRows: options.batchSize, width: encoder.hiddenSize,
        maxTokens: options.batchSize * views * options.maximumLength, maxSequences: options.batchSize * views,
        layerCount: encoder.layerCount + 1, viewCount: views),
      tokenizer: tokenizer, vocabularySize: min(encoder.vocabularySize, tokenizer.vocabularySize),
      maximumTokens: encoder.maximumPositions, services: services, seed: options.seed)
  }

  private func makeMaskedObjective(
    _ encoder: any SentenceEncoder, weights: WeightTable, tokenizer: any Tokenizer, display: ProgressDisplay
  ) throws -> MaskedLanguageObjective? {
    guard options.trainsMaskedLanguage else { return nil }
    guard let maskID = tokenizer.maskID else {
      throw TrainingError.usage(
        place: "--mlm", expected: "a tokenizer with a mask token", found: "none in \(description.model)",
        advice: "Leave --mlm out, or add the mask token to the tokenizer's files")
    }
    guard maskID < encoder.vocabularySize else {
      throw TrainingError.usage(
        place: "--mlm", expected: "a mask token that the model has a vector for",
        found: "id \(maskID), where ids end at \(encoder.vocabularySize - 1)",
        advice: "Leave --mlm out, or give the model's word matrix the rows of its tokenizer")
    }
    let head = try maskedHead(encoder, weights: weights)
    if !head.isPretrained {
      display.note(
        "note: \(description.model) has no head for masked language modelling; it starts from random numbers")
    }
    return MaskedLanguageObjective(
      head: head, maskID: maskID, vocabularySize: min(tokenizer.vocabularySize, encoder.vocabularySize),
      weight: options.maskedLanguageWeight ?? 0.1, probability: options.maskedLanguageProbability ?? 0.15,
      seed: options.seed)
  }

  private func maskedHead(
    _ encoder: any SentenceEncoder, weights: WeightTable
  ) throws -> MaskedLanguageObjective.Head {
    if let own = encoder as? TransformerEncoder {
      return .here(try MaskedLanguageHead(own, weights: weights, seed: options.seed))
    }
    guard let words = encoder.maskedWords else { preconditionFailure("it was opened with a head (makeEncoder)") }
    return .there(words)
  }

  /// Puts the scoring of the run into its setup; a run with `--frozen` gets its model there, too.
  func addEvaluation(
    to setup: inout TrainingSetup, _ model: SentenceModel, task: STSTask?, tokenizer: any Tokenizer,
    services: HostServices
  ) throws {
    let embedder = try makeEmbedder(
      model, tokenizer: tokenizer, documents: documents(setup.data, tokenizer, services), services: services)
    setup.evaluate = try task.map {
      DevelopmentScore(
        task: $0, dimensions: try narrowDimensions, embed: embedder.embed, pool: services.pool, display: setup.display
      ).evaluate
    }
    if options.isFrozen { try freeze(&setup, model, embedder: embedder.embedder, task: task) }
  }

  /// The widths of the run; nil where embeddings are trained as a whole only.
  private var dimensions: DimensionShares? {
    get throws { try description.strategy.dimensions.map { try DimensionShares(parsing: $0) } }
  }

  /// Those below the whole.
  var narrowDimensions: [Int] { get throws { (try dimensions?.shares.dropFirst() ?? []).map(\.dimension) } }

  /// How many batches embed each row that the run visits once, and how many rows these are.
  func visits(_ rows: Int) -> (batches: Int, rows: Int) {
    let epoch = (rows + options.batchSize - 1) / options.batchSize
    let (asked, isHuge) = (isTrial ? 2 : options.totalSteps(rows: rows)).multipliedReportingOverflow(
      by: options.gradientAccumulation)
    let batches = isHuge ? epoch : min(epoch, asked)
    return (batches, min(rows, batches * options.batchSize))
  }

  /// What evaluations during training score.
  package var evaluationPooling: EvaluationPooling {
    EvaluationPooling(
      training: pooler.spec, hasHead: head != .none, asked: evaluationPooler?.spec, isFrozen: options.isFrozen)
  }

  /// The training pooler itself, with its learned weights, or another one beside it.
  private func makeEmbedder(
    _ model: SentenceModel, tokenizer: any Tokenizer, documents: DocumentSource, services: HostServices
  ) throws -> EvaluationEmbedder {
    let encoder = model.encoder
    let evaluation = evaluationPooling
    let pooling =
      try evaluation.isTrainingPooler
      ? model.objective.pooling
      : PoolingStack(
        pooler: evaluationPooler ?? pooler, head: .none, hiddenWidth: encoder.hiddenSize,
        layerCount: encoder.layerCount, services: services, seed: options.seed,
        vocabularySize: encoder.vocabularySize, documents: documents)
    return EvaluationEmbedder(
      embedder: SentenceEmbedder(tokenizer: tokenizer, encoder: model.embedding, pooling: pooling),
      useHead: evaluation.usesHead)
  }

  private func exportSettings(_ objective: ContrastiveModel) -> SentenceModel.ExportSettings {
    let used = objective.instances.map(\.component) + changes.flatMap { $0.strategy.uses.map(\.component) }
    let components = used.map { "\($0.library.id) \($0.library.version)" }
    let versions = Dictionary(
      components.map { name in
        let parts = name.split(separator: " ", maxSplits: 1)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }, uniquingKeysWith: { first, _ in first })
    return SentenceModel.ExportSettings(
      pooler: pooler.text, dropsHead: description.pooling.headTrainOnly,
      record: ModelExport.Record(
        temperature: objective.instances.compactMap { $0.values.double("temperature") }.first,
        strategy: changes.isEmpty ? strategy.text : strategyText, versions: versions))
  }
}
