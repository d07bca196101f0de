// `mixcse mine`: hard negatives for pairs of sentences, found among the positives and in further text.

import ArgumentParser
import Files
import Kernels
import ModelFiles
import Objective
import Search
import TextData
import Training

struct MineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mine", abstract: "Finds hard negatives for pairs of sentences and writes triples to train with.",
    discussion: """
      Example: mixcse mine pairs.csv --model all-MiniLM-L6-v2 --output triples.csv --ranks 10-50 --margin 0.1

      Candidates are the positives of all pairs and the lines of --corpus, each text once; the anchor itself and all \
      positives that its text has are left out. The search is exact. A line is written for each negative: anchor, \
      positive, negative, which mixcse train reads.
      """)

  @Argument(help: "Anchors and positives, as mixcse train reads them.", completion: .file()) var pairs: String
  @OptionGroup var model: EmbedderOptions
  @OptionGroup var length: LengthOptions
  @Option(
    help: ArgumentHelp(
      "Which columns are read: anchor=COLUMN,positive=COLUMN, by name or number.", valueName: "role=column,..."))
  var columns: String?
  @Option(help: ArgumentHelp("A file of lines: further candidates.", valueName: "file"), completion: .file())
  var corpus: String?
  @Option(help: ArgumentHelp("Where to write the triples.", valueName: "file.csv"), completion: .file())
  var output: String
  @Option(help: ArgumentHelp("Which places among the candidates are taken, the nearest is 1.", valueName: "first-last"))
  var ranks: RankRange = RankRange(ranks: MiningOptions().ranks)
  @Option(help: ArgumentHelp("Negatives for each pair at most.", valueName: "n")) var negatives = 1
  @Option(help: ArgumentHelp("How far their score stays below the positive's, at least.", valueName: "score"))
  var margin: Float?
  @Option(
    name: .customLong("relative-margin"),
    help: ArgumentHelp("The same as a share of the positive's score: 0.05 is 5 %.", valueName: "share"))
  var relativeMargin: Float?
  @Option(name: .customLong("min-score"), help: ArgumentHelp("Their score at least.", valueName: "score"))
  var lowest: Float?
  @Option(name: .customLong("max-score"), help: ArgumentHelp("Their score at most.", valueName: "score"))
  var highest: Float?
  @Flag(help: "Take any of those that are left with equal chances, not the nearest.") var random = false
  @Option(help: "Decides which ones --random takes.") var seed: UInt64 = 42

  func validate() throws {
    guard negatives >= 1 else { throw ValidationError("--negatives: expected 1 or more, found \(negatives)") }
    guard negatives <= ranks.ranks.count else {
      throw ValidationError(
        "--negatives: expected at most as many as --ranks takes (\(ranks.ranks.count)), found \(negatives)")
    }
    for (flag, value) in [("--margin", margin), ("--relative-margin", relativeMargin)] {
      if let value, !(0...2).contains(value) { throw ValidationError("\(flag): expected 0 to 2, found \(value)") }
    }
  }

  func run() throws {
    try refuseOutput(output, of: "--output", over: [pairs, model.model] + [corpus].compactMap(\.self))
    let data = try TrainingData(path: pairs, columns: columns, spoolFolder: Folder.temporary)
    guard data.columns >= 2 else {
      throw TrainingError.badData(
        path: pairs, line: 0, expected: "two columns of text, anchor and positive", found: "one",
        advice: "Negatives are mined for pairs; choose columns with --columns anchor=...,positive=...")
    }
    for line in data.report.lines { printToStandardError(line) }
    let candidates = try Candidates(data, corpus: corpus)
    let folder = try model.folder()
    let pool = ThreadPool(threads: model.threads.count)
    let embedder = try model.embedder(
      folder, pooler: model.poolerSpec(for: folder), maximumLength: length.maximum, pool: pool)
    let scratch = try ScratchFolder()
    defer { scratch.remove() }
    let index = try candidates.index(in: scratch.path + "/index", embedder)
    var report = (pairs: 0, short: 0, triples: 0)
    let progress = ProgressLine()
    try AtomicFile.write(to: output) { file in
      try file.write(csvRecord(["anchor", "positive", "negative"].map { Array($0.utf8) }))
      for start in stride(from: 0, to: data.rows, by: SentenceEmbedder.linesAtOnce) {
        let rows = Array(start..<min(start + SentenceEmbedder.linesAtOnce, data.rows))
        let texts = try data.texts(of: rows)
        let found = try mine(texts, from: rows[0], candidates, index, embedder, pool)
        for (pair, negatives) in zip(texts, found) {
          if negatives.count < self.negatives { report.short += 1 }
          for negative in negatives { try file.write(csvRecord([pair[0], pair[1], candidates.texts[negative.row]])) }
          report.triples += negatives.count
        }
        report.pairs += rows.count
        progress.show("mine", done: report.pairs, total: data.rows, unit: "pairs")
      }
      guard report.triples > 0 else {
        throw TrainingError.badData(
          path: pairs, line: 0, expected: "candidates within --ranks, margins and scores", found: "none for any pair",
          advice: "Ask for less: wider --ranks, a smaller --margin, or more text with --corpus")
      }
    }
    if report.short > 0 {
      printToStandardError("note: \(report.short) of \(report.pairs) pairs have fewer than \(negatives) negatives")
    }
    try printText("\(output): \(report.triples) triples of \(report.pairs) pairs")
  }

  private var options: MiningOptions {
    var options = MiningOptions()
    (options.ranks, options.count) = (ranks.ranks, negatives)
    (options.margin, options.relativeMargin, options.lowest, options.highest) = (
      margin, relativeMargin, lowest, highest
    )
    (options.isRandom, options.seed) = (random, seed)
    return options
  }

  private func mine(
    _ pairs: [[[UInt8]]], from first: Int, _ candidates: Candidates, _ index: SentenceIndex,
    _ embedder: SentenceEmbedder,
    _ pool: ThreadPool
  ) throws -> [[SearchHit]] {
    let table = try embedder.embed(
      pairs.map { String(decoding: $0[0], as: UTF8.self) }, options: EmbeddingOptions(normalize: true))
    let excluded = pairs.map { candidates.excluded(of: $0[0]) }
    let count = ranks.ranks.upperBound + (excluded.map(\.count).max() ?? 0)
    return try withExtendedLifetime(table) {
      let found = try index.search(table.matrix, count: count, pool: pool)
      return try pairs.indices.map { pair in
        let positive = try index.score(of: candidates.row(of: pairs[pair][1]), query: table.matrix.row(pair))
        return options.choose(from: found[pair], excluding: excluded[pair], positive: positive, pair: first + pair)
      }
    }
  }
}

