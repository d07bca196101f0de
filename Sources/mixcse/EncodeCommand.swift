// `mixcse encode`: embeddings of lines, as a .npy file or as JSON lines.

import ArgumentParser
import Encoder
import Foundation
import Host
import Kernels
import Objective
import Tokenizer
import Training

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Writes the embedding of each input line.",
    discussion: """
      The pooler is the one the folder records: mixcse.json of a model trained here, else modules.json of \
      sentence-transformers, else avg, which is then said.
      """)

  @Option(help: ArgumentHelp("A Hugging Face folder.", valueName: "dir")) var model: String
  @Option(help: ArgumentHelp("A file of lines, or - for standard input.", valueName: "file")) var input = "-"
  @Option(help: ArgumentHelp("cls, avg, ... (default: the folder's own)", valueName: "name")) var pooler: String?
  @Flag(help: "Scale every embedding to length 1.") var normalize = false
  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp("Cut lines to that many tokens, 2 to the model's limit. (default: that limit)", valueName: "tokens"))
  var maximumLength: Int?
  @Option(help: ArgumentHelp("Where to write float32 [lines, width] in NumPy's format.", valueName: "file.npy"))
  var output: String?
  @Flag(help: "Print a JSON line with the numbers of each embedding instead.") var json = false
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    guard json != (output != nil) else {
      throw ValidationError("expected either --output FILE.npy or --json, found \(json ? "both" : "neither")")
    }
  }

  func run() throws {
    let embedder = try makeEmbedder()
    let lines = try LineInput(path: input)
    let writer = try output.map { try MatrixWriter(path: $0, width: embedder.embedder.width) }
    var counts = (lines: 0, empty: 0, invalid: 0, cut: 0)
    while case let block = try lines.next(json ? 64 : 4096), !block.isEmpty {
      let texts = block.map { String(decoding: $0, as: UTF8.self) }
      counts.lines += block.count
      counts.empty += block.count(where: \.isEmpty)
      counts.invalid += block.count { $0.withUnsafeBufferPointer { invalidUTF8Bytes($0) > 0 } }
      let table = try embedder.embedder.embed(
        texts, options: EmbeddingOptions(useHead: embedder.useHead, normalize: normalize))
      counts.cut += table.truncatedLines
      try writer?.append(table.matrix)
      if json { printRows(table.matrix) }
    }
    try writer?.finish()
    guard counts.lines > 0 else {
      throw TrainingError.badData(
        path: input, line: 0, expected: "at least one line", found: "nothing", advice: "Check the input")
    }
    for (count, what) in [
      (counts.empty, "empty lines were embedded as such"), (counts.invalid, "lines held bytes that are no UTF-8"),
      (counts.cut, "lines were longer than the limit and were cut"),
    ] where count > 0 { printToStandardError("note: \(count) \(what)") }
  }

  private func printRows(_ matrix: Matrix) {
    for row in 0..<matrix.rows {
      let numbers = (0..<matrix.columns).map { "\(matrix.row(row)[$0])" }
      print("[" + numbers.joined(separator: ",") + "]")
    }
  }

  private struct Embedder {
    var embedder: SentenceEmbedder
    var useHead: Bool
  }

  private func makeEmbedder() throws -> Embedder {
    let logger = commandLogger()
    let folder = try ModelFolder(path: model)
    let limit = folder.configuration.maximumPositions
    if let maximumLength, !(2...limit).contains(maximumLength) {
      throw TrainingError.usage(
        place: "--max-seq-length", expected: "2 to \(limit), the model's limit", found: "\(maximumLength)",
        advice: "Leave it out for the limit")
    }
    let recorded = try recordedPooling(folder)
    let spec = try PoolerSpec(parsing: pooler ?? recorded.pooler)
    let keepsHead = recorded.hasHead && pooler == nil && !spec.skipsHead
    let pool = ThreadPool(threads: threads.count)
    let encoder = try TransformerEncoder(
      configuration: folder.configuration, weights: folder.openWeights(), pool: pool, seed: 0)
    let pooling = try PoolingStack(
      pooler: spec, head: keepsHead ? .mlp : .none, hiddenWidth: encoder.hiddenSize, layerCount: encoder.layerCount,
      registry: plugins.registry(logger: logger), services: HostServices(pool: pool, logger: logger), seed: 0)
    try loadWeights(of: pooling, from: folder, hasHead: keepsHead)
    let embedder = SentenceEmbedder(
      tokenizer: try TokenizerFolder.load(model), encoder: encoder, pooling: pooling, maximumLength: maximumLength)
    return Embedder(embedder: embedder, useHead: keepsHead)
  }

  /// What the folder says, or avg with a note.
  private func recordedPooling(_ folder: ModelFolder) throws -> (pooler: String, hasHead: Bool) {
    guard let record = folder.sentencePooling else {
      if pooler == nil { printToStandardError("note: \(model) records no pooler; avg is used (--pooler chooses)") }
      return ("avg", false)
    }
    if let name = record.pooler { return (name, record.head == .kept) }
    if pooler != nil { return ("avg", false) }
    throw TrainingError.usage(
      place: model, expected: "a pooler this program has", found: record.unsupported ?? "another one",
      advice: "Choose one with --pooler")
  }

  private func loadWeights(of pooling: PoolingStack, from folder: ModelFolder, hasHead: Bool) throws {
    let head = hasHead ? try folder.openHead() : nil
    let learned = try folder.openPluginWeights()
    for parameter in pooling.parameters {
      switch parameter.name {
      case "head.dense.weight": try head?.copy("linear.weight", shape: parameter.shape, into: parameter.value)
      case "head.dense.bias": try head?.copy("linear.bias", shape: parameter.shape, into: parameter.value)
      case let name where learned?.contains(name) == true:
        try learned?.copy(name, shape: parameter.shape, into: parameter.value)
      default: printToStandardError("note: \(model) holds no weights for \(parameter.name); it starts as the plugin says")
      }
    }
  }
}
