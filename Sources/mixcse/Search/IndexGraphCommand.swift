// `mixcse index graph`: makes the graph of an index that is there, or extends it.

import ArgumentParser
import Kernels
import Search

struct IndexGraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Makes the graph of an index for approximate searches, or extends it.",
    discussion: """
      Example: mixcse index graph sentences.index --hnsw-links 32

      A graph that has fewer lines than the index gets the others. The same index gives the same graph, whatever the \
      number of threads; one that grew in several steps may be another than one that was made at once.
      """)

  @Argument(help: "The folder of an index.", completion: .directory) var index: String
  @OptionGroup var shapes: GraphShapeOptions
  @Flag(help: "Make it anew where there is one.") var overwrite = false
  @OptionGroup var threads: ThreadOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions

  func run() throws {
    let progress = ProgressLine()
    let report = try SentenceIndex.makeGraph(
      in: index, shape: shapes.shape, overwrite: overwrite,
      by: plugins.graphMaker(pool: ThreadPool(threads: threads.count), progress: progress))
    progress.end()
    try printText("\(index): a graph of \(report.rows) lines, \(report.linked) of them new")
  }
}