/// A range of places, as `--ranks` has it.
struct RankRange: ExpressibleByArgument, CustomStringConvertible {
  var ranks: ClosedRange<Int>

  init(ranks: ClosedRange<Int>) { self.ranks = ranks }

  init?(argument: String) {
    let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let first = ends[0], let last = ends[1], 1 <= first, first <= last else { return nil }
    ranks = first...last
  }

  var description: String { "\(ranks.lowerBound)-\(ranks.upperBound)" }
  var defaultValueDescription: String { description }
}

/// Distinct texts that may become negatives, and which of them an anchor must not get.
private struct Candidates {
  /// In the order of their first appearance.
  private(set) var texts: [[UInt8]] = []
  private var rows: [[UInt8]: Int] = [:]
  private var positives: [[UInt8]: Set<Int>] = [:]

  init(_ data: TrainingData, corpus: String?) throws {
    for start in stride(from: 0, to: data.rows, by: SentenceEmbedder.linesAtOnce) {
      let block = Array(start..<min(start + SentenceEmbedder.linesAtOnce, data.rows))
      for pair in try data.texts(of: block) { positives[pair[0], default: []].insert(add(pair[1])) }
    }
    guard let corpus else { return }
    let lines = try LineInput(path: corpus, spoolFolder: Folder.temporary)
    while case let block = try lines.next(SentenceEmbedder.linesAtOnce), !block.isEmpty {
      for line in block where !line.isEmpty { _ = add(line) }
    }
  }

  private mutating func add(_ text: [UInt8]) -> Int {
    if let row = rows[text] { return row }
    rows[text] = texts.count
    texts.append(text)
    return texts.count - 1
  }

  func row(of positive: [UInt8]) -> Int { rows[positive] ?? 0 }

  func excluded(of anchor: [UInt8]) -> Set<Int> {
    (positives[anchor] ?? []).union([rows[anchor]].compactMap(\.self))
  }

  func index(in folder: String, _ embedder: SentenceEmbedder) throws -> SentenceIndex {
    let progress = ProgressLine()
    var next = 0
    let model = IndexedModel(folder: "", digests: [:], pooler: "", beforeHead: false, maximumLength: nil)
    let report = try SentenceIndex.build(
      in: folder, by: model, embedder: embedder, source: folder,
      next: { count in
        defer { next = min(next + count, texts.count) }
        return Array(texts[next..<min(next + count, texts.count)])
      }, progress: { progress.show("candidates", done: $0, total: texts.count, unit: "texts") })
    note(report.texts, limit: embedder.maximumLength)
    return try SentenceIndex(folder: folder)
  }
}
