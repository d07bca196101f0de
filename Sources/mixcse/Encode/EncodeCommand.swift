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
  @OptionGroup var length: LengthOptions
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
    let folder = try model.folder()
    let pooler = try model.poolerSpec(for: folder)
    let embedder = try model.embedder(folder, pooler: pooler, maximumLength: length.maximum)
    let lines = try LineInput(path: input, spoolFolder: Folder.temporary)
    let writer = try output.map { try NPYWriter(path: $0, columns: embedder.width) }
    var counts = TextCounts()
    while case let block = try lines.next(json ? 64 : SentenceEmbedder.linesAtOnce), !block.isEmpty {
      let texts = block.map { String(decoding: $0, as: UTF8.self) }
      let table = try embedder.embed(texts, options: EmbeddingOptions(normalize: normalize))
      counts.add(block, cut: table.truncatedLines)
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
    note(counts, limit: embedder.maximumLength)
  }

  private func printRows(_ matrix: Matrix) throws {
    for row in 0..<matrix.rows {
      let numbers = (0..<matrix.columns).map { "\(matrix.row(row)[$0])" }
      try printText("[" + numbers.joined(separator: ",") + "]")
    }
  }
}
