// A frozen encoder beside the one that is trained: its unit vectors for rows of the training file. A model embeds each
// row once, when it first comes; files are read at the start. Made by TrainingPlan, read by FurtherEncodings.

import Files
package import Host
import Kernels
import ModelFiles
package import Objective

/// The vectors of one guide.
final class Guide {
  let name: GuideName
  /// Numbers of a vector.
  let width: Int
  private let source: Source
  private let texts: Int

  private enum Source {
    /// [rows, width] by text column.
    case files([NPYFile])
    case model(SentenceEmbedder, TrainingData, RowVectors?)
  }

  /// Opens a guide for the rows of `data`.
  ///
  /// - Parameters:
  ///   - visited: how many rows the run visits at most; their vectors are kept where there is memory for them.
  ///   - say: gets a note where there is not.
  /// - Throws: errors of folder, pooler and files; `TrainingError.badData` for files of another number of rows.
  init(
    _ name: GuideName, data: TrainingData, visited: Int, registry: PluginRegistry, services: HostServices,
    say: (String) -> Void
  ) throws {
    self.name = name
    texts = data.columns
    switch name.source {
    case .files(let paths):
      let files = try Self.open(paths, data)
      (source, width) = (.files(files), files[0].columns)
    case .model:
      let embedder = try name.open(registry: registry, services: services)
      width = embedder.width
      let bytes = RowVectors.bytes(rows: visited, views: texts, width: width)
      let free = RowVectors.availableBytes() ?? .max
      let fits = bytes < free / 2
      if !fits {
        say(
          "note: --guide \(name.text): the vectors of \(visited) rows would take \(bytes >> 20) MiB of \(free >> 20) "
            + "MiB free; they are not kept, so that later epochs compute them again")
      }
      let held = fits ? RowVectors(rows: data.rows, capacity: visited, views: texts, width: width) : nil
      source = .model(embedder, data, held)
    }
  }

  private static func open(_ paths: [String], _ data: TrainingData) throws -> [NPYFile] {
    guard paths.count == data.columns else {
      throw TrainingError.usage(
        place: "--guide", expected: data.columns == 1 ? "one file" : "\(data.columns) files, one for each text column",
        found: "\(paths.count)", advice: "Write them with commas between: --guide anchors.npy,positives.npy")
    }
    let files = try paths.map { try NPYFile(contentsOf: $0) }
    for (file, path) in zip(files, paths) {
      guard file.rows == data.rows else {
        throw TrainingError.badData(
          path: path, line: 0, expected: "\(data.rows) rows, one for each usable row of \(data.report.path)",
          found: "\(file.rows)", advice: "Row i belongs to the i-th row that is not left out (see `data` in run.json)")
      }
      guard file.columns == files[0].columns, file.columns > 0 else {
        throw TrainingError.badData(
          path: path, line: 0, expected: "vectors of \(max(files[0].columns, 1)) numbers, as in \(paths[0])",
          found: "\(file.columns)", advice: "One guide has one width")
      }
    }
    return files
  }

  /// The unit vectors of `rows` in `views`, by view: [rows, width] each.
  /// - Throws: the errors of data and encoder.
  func vectors(of rows: [Int], views: [Int]) throws -> [FloatBuffer] {
    let columns = views.map { min($0, texts - 1) }
    let made = try Set(columns).sorted().map { ($0, try vectors(of: rows, column: $0)) }
    let byColumn = Dictionary(uniqueKeysWithValues: made)
    return columns.compactMap { byColumn[$0] }
  }

  private func vectors(of rows: [Int], column: Int) throws -> FloatBuffer {
    let buffer = FloatBuffer(count: rows.count * width)
    let target = buffer.matrix(rows: rows.count, columns: width)
    switch source {
    case .files(let files):
      for (index, row) in rows.enumerated() {
        target.row(index).update(from: files[column].matrix.row(row), count: width)
      }
      scaleToUnitLength(target)
    case .model(let embedder, let data, let held):
      guard let held else {
        try embed(rows, column: column, embedder, data, into: target)
        return buffer
      }
      let missing = Array(Set(rows.filter { !held.holds($0, view: column) })).sorted()
      if !missing.isEmpty {
        let fresh = FloatBuffer(count: missing.count * width)
        try embed(missing, column: column, embedder, data, into: fresh.matrix(rows: missing.count, columns: width))
        held.store(missing, fresh.matrix(rows: missing.count, columns: width), view: column)
      }
      held.gather(rows, view: column, into: target)
    }
    return buffer
  }

  private func embed(
    _ rows: [Int], column: Int, _ embedder: SentenceEmbedder, _ data: TrainingData, into target: Matrix
  ) throws {
    let lines = try data.texts(of: rows).map { String(decoding: $0[column], as: UTF8.self) }
    let table = try embedder.embed(lines, options: EmbeddingOptions(normalize: true))
    for row in 0..<rows.count { target.row(row).update(from: table.matrix.row(row), count: width) }
  }
}

extension GuideName {
  /// Opens a guide that is a model.
  /// - Throws: errors of folder and pooler; `TrainingError.usage` where it is no model or its pooler is not known.
  package func open(registry: PluginRegistry, services: HostServices) throws -> SentenceEmbedder {
    guard case .model(let path, let pooler) = source else {
      throw TrainingError.usage(
        place: "--guide \(text)", expected: "a model folder", found: "files of vectors", advice: "Name the folder")
    }
    let folder = try ModelFolder(path: path)
    guard let spec = try pooler.map({ try PoolerSpec(parsing: $0) }) ?? SentenceEmbedder.recordedPooler(folder) else {
      throw TrainingError.usage(
        place: "--guide \(text)", expected: "a folder that records its pooler", found: "none",
        advice: "Name it behind a colon: --guide \(path):avg")
    }
    return try SentenceEmbedder.open(folder, pooler: Pooler(spec, in: registry), services: services)
  }
}
