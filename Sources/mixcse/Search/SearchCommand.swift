// `mixcse search`: the sentences of an index that are nearest to a query, to each line of a file, or to what is typed.

import ArgumentParser
import Files
import Kernels
import Objective
import Search
import TextData

struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Finds the sentences of an index that are nearest to a query.",
    discussion: """
      Examples: mixcse search sentences.index "A man plays a guitar." -k 5 --threshold 0.6
                mixcse search sentences.index --queries questions.txt --json

      Without a query, lines of standard input are answered one by one; an empty line or control-D ends. Each answer \
      is a score, a row (from 0) and the sentence. The search is exact: scores are cosines, and no sentence of a higher \
      one is missed. With --approximate scores are the same cosines, but some of the nearest may be missed; mixcse index \
      recall says how many.
      """)

  @Argument(help: "The folder of an index.", completion: .directory) var index: String
  @Argument(help: "What to look for.") var query: String?
  @Option(
    help: ArgumentHelp("A file of queries, one a line, or - for standard input.", valueName: "file"),
    completion: .file())
  var queries: String?
  @Option(name: .customShort("k"), help: ArgumentHelp("Sentences for each query at most, from 1.", valueName: "n"))
  var count = 5
  @Option(help: ArgumentHelp("Leave out sentences of a lower score, -1 to 1. (default: none)", valueName: "score"))
  var threshold: Float?
  @OptionGroup var approximate: ApproximateOptions
  @OptionGroup var prompt: PromptOptions
  @OptionGroup var model: IndexedModelOptions
  @Flag(
    help: """
      Print JSON: a list of {"query", "hits": [{"text", "row", "score"}]}; with --approximate, "approximate": true \
      in each.
      """) var json = false

  func validate() throws {
    guard count >= 1 else { throw ValidationError("-k: expected 1 or more, found \(count)") }
    if let threshold, !(-1...1).contains(threshold) {
      throw ValidationError("--threshold: expected a score from -1 to 1, found \(threshold)")
    }
    guard query == nil || queries == nil else {
      throw ValidationError("expected either a query or --queries FILE, found both")
    }
    _ = try approximate.width(for: count)
  }

  func run() throws {
    let opened = try SentenceIndex(folder: index)
    let pool = ThreadPool(threads: model.threads.count)
    let (embedder, _) = try model.embedder(of: opened.model, in: index, prompt: prompt.words, pool: pool)
    var search = Searcher(index: opened, embedder: embedder, pool: pool, count: count, threshold: threshold)
    if approximate.approximate {
      let width = try approximate.width(for: count)
      search.graph = (try SentenceGraph(of: opened, library: model.plugins.graphLibrary()), width)
      printToStandardError(
        "note: approximate (hnsw, width \(width)): nearer sentences may be missing; mixcse index recall \(index)")
    }
    if let query { return try print([search.answer([Array(query.utf8)])]) }
    guard let queries else { return try converse(search) }
    let lines = try LineInput(path: queries, spoolFolder: Folder.temporary)
    var answers: [[Answer]] = []
    while case let block = try lines.next(SentenceEmbedder.linesAtOnce), !block.isEmpty {
      let found = try search.answer(block)
      if json { answers.append(found) } else { try print([found]) }
    }
    if json { try print(answers) }
  }

  private func converse(_ search: Searcher) throws {
    let lines = try LineInput(path: "-", spoolFolder: Folder.temporary)
    let isLive = Terminal.isLive
    while true {
      if isLive { StandardError.write("query: ") }
      guard let line = try lines.next(1).first, !line.isEmpty else { return }
      try print([search.answer([line])])
      try StandardOutput.flush()
    }
  }

  private func print(_ answers: [[Answer]]) throws {
    let all = answers.flatMap(\.self)
    guard !json else { return try printText(JSONValue.array(all.map(\.json)).text()) }
    for answer in all {
      try printText(answer.query)
      let cells = answer.hits.map { [printed($0.score), "\($0.row)", $0.text] }
      try printText(
        cells.isEmpty ? "  nothing\(threshold.map { " of at least \($0)" } ?? "")" : textTable(cells, indent: 2))
    }
  }
}

/// The sentences that were found for a query.
private struct Answer {
  struct Hit {
    var text: String
    var row: Int
    var score: Float
  }

  var query: String
  var hits: [Hit]
  var isApproximate: Bool

  var json: JSONValue {
    let hits = hits.map { hit in
      JSONValue.object(
        JSONObject([("text", .string(hit.text)), ("row", .integer(hit.row)), ("score", .number(Double(hit.score)))]))
    }
    let how: [(String, JSONValue)] = isApproximate ? [("approximate", .bool(true))] : []
    return .object(JSONObject([("query", .string(query))] + how + [("hits", .array(hits))]))
  }
}

/// An index with the model that reads queries.
private struct Searcher {
  let index: SentenceIndex
  let embedder: SentenceEmbedder
  let pool: ThreadPool
  let count: Int
  let threshold: Float?
  /// What is searched in place of all rows, and how wide.
  var graph: (graph: SentenceGraph, width: Int)?

  func answer(_ lines: [[UInt8]]) throws -> [Answer] {
    let queries = lines.map { String(decoding: $0, as: UTF8.self) }
    let table = try embedder.embed(queries, options: EmbeddingOptions(normalize: true))
    var counts = TextCounts()
    counts.add(lines, cut: table.truncatedLines)
    note(counts, limit: embedder.maximumLength)
    let found = try withExtendedLifetime(table) {
      try graph.map {
        try $0.graph.search(table.matrix, count: count, width: $0.width, threshold: threshold, pool: pool)
      } ?? index.search(table.matrix, count: count, threshold: threshold, pool: pool)
    }
    return try zip(queries, found).map { query, hits in
      let texts = try index.texts(of: hits.map(\.row))
      return Answer(
        query: query, hits: zip(hits, texts).map { Answer.Hit(text: $1, row: $0.row, score: $0.score) },
        isApproximate: graph != nil)
    }
  }
}

/// A score with four digits.
func printed(_ score: Float) -> String { String(format: "%.4f", Double(score)) }
