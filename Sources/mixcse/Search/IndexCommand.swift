// `mixcse index`: makes an index of sentences, and lets it grow.

import ArgumentParser
import Files
import Kernels
import ModelFiles
import Objective
import Search
import TextData

struct IndexCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index", abstract: "Makes an index of sentences for mixcse search, and adds to it.",
    subcommands: [
      IndexBuildCommand.self, IndexAddCommand.self, IndexGraphCommand.self, IndexRecallCommand.self,
      IndexLibraryCommand.self,
    ])
}

struct IndexBuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Embeds each line of a file and keeps vectors and lines in a folder.",
    discussion: """
      Example: mixcse index build sentences.txt --model all-MiniLM-L6-v2 --output sentences.index

      The folder's vectors.npy is float32 [lines, width] of length 1, for NumPy and FAISS as well. The index knows its \
      model by its files; a build that is ended leaves nothing. With --approximate hnsw it gets a graph for searches \
      among millions of lines (mixcse search --approximate).
      """)

  @Argument(help: "A file of lines, or - for standard input.", completion: .file()) var file: String
  @OptionGroup var model: EmbedderOptions
  @OptionGroup var length: LengthOptions
  @Option(help: ArgumentHelp("Where to make the index: a folder.", valueName: "dir"), completion: .directory)
  var output: String
  @Flag(help: "Replace an index that is there.") var overwrite = false
  @OptionGroup(title: "Approximate searches") var graph: GraphBuildOptions

  func run() throws {
    try SentenceIndex.refuse(output, overwrite: overwrite)
    let (pool, progress) = (ThreadPool(threads: model.threads.count), ProgressLine())
    let maker = model.plugins.graphMaker(pool: pool, progress: progress)
    // Before a model is opened.
    if graph.shape != nil { _ = try maker.library() }
    let folder = try model.folder()
    let pooler = try model.poolerSpec(for: folder)
    let embedder = try model.embedder(folder, pooler: pooler, maximumLength: length.maximum, pool: pool)
    let indexed = try IndexedModel(
      folder, pooler: pooler, maximumLength: length.maximum, prompt: model.prompt.text(for: folder))
    let lines = try LineInput(path: file, spoolFolder: Folder.temporary)
    let report = try SentenceIndex.build(
      in: output, by: indexed, embedder: embedder, overwrite: overwrite, source: file,
      graph: graph.shape.map { ($0, maker) }, next: lines.next,
      progress: { progress.count("index", done: $0, unit: "lines") })
    progress.end()
    note(report.texts, limit: embedder.maximumLength)
    try printText("\(output): \(report.texts.lines) lines")
  }
}

struct IndexAddCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Adds each line of a file to an index: all of them, or none where it is ended.",
    discussion: """
      Example: mixcse index add sentences.index more.txt

      The graph of an index that has one is extended to the new lines.
      """)

  @Argument(help: "The folder of an index.", completion: .directory) var index: String
  @Argument(help: "A file of lines, or - for standard input.", completion: .file()) var file: String
  @OptionGroup var model: IndexedModelOptions

  func run() throws {
    let recorded = try SentenceIndex.recordedModel(in: index)
    let (pool, progress) = (ThreadPool(threads: model.threads.count), ProgressLine())
    let (embedder, opened) = try model.embedder(
      of: recorded, in: index,
      prompt: recorded.prompt.map { [$0.isEmpty ? "--no-prompt" : "--prompt=\($0)"] } ?? [],
      pool: pool)
    var found = opened
    found.prompt = recorded.prompt
    let lines = try LineInput(path: file, spoolFolder: Folder.temporary)
    let report = try SentenceIndex.add(
      to: index, by: found, embedder: embedder,
      graph: model.plugins.graphMaker(pool: pool, progress: progress), next: lines.next,
      progress: { progress.count("index", done: $0, unit: "lines") })
    progress.end()
    if report.isUnlocked {
      printToStandardError("note: \(index) cannot be locked here; nothing kept another addition away meanwhile")
    }
    note(report.texts, limit: embedder.maximumLength)
    try printText("\(index): \(report.texts.lines) lines more")
  }
}
