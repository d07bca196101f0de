// `--frozen`: what such a run refuses, and the embeddings it learns on. Used by TrainingPlan.

import Evaluation
import Files
import Host
import Kernels
import Objective

extension TrainingPlan {
  /// Flags that make no sense beside `--frozen`, before anything is loaded.
  /// - Throws: `TrainingError.usage`.
  func checkFrozenFlags() throws {
    guard options.isFrozen else { return }
    let problems = [
      (options.trainsMaskedLanguage, "--mlm", "It trains the encoder, which --frozen leaves as it is"),
      (
        description.pooling.headTrainOnly, "--head-train-only",
        "The head is what --frozen trains and scores, so it is kept"
      ),
      (options.chunkSize != nil, "--chunk-size", "The encoder has no part in the steps of --frozen"),
      (evaluationPooler != nil, "--eval-pooler", "The frozen pooler with its head is what is scored"),
    ]
    for (isGiven, flag, reason) in problems where isGiven {
      throw TrainingError.usage(
        place: "--frozen \(flag)", expected: "one of the two", found: "both", advice: "\(reason); leave one out")
    }
  }

  /// - Throws: `TrainingError.usage` where nothing could learn, or pooled vectors would not stay as they are.
  private func checkFrozen(_ objective: ContrastiveModel) throws {
    let poolers = objective.pooling.instances
    let changing = poolers.flatMap(\.weights).map(\.name) + poolers.flatMap(\.states).map(\.name)
    guard changing.isEmpty else {
      throw TrainingError.usage(
        place: "--frozen --pooler \(pooler.text)", expected: "a pooler that neither learns nor remembers",
        found: changing.joined(separator: ", "),
        advice: "Its vectors would change from step to step: choose cls, avg, avg_first_last, avg_top2 or max")
    }
    try checkFrozen(encodings: objective.wantedEncodings)
    guard !objective.parameters.isEmpty else {
      throw TrainingError.usage(
        place: "--frozen --pooler \(pooler.text) --head \(head.rawValue)", expected: "something that can learn",
        found: "no head, and no weight in samplers and losses", advice: "Add --head mlp (or --learn-temperature)")
    }
  }

  /// - Throws: `TrainingError.usage` for encodings that only an encoder can make which runs in every step.
  func checkFrozen(encodings: [PlannedEncoding]) throws {
    for encoding in encodings {
      if case .guide = encoding.source { continue }
      throw TrainingError.usage(
        place: "--frozen", expected: "samplers and losses that read embeddings and guides alone",
        found: "one that asks for \(encoding)",
        advice: "The encoder does not run again in such a run; leave out --frozen, or that sampler or loss")
    }
  }

  /// Puts a model in the place of `model` whose encoder stays as it is, with evaluations that go through its head.
  /// - Throws: `TrainingError.usage` for what cannot be frozen or does not fit, errors of the encoder and the data.
  func freeze(
    _ setup: inout TrainingSetup, _ model: SentenceModel, embedder: SentenceEmbedder, task: STSTask?
  ) throws {
    try checkFrozen(model.objective)
    let vectors = try embedRows(model, setup)
    setup.model = FrozenModel(model, vectors: vectors.held)
    setup.record += [("frozen", vectors.record)]
    guard let task else { return }
    let frozen = FrozenEmbedder(embedder)
    let (pool, display) = (setup.pool, setup.display)
    func score(useHead: Bool) throws -> DevelopmentScore {
      DevelopmentScore(
        task: task, dimensions: try narrowDimensions, embed: { try frozen.embed($0, useHead: useHead) }, pool: pool,
        display: display)
    }
    let bare = try score(useHead: false).evaluate(step: 0)
    display.note("frozen: Spearman \(bare.text) on \(bare.pairs) pairs without the head")
    setup.withoutHead = bare
    setup.evaluate = try score(useHead: true).evaluate
  }

  /// The rows of the first epoch's batches, or of as many as the run has steps for, each embedded as the training step
  /// of its batch would: so the first epoch's losses are those of a run whose encoder does not move.
  private func embedRows(
    _ model: SentenceModel, _ setup: TrainingSetup
  ) throws -> (held: RowVectors, record: JSONValue) {
    let began = ContinuousClock.now
    let rows = setup.data.rows
    let order = DataOrder(rows: rows, seed: options.seed, isShuffled: options.isShuffled)
    let (batches, visited) = visits(rows)
    let (views, width) = (setup.batches.views, model.objective.outputWidth)
    let bytes = try RowVectors.bytes(
      rows: visited, views: views, width: width, available: RowVectors.availableBytes())
    setup.display.note(
      "frozen: embedding \(visited) of \(rows) rows in \(views) views of \(width) numbers, \(bytes >> 10) KiB")
    let held = RowVectors(rows: rows, capacity: visited, views: views, width: width)
    let pooled = ScratchBuffer()
    for batch in 0..<batches {
      let members = order.batch(epoch: 0, position: batch * options.batchSize, size: options.batchSize)
      let count = members.count * views
      let target = Matrix(pooled.reserve(count * width), rows: count, columns: width)
      let position = StepPosition(batch: UInt64(batch))
      try model.pool(try setup.batches.batch(rows: members, at: position), at: position, into: target)
      held.store(members, target)
      if batch > 0, batch % 1000 == 0 { setup.display.note("frozen: \(batch * options.batchSize) of \(visited) rows") }
    }
    let elapsed = (ContinuousClock.now - began).seconds
    setup.display.note("frozen: embedded in \(fixed(elapsed, 1)) s")
    let record = JSONObject([
      ("rows", .integer(visited)), ("views", .integer(views)), ("width", .integer(width)), ("bytes", .integer(bytes)),
      ("seconds", .number(elapsed)),
    ])
    return (held, .object(record))
  }
}

/// Embeds an evaluation's sentences once, before the head; afterwards only the head is computed.
final class FrozenEmbedder {
  private let embedder: SentenceEmbedder
  private var sentences: [String] = []
  private var pooled: EmbeddingTable?

  init(_ embedder: SentenceEmbedder) { self.embedder = embedder }

  func embed(_ wanted: [String], useHead: Bool) throws -> EmbeddedSentences {
    let table: EmbeddingTable
    if let pooled, sentences == wanted {
      table = pooled
    } else {
      table = try embedder.embed(wanted, options: EmbeddingOptions(useHead: false))
      (sentences, pooled) = (wanted, table)
    }
    guard useHead else { return EmbeddedSentences(matrix: table.matrix, owner: table) }
    let owner = FloatBuffer(count: table.matrix.rows * table.matrix.columns)
    let vectors = owner.matrix(rows: table.matrix.rows, columns: table.matrix.columns)
    embedder.pooling.applyHead(table.matrix, into: vectors)
    return EmbeddedSentences(matrix: vectors, owner: owner)
  }
}
