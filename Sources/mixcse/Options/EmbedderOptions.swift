// The flags that name a model and a pooling; shared by the subcommands that embed text.

import ArgumentParser
import Encoder
import Host
import Kernels
import ModelFiles
import Objective
import Ranks
import Training

/// `--model`, `--pooler`, `--threads` and the plugins' flags.
struct EmbedderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder: config.json, weights, tokenizer files; or the name of a model in the Hub's local cache.",
      valueName: "dir"), completion: .directory)
  var model: String

  @OptionGroup var prompt: PromptOptions

  @Option(
    help: ArgumentHelp(
      """
      cls, cls_before_pooler, avg, avg_top2, avg_first_last, max, weighted, or any plugin's. \
      (default: what the folder records, else avg)
      """,
      valueName: "name[:param=value,...][+name]"), completion: .poolers)
  var pooler: String?

  @Flag(
    name: .customLong("before-head"),
    help: "Take the pooler's vector before the head, whatever the pooler; for cls that is cls_before_pooler.")
  var beforeHead = false

  @OptionGroup(title: "Encoder") var encoder: EncoderOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  /// The pooler that was asked for, else the folder's; what there is to tell is said.
  func poolerSpec(for folder: ModelFolder) throws -> PoolerSpec {
    try SentenceEmbedder.pooler(pooler, beforeHead: beforeHead, of: folder, say: note)
  }

  /// Opens the model with a pooler.
  /// - Parameters:
  ///   - keepsLength: leave a Normalize module at the end out.
  ///   - ranks: the processes that share the work.
  func embedder(
    _ folder: ModelFolder, pooler: PoolerSpec, maximumLength: Int? = nil, keepsLength: Bool = false,
    pool: ThreadPool? = nil, ranks: RankGroup? = nil
  ) throws -> SentenceEmbedder {
    let logger = commandLogger()
    let services = HostServices(pool: pool ?? ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    return try SentenceEmbedder.open(
      folder, pooler: pooler, registry: registry, services: services, maximumLength: maximumLength,
      prompt: prompt.text(for: folder), keepsLength: keepsLength,
      encoder: encoder(of: folder, registry: registry, services: services, ranks: ranks), say: note)
  }

  /// Opens the model's folder, as the encoder that was asked for reads it.
  func folder() throws -> ModelFolder {
    var run = RunDescription()
    encoder.apply(to: &run)
    guard let choice = try run.encoder.transformers() else { return try ModelFolder(path: model) }
    plugins.apply(to: &run)
    let services = HostServices(pool: ThreadPool(threads: threads.count), logger: commandLogger())
    return try choice.openFolder(
      model, .init(seed: 0, dropout: nil, deadline: run.plugins.deadline, services: services))
  }

  /// The encoder that was asked for, that of several ranks, or this program's own in another precision than float32,
  /// opened; nil for this program's own as it is.
  func encoder(
    of folder: ModelFolder, registry: PluginRegistry, services: HostServices, ranks: RankGroup? = nil
  ) throws -> (any SentenceEncoder)? {
    var run = RunDescription()
    encoder.apply(to: &run)
    try run.check()
    let choice = try run.encoder.choice(in: registry)
    if let choice {
      guard let ranks else {
        return try choice.open(folder, weights: folder.openWeights(), services: services, seed: 0)
      }
      throw ValidationError(
        "--encoder \(choice.name): expected one process, since it computes on one device, found "
          + "\(ranks.size) ranks")
    }
    guard ranks != nil || run.encoder.isRounded else { return nil }
    if let text = run.encoder.ownPrecision.note { note(text) }
    let own = try SentenceEmbedder.encoder(of: folder, services: services, precision: run.encoder.ownPrecision)
    guard let ranks else { return own }
    return RankedEncoder(
      own, folder: folder.path, seed: 0, threads: threads.threads, shards: ranks.size, learns: false, group: ranks)
  }

  private func note(_ text: String) { printToStandardError("note: " + text) }
}
