// The flags that name a model and a pooling; shared by the subcommands that embed text.

import ArgumentParser
import Host
import Kernels
import ModelFiles
import Objective

/// `--model`, `--pooler`, `--threads` and the plugins' flags.
struct EmbedderOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A Hugging Face folder: config.json, weights, tokenizer files.", valueName: "dir"))
  var model: String

  @Option(
    help: ArgumentHelp(
      """
      cls, cls_before_pooler, avg, avg_top2, avg_first_last, max, weighted, or any plugin's. \
      (default: what the folder records, else avg)
      """,
      valueName: "name[:param=value,...][+name]"))
  var pooler: String?

  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  /// The pooler that was asked for, else what the folder records, else mean pooling, which is then said.
  func poolerSpec(for folder: ModelFolder) throws -> PoolerSpec {
    if let pooler { return try PoolerSpec(parsing: pooler) }
    if let recorded = try SentenceEmbedder.recordedPooler(folder) { return recorded }
    printToStandardError("note: \(folder.path) records no pooler; using avg (choose with --pooler)")
    return try PoolerSpec(parsing: "avg")
  }

  /// Opens the model with a pooler.
  func embedder(
    _ folder: ModelFolder, pooler: PoolerSpec, maximumLength: Int? = nil, pool: ThreadPool? = nil
  ) throws -> SentenceEmbedder {
    let logger = commandLogger()
    if try SentenceEmbedder.usesModelPooler(folder, pooler: pooler) {
      printToStandardError(
        "note: cls goes through the model's own pooler.dense, as in the reference; cls_before_pooler leaves it out")
    }
    let services = HostServices(pool: pool ?? ThreadPool(threads: threads.count), logger: logger)
    return try SentenceEmbedder.open(
      folder, pooler: pooler, registry: plugins.registry(logger: logger, services: services), services: services,
      maximumLength: maximumLength)
  }
}
