// `mixcse similarity`: how near the sentences of two files are to each other.

import ArgumentParser
import Files
import Kernels
import ModelFiles
import Objective
import Search
import Training

struct SimilarityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "similarity", abstract: "Prints the cosine of each line of a file and the same line of another.",
    discussion: """
      Example: mixcse similarity first.txt second.txt --model all-MiniLM-L6-v2

      A score a line; with --matrix those of each line of the first file with all of the second, a row a line.
      """)

  @Argument(help: "A file of lines, or - for standard input.", completion: .file()) var first: String
  @Argument(help: "The other one.", completion: .file()) var second: String
  @OptionGroup var model: EmbedderOptions
  @OptionGroup var length: LengthOptions
  @Flag(help: "Compare each line with all lines.") var matrix = false
  @Option(
    help: ArgumentHelp(
      "Write float32 [lines, 1], or with --matrix [lines, lines of the second file], in NumPy's format instead.",
      valueName: "file.npy"),
    completion: .file(extensions: ["npy"]))
  var output: String?

  func validate() throws {
    guard first != "-" || second != "-" else {
      throw ValidationError("expected standard input (-) in place of one file, found it twice")
    }
  }

  func run() throws {
    if let output { try refuseOutput(output, of: "--output", over: [first, second, model.model]) }
    let folder = try model.folder()
    let pool = ThreadPool(threads: model.threads.count)
    let embedder = try model.embedder(
      folder, pooler: model.poolerSpec(for: folder), maximumLength: length.maximum, pool: pool)
    let (left, right) = (try embedder.unitVectors(ofLinesIn: first), try embedder.unitVectors(ofLinesIn: second))
    if !matrix, left.matrix.rows != right.matrix.rows {
      throw SearchError.lineCounts(
        first: first, count: left.matrix.rows, second: second, otherCount: right.matrix.rows)
    }
    let writer = try output.map { try NPYWriter(path: $0, columns: matrix ? right.matrix.rows : 1) }
    var scores = [Float](repeating: 0, count: matrix ? right.matrix.rows : 1)
    try withExtendedLifetime((left, right)) {
      for row in 0..<left.matrix.rows {
        let query = left.matrix.row(row)
        scores.withUnsafeMutableBufferPointer { scores in
          pool.parallelFor(scores.count, grain: 1024) { range, _ in
            for column in range {
              scores[column] = exactDot(query, right.matrix.row(matrix ? column : row), right.matrix.columns)
            }
          }
        }
        if let writer {
          try writer.append(scores, rows: 1)
        } else {
          try printText(scores.map(printed).joined(separator: "\t"))
        }
      }
    }
    try writer?.finish()
  }
}
