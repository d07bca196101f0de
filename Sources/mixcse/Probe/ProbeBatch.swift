// What `mixcse probe` looks at: embeddings from .npy files, with their sentences if given, or the first batch of a
// training file encoded by a model.

import ArgumentParser
import Files
import Host
import Kernels
import ModelFiles
import Objective
import TextData
import Training

/// Views of a batch with what is known of them.
struct ProbeBatch {
  /// z1, z2[, z3]: [rows, width] each, alive as long as `owner`.
  var views: [Matrix]
  /// By view and row; empty where no sentences were given.
  var texts: [[String]] = []
  var rowIDs, textIDs: [Int64]?
  var labels = RowLabels()
  var owner: Any

  /// Numbers that are equal exactly where texts are.
  var textNumbers: [[Int]] {
    var numbers: [String: Int] = [:]
    return texts.map { view in
      view.map { text in
        let number = numbers[text] ?? numbers.count
        numbers[text] = number
        return number
      }
    }
  }
}

/// The flags that name the batch.
struct ProbeBatchOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Anchors: float32 or float64 [rows, width].", valueName: "file.npy"),
    completion: .file(extensions: ["npy"])) var z1: String?
  @Option(
    help: ArgumentHelp("Positives, of the same shape.", valueName: "file.npy"), completion: .file(extensions: ["npy"]))
  var z2: String?
  @Option(
    help: ArgumentHelp("Real hard negatives, of the same shape.", valueName: "file.npy"),
    completion: .file(extensions: ["npy"])) var z3: String?
  @Option(
    help: ArgumentHelp("The anchors' sentences, one a line in the order of the rows.", valueName: "file"),
    completion: .file())
  var sentences: String?
  @Option(
    help: ArgumentHelp("The positives' sentences. (default: the anchors')", valueName: "file"), completion: .file())
  var sentences2: String?
  @Option(help: ArgumentHelp("The hard negatives' sentences.", valueName: "file"), completion: .file()) var sentences3:
    String?
  @Option(
    help: ArgumentHelp("How much each pair belongs together, a number a line.", valueName: "file"), completion: .file())
  var scores: String?
  @Option(
    help: ArgumentHelp("The rows' labels, one a line; equal ones are a class.", valueName: "file"), completion: .file())
  var labels: String?

  @Option(
    help: ArgumentHelp("Encode --input with this Hugging Face folder instead of reading .npy files.", valueName: "dir"),
    completion: .directory)
  var model: String?
  @Option(
    help: ArgumentHelp("Rows as for train --train-file: sentences, pairs or triples.", valueName: "file"),
    completion: .file())
  var input: String?
  @Option(
    help: ArgumentHelp("With --model: columns of --input, as for train --columns.", valueName: "role=column,..."))
  var columns: String?
  @Option(help: ArgumentHelp("With --model. (default: what the folder records, else avg)", valueName: "name"))
  var pooler: String?
  @Option(
    name: .customLong("batch-size"),
    help: ArgumentHelp("With --model: rows, 1 to 65536. (default: 64)", valueName: "rows")
  )
  var batchSize: Int?
  @Option(
    name: .customLong("max-seq-length"),
    help: ArgumentHelp("With --model: tokens of a sentence at most. (default: 32)", valueName: "tokens"))
  var maximumLength: Int?
  @Option(help: ArgumentHelp("With --model: dropout, 0 to 0.99. (default: the model's own)", valueName: "probability"))
  var dropout: Double?
  @Flag(name: .customLong("no-shuffle"), help: "With --model: take the first rows of the file.") var noShuffle = false

  func validate() throws {
    let files = [("--z1", z1), ("--z2", z2), ("--z3", z3), ("--sentences", sentences), ("--sentences2", sentences2)]
    let more = [("--sentences3", sentences3), ("--scores", scores), ("--labels", labels)]
    let given = (files + more).filter { $0.1 != nil }.map(\.0)
    let encoding: [(String, Bool)] = [
      ("--pooler", pooler != nil), ("--batch-size", batchSize != nil), ("--max-seq-length", maximumLength != nil),
      ("--dropout", dropout != nil), ("--no-shuffle", noShuffle), ("--input", input != nil),
      ("--columns", columns != nil),
    ]
    if model != nil {
      if let other = given.first { throw ValidationError("expected either --model or \(other), found both") }
      guard input != nil else { throw ValidationError("--model: expected --input FILE beside it, found none") }
      return
    }
    if let (flag, _) = encoding.first(where: \.1) {
      throw ValidationError("\(flag): expected --model DIR beside it, found none")
    }
    guard z1 != nil, z2 != nil else {
      throw ValidationError("expected --z1 FILE.npy --z2 FILE.npy, or --model DIR --input FILE")
    }
    for (flag, isGiven) in [("--sentences2", sentences2 != nil), ("--sentences3", sentences3 != nil)]
    where isGiven && sentences == nil {
      throw ValidationError("\(flag): expected --sentences FILE beside it, found none")
    }
    if sentences3 != nil, z3 == nil { throw ValidationError("--sentences3: expected --z3 beside it, found none") }
  }

  /// - Throws: the errors of files, model and plugins.
  func read(seed: UInt64, registry: PluginRegistry, services: HostServices) throws -> ProbeBatch {
    if let model, let input { return try encoded(model, input, seed, registry, services) }
    let paths = [z1, z2, z3].compactMap { $0 }
    let files = try paths.map { try NPYFile(contentsOf: $0) }
    try checkShapes(files, paths)
    var batch = ProbeBatch(views: files.map(\.matrix), owner: files)
    batch.labels = try rowLabels(files[0].rows)
    guard let sentences else { return batch }
    let anchors = try lines(sentences, files[0].rows)
    batch.texts = [anchors, try sentences2.map { try lines($0, files[0].rows) } ?? anchors]
    if let sentences3 { batch.texts.append(try lines(sentences3, files[0].rows)) }
    batch.textIDs = batch.textNumbers[0].map(Int64.init)
    return batch
  }

  private func encoded(
    _ model: String, _ input: String, _ seed: UInt64, _ registry: PluginRegistry, _ services: HostServices
  ) throws -> ProbeBatch {
    let folder = try ModelFolder(path: model)
    var options = TrainingOptions()
    (options.trainFile, options.columns) = (input, columns)
    options.batchSize = batchSize ?? options.batchSize
    options.maximumLength = maximumLength ?? options.maximumLength
    (options.seed, options.dropout, options.keepsOrder) = (seed, dropout, noShuffle)
    let spec = try pooler.map { try PoolerSpec(parsing: $0) } ?? SentenceEmbedder.recordedPooler(folder)
    if spec == nil { printToStandardError("note: \(model) records no pooler; using avg (choose with --pooler)") }
    let batch = try FirstBatch(
      options, folder: folder, pooler: Pooler(spec ?? PoolerSpec(parsing: "avg"), in: registry), services: services)
    return ProbeBatch(
      views: batch.views, texts: batch.texts, rowIDs: batch.rowIDs, textIDs: batch.textIDs, labels: batch.labels,
      owner: batch)
  }

  private func rowLabels(_ rows: Int) throws -> RowLabels {
    var numbers: [String: Int64] = [:]
    return RowLabels(
      scores: try scores.map { path in
        try lines(path, rows).enumerated().map { line, text in
          guard let score = Float(text), score.isFinite else {
            throw TrainingError.badData(
              path: path, line: line + 1, expected: "a number", found: "'\(text)'", advice: "Line i is row i's score")
          }
          return score
        }
      },
      classes: try labels.map { path in
        try lines(path, rows).map { label in
          let number = numbers[label] ?? Int64(numbers.count)
          numbers[label] = number
          return number
        }
      })
  }

  private func lines(_ path: String, _ rows: Int) throws -> [String] {
    let lines = try LineInput(path: path, spoolFolder: Folder.temporary).next(rows + 1)
    guard lines.count == rows else {
      throw TrainingError.badData(
        path: path, line: 0, expected: "\(rows) lines, one for each row of \(z1 ?? "--z1")",
        found: lines.count > rows ? "more" : "\(lines.count)", advice: "Line i is the text of row i")
    }
    return lines.map { String(decoding: $0, as: UTF8.self) }
  }

  private func checkShapes(_ files: [NPYFile], _ paths: [String]) throws {
    guard files[0].rows > 0, files[0].columns > 0 else {
      throw ObjectiveError.shape(
        what: "--z1 \(paths[0])", expected: "at least one row and one column",
        found: "[\(files[0].rows), \(files[0].columns)]")
    }
    for (file, path) in zip(files, paths) where file.rows != files[0].rows || file.columns != files[0].columns {
      throw ObjectiveError.shape(
        what: path, expected: "[\(files[0].rows), \(files[0].columns)] as in \(paths[0])",
        found: "[\(file.rows), \(file.columns)]")
    }
  }
}
