// `mixcse encode`: embeddings of lines, as a .npy file or as JSON lines.

import ArgumentParser
import Files
import Kernels
import ModelFiles
import Objective
import TextData
import Training

struct EncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode", abstract: "Writes the embedding of each input line.",
    discussion: """
      The pooler is the one the folder records: mixcse.json of a model trained here, else modules.json of \
      sentence-transformers, else avg, which is then said. Lines are lower-cased and cut, and embeddings scaled to \
      length 1, as the folder says for sentence-transformers.
      """)

  @OptionGroup var model: EmbedderOptions
  @Option(help: ArgumentHelp("A file of lines, or - for standard input.", valueName: "file"), completion: .file())
  var input = "-"
  @Flag(help: "Scale every embedding to length 1, whether the folder asks for it or not.") var normalize = false
  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp(
      "Cut lines to that many tokens, 2 to the model's limit. (default: what the folder records, else that limit)",
      valueName: "tokens"))
  var maximumLength: Int?
  @Option(
    help: ArgumentHelp("Where to write float32 [lines, width] in NumPy's format.", valueName: "file.npy"),
    completion: .file(extensions: ["npy"]))
  var output: String?
  @Flag(help: "Print a JSON line with the numbers of each embedding instead.") var json = false

  func validate() throws {
    guard json != (output != nil) else {
      throw ValidationError("expected either --output FILE.npy or --json, found \(json ? "both" : "neither")")
    }
  }

  func run() throws {
    if let output { try refuseOutput(output, of: "--output", over: [input, model.model]) }
    let folder = try ModelFolder(path: model.model)
    let pooler = try model.poolerSpec(for: folder)
    let embedder = try model.embedder(folder, pooler: pooler, maximumLength: maximumLength)
    let lines = try LineInput(path: input, spoolFolder: Folder.temporary)
    let writer = try output.map { try NPYWriter(path: $0, columns: embedder.width) }
    var counts = (lines: 0, empty: 0, invalid: 0, cut: 0)
    while case let block = try lines.next(json ? 64 : SentenceEmbedder.linesAtOnce), !block.isEmpty {
      let texts = block.map { String(decoding: $0, as: UTF8.self) }
      counts.lines += block.count
      counts.empty += block.count(where: \.isEmpty)
      counts.invalid += block.count { $0.withUnsafeBufferPointer { invalidUTF8Bytes($0) > 0 } }
      let table = try embedder.embed(texts, options: EmbeddingOptions(normalize: normalize))
      counts.cut += table.truncatedLines
      try withExtendedLifetime(table) {
        try writer?.append(table.matrix)
        if json { try printRows(table.matrix) }
      }
    }
    try writer?.finish()
    guard counts.lines > 0 else {
      throw TrainingError.badData(
        path: input, line: 0, expected: "at least one line", found: "nothing", advice: "Check the input")
    }
    for (count, what) in [
      (counts.empty, "empty lines were embedded as such"), (counts.invalid, "lines held bytes that are no UTF-8"),
      (counts.cut, "lines were longer than \(embedder.maximumLength) tokens and were cut"),
    ] where count > 0 { printToStandardError("note: \(count) \(what)") }
  }

  private func printRows(_ matrix: Matrix) throws {
    for row in 0..<matrix.rows {
      let numbers = (0..<matrix.columns).map { "\(matrix.row(row)[$0])" }
      try printText("[" + numbers.joined(separator: ",") + "]")
    }
  }
}
