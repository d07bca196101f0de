// The model of an index: the one it names, unless a flag names another folder of the same files.

import ArgumentParser
import Host
import Kernels
import ModelFiles
import Objective
import Search

/// `--model` where a file says which one it is, and what else opens a model.
struct IndexedModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The folder of the model that made the index. (default: what the index says)", valueName: "dir"),
    completion: .directory)
  var model: String?

  @OptionGroup(title: "Encoder") var encoder: EncoderOptions
  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  /// Opens the model, which must be the one of the index.
  /// - Throws: `SearchError.otherModel`, and the errors of opening a model.
  /// - Parameter prompt: flags that say what is put before each text.
  func embedder(
    of index: IndexedModel, in path: String, prompt: [String], pool: ThreadPool
  ) throws -> (embedder: SentenceEmbedder, model: IndexedModel) {
    var options = try EmbedderOptions.parse(
      ["--model", model ?? index.folder, "--pooler", index.pooler] + (index.beforeHead ? ["--before-head"] : [])
        + prompt)
    (options.encoder, options.threads, options.plugins) = (encoder, threads, plugins)
    let folder = try options.folder()
    let pooler = try options.poolerSpec(for: folder)
    let found = try IndexedModel(folder, pooler: pooler, maximumLength: index.maximumLength)
    if let difference = index.difference(from: found) {
      throw SearchError.otherModel(path: path, folder: folder.path, found: difference)
    }
    return (
      try options.embedder(folder, pooler: pooler, maximumLength: index.maximumLength, pool: pool), found
    )
  }
}
