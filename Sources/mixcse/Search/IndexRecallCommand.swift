// `mixcse index recall`: how much approximate searches of an index miss, and what they save.

import ArgumentParser
import Files
import Kernels
import Objective
import Search

struct IndexRecallCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recall", abstract: "Measures approximate searches of an index against exact ones.",
    discussion: """
      Example: mixcse index recall sentences.index --queries questions.txt -k 10 --hnsw-width 16,64,256

      Recall is the share of the k nearest that an approximate search finds too, times are milliseconds a query, one at \
      a time, without its embedding. Without --queries, lines of the index are looked for, each without itself: they \
      are easier to find than new ones, so measure with queries of your own where you have them.
      """)

  @Argument(help: "The folder of an index.", completion: .directory) var index: String
  @Option(
    help: ArgumentHelp("A file of queries, one a line, or - for standard input.", valueName: "file"),
    completion: .file())
  var queries: String?
  @Option(help: ArgumentHelp("Without --queries, how many lines of the index are looked for.", valueName: "n"))
  var sample = 1000
  @Option(name: .customShort("k"), help: ArgumentHelp("Sentences for each query, from 1.", valueName: "n"))
  var count = 10
  @Option(
    name: .customLong("hnsw-width"),
    help: ArgumentHelp("How many rows the graph is asked for (ef): one number or several.", valueName: "n,..."))
  var widths = WidthList(widths: [GraphShape.usualWidth])
  @OptionGroup var prompt: PromptOptions
  @OptionGroup var model: IndexedModelOptions
  @Flag(help: "Print JSON: queries, k, exactMilliseconds, widths: [{width, recall, milliseconds}].") var json = false

  func validate() throws {
    for (flag, value) in [("-k", count), ("--sample", sample)] where value < 1 {
      throw ValidationError("\(flag): expected 1 or more, found \(value)")
    }
    for width in widths.widths {
      try ApproximateOptions.check(width, "--hnsw-width")
      guard width >= count else {
        throw ValidationError("--hnsw-width: expected at least -k (\(count)), found \(width)")
      }
    }
    guard queries != nil || prompt.words.isEmpty else {
      throw ValidationError("\(prompt.words[0]): expected --queries beside it, found none: lines have their vectors")
    }
  }

  func run() throws {
    let opened = try SentenceIndex(folder: index)
    let graph = try SentenceGraph(of: opened, library: model.plugins.graphLibrary())
    let pool = ThreadPool(threads: model.threads.count)
    let progress = ProgressLine()
    let widths = widths.widths
    func measure(_ matrix: Matrix, own: [Int]?) throws -> (exactSeconds: Double, measured: [GraphRecall]) {
      try graph.recall(
        matrix, own: own, count: count, widths: widths, pool: pool,
        progress: { progress.show("queries", done: $0, total: matrix.rows, unit: "queries") })
    }
    let total: Int
    let found: (exactSeconds: Double, measured: [GraphRecall])
    if let queries {
      let (embedder, _) = try model.embedder(of: opened.model, in: index, prompt: prompt.words, pool: pool)
      let table = try embedder.unitVectors(ofLinesIn: queries)
      total = table.matrix.rows
      found = try withExtendedLifetime(table) { try measure(table.matrix, own: nil) }
    } else {
      let rows = graph.sample(sample)
      let buffer = FloatBuffer(count: rows.count * opened.width)
      try opened.copyVectors(of: rows, to: buffer.pointer)
      total = rows.count
      found = try withExtendedLifetime(buffer) {
        try measure(buffer.matrix(rows: rows.count, columns: opened.width), own: rows)
      }
    }
    progress.end()
    try json ? printDocument(total, found) : printTable(total, found, opened.rows, graph.shape)
  }

  private func printTable(
    _ total: Int, _ found: (exactSeconds: Double, measured: [GraphRecall]), _ rows: Int, _ shape: GraphShape
  ) throws {
    try printText(
      "\(index): \(rows) lines, \(shape.links) links, build width \(shape.buildWidth); \(total) queries, "
        + "\(queries == nil ? "lines of the index" : "of \(queries ?? "")")")
    let cells =
      [["width", "recall@\(count)", "ms a query"]]
      + found.measured.map { ["\($0.width)", String(format: "%.4f", $0.recall), milliseconds($0.seconds)] }
      + [["exact", "1.0000", milliseconds(found.exactSeconds)]]
    try printText(textTable(cells, indent: 2))
  }

  private func printDocument(_ total: Int, _ found: (exactSeconds: Double, measured: [GraphRecall])) throws {
    let widths = found.measured.map { one in
      JSONValue.object(
        JSONObject([
          ("width", .integer(one.width)), ("recall", .number(one.recall)),
          ("milliseconds", .number(1e3 * one.seconds)),
        ]))
    }
    try printText(
      JSONValue.object(
        JSONObject([
          ("queries", .integer(total)), ("k", .integer(count)),
          ("exactMilliseconds", .number(1e3 * found.exactSeconds)), ("widths", .array(widths)),
        ])
      ).text())
  }

  private func milliseconds(_ seconds: Double) -> String { String(format: "%.3f", 1e3 * seconds) }
}

/// Widths as `--hnsw-width` of `index recall` has them: `64` or `16,64,256`.
struct WidthList: ExpressibleByArgument, CustomStringConvertible {
  var widths: [Int]

  init(widths: [Int]) { self.widths = widths }

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !numbers.contains(nil) else { return nil }
    widths = numbers.compactMap(\.self)
  }

  var description: String { widths.map(String.init).joined(separator: ",") }
  var defaultValueDescription: String { description }
}
