// The flags that name a model and a pooling; shared by the subcommands that embed text.

import ArgumentParser
import Host
import Kernels
import ModelFiles
import Objective

/// `--model`, `--pooler`, `--threads` and the plugins' flags.
struct EmbedderOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A Hugging Face folder: config.json, weights, tokenizer files.", valueName: "dir"),
    completion: .directory)
  var model: String

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

  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  /// The pooler that was asked for, else what the folder records, else mean pooling, which is then said; before the
  /// head where that was asked for.
  func poolerSpec(for folder: ModelFolder) throws -> PoolerSpec {
    var spec = try pooler(for: folder)
    if beforeHead { spec.skipsHead = true }
    return spec
  }

  private func pooler(for folder: ModelFolder) throws -> PoolerSpec {
    if let pooler {
      if let own = folder.sentencePooling?.unsupported {
        printToStandardError("note: \(folder.path) asks for \(own); \(pooler) is used in its place")
      }
      return try PoolerSpec(parsing: pooler)
    }
    if let recorded = try SentenceEmbedder.recordedPooler(folder) { return recorded }
    printToStandardError("note: \(folder.path) records no pooler; using avg (choose with --pooler)")
    return try PoolerSpec(parsing: "avg")
  }

  /// Opens the model with a pooler.
  func embedder(
    _ folder: ModelFolder, pooler: PoolerSpec, maximumLength: Int? = nil, pool: ThreadPool? = nil
  ) throws -> SentenceEmbedder {
    let logger = commandLogger()
    let services = HostServices(pool: pool ?? ThreadPool(threads: threads.count), logger: logger)
    let registry = try plugins.registry(logger: logger, services: services)
    let found = try Pooler(pooler, in: registry)
    if let layer = try SentenceEmbedder.modelHead(folder, pooler: found) {
      var before = pooler
      before.skipsHead = true
      let flag = before.needsBeforeHead ? "--before-head" : before.text
      printToStandardError(
        "note: \(pooler.text) goes through the model's own \(layer), as in the reference; \(flag) leaves it out")
    }
    if let prompt = folder.defaultPrompt {
      printToStandardError("note: \"\(prompt)\" is put before every line, the default prompt of \(folder.path)")
    }
    return try SentenceEmbedder.open(
      folder, pooler: found, services: services, maximumLength: maximumLength)
  }
}
