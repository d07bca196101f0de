// Making an index of texts, and adding to one. Called by `mixcse index` and by `mixcse mine`.

import Files
package import Objective
import Processes
package import TextData

/// What went into an index.
package struct IndexReport: Sendable, Equatable {
  /// The texts that were added.
  package var texts = TextCounts()
  /// The file system has no locks: nothing keeps another addition away meanwhile.
  package var isUnlocked = false
}

extension SentenceIndex {
  /// Makes an index of texts; `folder` holds all of it or what it held before.
  /// - Parameters:
  ///   - overwrite: an index that is there is replaced.
  ///   - graph: a graph is made as well, of this shape; nil: none.
  ///   - next: up to so many further texts, in bytes; none at the end.
  ///   - progress: called with the number of texts done.
  /// - Throws: `SearchError.occupied`, `.noTexts` and those of graphs, errors of the embedder, `FileError`, what the
  ///   closures throw.
  package static func build(
    in folder: String, by model: IndexedModel, embedder: SentenceEmbedder, overwrite: Bool = false, source: String,
    graph: (shape: GraphShape, maker: GraphMaker)? = nil, next: (Int) throws -> [[UInt8]],
    progress: (Int) throws -> Void = { _ in }
  ) throws -> IndexReport {
    try refuse(folder, overwrite: overwrite)
    // Missing libraries are noticed before hours of work.
    _ = try graph?.maker.library()
    return try FolderReplacement.write(to: folder, replaceable: { _ in nil }) { temporary in
      let record = IndexRecord(rows: 0, width: embedder.width, textBytes: 0, model: model)
      let writer = try IndexWriter(newIn: temporary, record)
      let report = try append(to: writer, embedder, next, progress)
      guard report.texts.lines > 0 else { throw SearchError.noTexts(path: source) }
      try writer.commit()
      if let graph { _ = try SentenceIndex(folder: temporary).makeGraph(from: nil, graph.shape, by: graph.maker) }
      return report
    }
  }

  /// Adds texts behind those of the index in `folder`: all of them or none. Its graph, if it has one, is extended then;
  /// where that is not possible, nothing is added.
  /// - Throws: `SearchError`, errors of the embedder, `FileError`, what the closures throw.
  package static func add(
    to folder: String, by model: IndexedModel, embedder: SentenceEmbedder, graph maker: GraphMaker,
    next: (Int) throws -> [[UInt8]], progress: (Int) throws -> Void = { _ in }
  ) throws -> IndexReport {
    let record = try IndexRecord(folder: folder)
    try check(record, model, embedder, folder)
    let lock = try lock(folder)
    return try withExtendedLifetime(lock) {
      // What counts may have grown while the lock was waited for.
      let record = try IndexRecord(folder: folder)
      let old = try SentenceIndex(folder: folder)
      if old.hasGraph {
        _ = try maker.library()
        try old.checkGraph()
      }
      let writer = try IndexWriter(behind: record, in: folder)
      var report = try append(to: writer, embedder, next, progress)
      try writer.commit()
      if old.hasGraph {
        let grown = try SentenceIndex(folder: folder)
        _ = try grown.makeGraph(from: grown.graphFile(), .usual, by: maker)
      }
      report.isUnlocked = lock == nil
      return report
    }
  }

  private static func check(
    _ record: IndexRecord, _ model: IndexedModel, _ embedder: SentenceEmbedder, _ folder: String
  ) throws {
    if let found = record.model.difference(from: model) {
      throw SearchError.otherModel(path: folder, folder: model.folder, found: found)
    }
    guard record.model.prompt == model.prompt else {
      throw SearchError.otherModel(
        path: folder, folder: model.folder, found: model.prompt.map { "prompt \"\($0)\"" } ?? "its default prompt")
    }
    guard record.width == embedder.width else {
      throw SearchError.width(path: folder, expected: record.width, found: embedder.width)
    }
  }

  /// Before anything is computed.
  /// - Throws: `SearchError.occupied`.
  package static func refuse(_ folder: String, overwrite: Bool) throws {
    guard Path.exists(folder) else { return }
    guard Path.isFolder(folder) else { throw SearchError.occupied(path: folder, found: "a file") }
    if FolderLock.isHeld(folder: folder) { _ = try lock(folder) }
    // What an addition that was killed leaves.
    let leftovers = [FolderLock.name, ".\(IndexRecord.name).", ".\(GraphFile.name)."]
    let names = try Folder.names(in: folder).filter { name in !leftovers.contains { name.hasPrefix($0) } }
    guard !names.isEmpty else { return }
    if let other = names.first(where: { !File.all.contains($0) }) {
      throw SearchError.occupied(path: folder, found: "\(other) in it")
    }
    guard overwrite else { throw SearchError.occupied(path: folder, found: "an index") }
  }

  /// Nil where the folder cannot be locked.
  static func lock(_ folder: String) throws -> FolderLock? {
    do throws(FolderLockFailure) {
      return try FolderLock(folder: folder) {}
    } catch {
      if case .inUse(let owner) = error { throw SearchError.inUse(path: folder, owner: "\(owner)") }
      return nil
    }
  }

  private static func append(
    to writer: IndexWriter, _ embedder: SentenceEmbedder, _ next: (Int) throws -> [[UInt8]],
    _ progress: (Int) throws -> Void
  ) throws -> IndexReport {
    var report = IndexReport()
    while case let lines = try next(SentenceEmbedder.linesAtOnce), !lines.isEmpty {
      let table = try embedder.embed(
        lines.map { String(decoding: $0, as: UTF8.self) }, options: EmbeddingOptions(normalize: true))
      try withExtendedLifetime(table) { try writer.append(table.matrix, lines) }
      report.texts.add(lines, cut: table.truncatedLines)
      try progress(report.texts.lines)
    }
    return report
  }
}
