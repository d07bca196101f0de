// What strategies may ask of a probed batch beside its embeddings: guides, which are named, and encodings that only
// training has, for which the embeddings stand in.

import ArgumentParser
import Host
import Kernels
import ModelFiles
import Objective
import Training

/// The guides of a probe, opened.
struct ProbeEncodings {
  private var guides: [[Rows]] = []
  private let batch: ProbeBatch

  /// Unit vectors of one view: [rows, width].
  private struct Rows {
    let matrix: Matrix
    let owner: Any
  }

  /// - Throws: errors of folders and files, `ValidationError` where a folder has no sentences to embed.
  init(_ names: [GuideName], _ batch: ProbeBatch, registry: PluginRegistry, services: HostServices) throws {
    self.batch = batch
    for name in names {
      switch name.source {
      case .files(let paths): guides.append(try Self.read(paths, batch))
      case .model: guides.append(try Self.embed(name, batch, registry, services))
      }
    }
  }

  var guideWidths: [Int] { guides.map { $0[0].matrix.columns } }

  /// Vectors for all that `wanted` asks for.
  func vectors(_ wanted: [PlannedEncoding]) -> [PlannedEncoding: Matrix] {
    Dictionary(
      uniqueKeysWithValues: wanted.map { encoding in
        if case .guide(let index) = encoding.source { return (encoding, guides[index][encoding.view].matrix) }
        return (encoding, batch.views[encoding.view])
      })
  }

  /// What of a strategy a probe does not do, a note each.
  static func notes(_ wanted: [PlannedEncoding], _ strategy: Strategy, by name: String) -> [String] {
    strategy.augmenters.map { "note: \(name): augmenter \($0.name) edits tokens in training, and none here" }
      + wanted.compactMap { encoding in
        if case .guide = encoding.source { return nil }
        return "note: \(name) asks for \(encoding), which only training makes; here it is z\(encoding.view + 1) itself"
      }.sorted()
  }

  /// Row i of a file is the batch's row i, or the row of the training file that it came from.
  private static func read(_ paths: [String], _ batch: ProbeBatch) throws -> [Rows] {
    let rows = batch.views[0].rows
    return try batch.views.indices.map { view in
      let path = paths[min(view, paths.count - 1)]
      let file = try NPYFile(contentsOf: path)
      let places = (batch.rowIDs ?? (0..<Int64(rows)).map { $0 }).map(Int.init)
      guard batch.rowIDs != nil || file.rows == rows, places.allSatisfy({ $0 < file.rows }), file.columns > 0 else {
        throw ObjectiveError.shape(
          what: "--guide \(path)", expected: batch.rowIDs == nil ? "\(rows) rows" : "a row for each of --input",
          found: "[\(file.rows), \(file.columns)]")
      }
      let owner = FloatBuffer(count: rows * file.columns)
      let matrix = owner.matrix(rows: rows, columns: file.columns)
      for (row, place) in places.enumerated() {
        matrix.row(row).update(from: file.matrix.row(place), count: file.columns)
      }
      scaleToUnitLength(matrix)
      return Rows(matrix: matrix, owner: owner)
    }
  }

  private static func embed(
    _ name: GuideName, _ batch: ProbeBatch, _ registry: PluginRegistry, _ services: HostServices
  ) throws -> [Rows] {
    guard batch.texts.count == batch.views.count else {
      throw ValidationError(
        "--guide \(name.text): expected the sentences of all views beside it, --sentences and so on")
    }
    let embedder = try name.open(registry: registry, services: services)
    return try batch.texts.map { lines in
      let table = try embedder.embed(lines, options: EmbeddingOptions(normalize: true))
      return Rows(matrix: table.matrix, owner: table)
    }
  }
}
