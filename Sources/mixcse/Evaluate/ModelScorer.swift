// From a model folder to figures: opens poolers, encodes every distinct sentence once, scores. Used by the evaluate
// command.

import ArgumentParser
import Evaluation
import Host
import Kernels
import ModelFiles
import Objective
import Ranks

/// The figures of one pooler.
struct PoolerResult {
  /// The pooler as typed, or as the panel names it.
  var pooler: String
  /// What the model was trained with, or its folder records.
  var isRecorded: Bool
  var scores: EvaluationScores
}

/// Scores one model.
struct ModelScorer {
  let suite: EvaluationSuite
  let options: EmbedderOptions
  let intervals: Bool
  let progress: ProgressLine
  /// The processes that share encoding and classifiers; nil where there is one.
  var ranks: RankGroup?
  /// Threads of this one; its profile gets what takes time.
  let pool: ThreadPool

  /// The pooler of `--pooler`, or the folder's own; then its first so many dimensions.
  func scoreOne(_ folder: ModelFolder, dimensions: [Int] = []) throws -> [PoolerResult] {
    let pooler = try options.poolerSpec(for: folder)
    let own = try Self.ownPooler(folder)
    if folder.settings.similarity != "cosine" {
      printToStandardError(
        "note: this model asks for \(folder.settings.similarity) (similarity_fn_name); figures are of the cosine")
    }
    if folder.sentencePooling?.normalizes == true, !suite.transfer.isEmpty {
      printToStandardError("note: transfer tasks are scored on vectors before the Normalize module of this model")
    }
    if let own, !own.isSame(as: pooler) {
      printToStandardError(
        "note: this model \(own.isTrained ? "was trained" : "is meant to be used") with \(own.text); scoring it with "
          + "\(pooler.label)")
    }
    let embedder = try pool.profile.measure("model/weights and tokenizer") {
      try options.embedder(folder, pooler: pooler, keepsLength: true, pool: pool, ranks: ranks)
    }
    if let wide = dimensions.first(where: { $0 > embedder.width }) {
      throw ValidationError("--dims: expected widths up to \(embedder.width), that of the embeddings, found \(wide)")
    }
    let variants = [PoolingVariant(stack: embedder.pooling, useHead: true)]
    let scores = try score(embedder, variants, dimensions: dimensions)
    return zip(["\(pooler.label)"] + dimensions.map { "\(pooler.label), first \($0)" }, scores).map { label, scores in
      PoolerResult(pooler: label, isRecorded: own?.isSame(as: pooler) ?? false, scores: scores)
    }
  }

  /// Every pooler and head, over one encoding.
  func scoreAll(_ folder: ModelFolder) throws -> [PoolerResult] {
    let logger = commandLogger()
    let services = HostServices(pool: pool, logger: logger)
    let registry = try options.plugins.registry(logger: logger, services: services)
    let panel = try pool.profile.measure("model/weights and tokenizer") {
      try PoolerPanel(
        folder, registry: registry, services: services, prompt: options.prompt.text(for: folder),
        encoder: options.encoder(of: folder, registry: registry, services: services, ranks: ranks))
    }
    for note in panel.notes { printToStandardError("note: " + note) }
    let scores = try score(panel.embedder, panel.entries.map(\.variant))
    return zip(panel.entries, scores).map { PoolerResult(pooler: $0.label, isRecorded: $0.isRecorded, scores: $1) }
  }

  /// Each variant as a whole, then the first so many of its dimensions.
  private func score(
    _ embedder: SentenceEmbedder, _ variants: [PoolingVariant], dimensions: [Int] = []
  ) throws -> [EvaluationScores] {
    let collection = pool.profile.measure("data/distinct sentences") { suite.sentences }
    let tables = try embedder.embed(collection.sentences, with: variants) {
      progress.show("encoding", done: $0, total: $1, unit: "sentences")
    }
    if let cut = tables.first?.truncatedLines, cut > 0 {
      progress.note("note: \(cut) sentences were longer than \(embedder.maximumLength) tokens and were cut")
    }
    return tables.flatMap { embedded in
      ([embedded.matrix.columns] + dimensions).map { width in
        let table = SentenceTable(collection, matrix: embedded.matrix.firstColumns(width), owner: embedded)
        return suite.score(table, pool: pool, intervals: intervals, group: ranks) { task, done, total in
          progress.show(task, done: done, total: total, unit: "classifiers")
        }
      }
    }
  }

  /// The pooling that belongs to a model.
  private struct OwnPooler {
    var spec: PoolerSpec
    var isTrained: Bool
    var hasHead: Bool
    var text: String

    /// Without a head in the folder, `cls` and `cls_before_pooler` are the same.
    func isSame(as other: PoolerSpec) -> Bool {
      spec.chain == other.chain && (spec.skipsHead == other.skipsHead || !hasHead)
    }
  }

  private static func ownPooler(_ folder: ModelFolder) throws -> OwnPooler? {
    guard let record = folder.sentencePooling, let spec = try SentenceEmbedder.usablePooler(folder) else {
      return nil
    }
    let isTrained = record.origin == .mixcse
    let head =
      switch (record.head, record.learnedModules) {
      case (.dropped, _): " (a head that was dropped after training came behind it)"
      case (_, let modules?): isTrained ? " and a head" : " and \(modules)"
      case (_, nil): ""
      }
    return OwnPooler(
      spec: spec, isTrained: isTrained, hasHead: record.learnedModules != nil, text: spec.text + head)
  }
}
