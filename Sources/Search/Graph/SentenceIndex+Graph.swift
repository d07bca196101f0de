// The graph beside an index: made, extended, read. It belongs to rows by their bytes, whose SHA-256 it records: a graph
// of other rows is never followed.

import Files
package import Kernels

/// What makes graphs.
package struct GraphMaker {
  /// Finds the library when it is needed.
  package var library: () throws -> GraphLibrary
  /// The threads that link rows; the graph does not depend on how many they are.
  package var pool: ThreadPool
  /// Called with the number of rows done, and of all.
  package var progress: (_ done: Int, _ total: Int) throws -> Void

  /// A maker by its parts.
  package init(
    pool: ThreadPool, progress: @escaping (_ done: Int, _ total: Int) throws -> Void = { _, _ in },
    library: @escaping () throws -> GraphLibrary
  ) {
    (self.library, self.pool, self.progress) = (library, pool, progress)
  }
}

extension SentenceIndex {
  private var graphPath: String { folder + "/" + GraphFile.name }
  /// Whether there is a graph, of whatever rows.
  package var hasGraph: Bool { Path.exists(graphPath) }

  /// - Throws: `SearchError.noGraph`, `FileError`.
  func graphFile() throws -> GraphFile {
    guard hasGraph else { throw SearchError.noGraph(path: folder) }
    let file = try GraphFile(path: graphPath)
    guard file.width == width, file.rows <= rows else { throw otherGraph(file) }
    return file
  }

  private func otherGraph(_ file: GraphFile) -> FileError {
    GraphFile.broken(
      file.path, "the graph of the index's \(rows) rows of width \(width)",
      "that of \(file.rows == rows && file.width == width ? "other" : "\(file.rows)") rows of width \(file.width)")
  }

  /// The graph of the first rows, out of a file.
  /// - Parameter capacity: rows that may follow are counted in; nil: none.
  /// - Returns: it, and the hash of those rows, to go on with.
  /// - Throws: `FileError`, `SearchError.graphMemory`.
  func graph(
    from file: GraphFile?, _ shape: GraphShape, _ library: GraphLibrary, capacity: Int? = nil
  ) throws -> (graph: NeighbourGraph, hash: SHA256) {
    let graph = try NeighbourGraph(library, width: width, capacity: capacity ?? file?.rows ?? rows, shape)
    var hash = SHA256()
    guard let file else { return (graph, hash) }
    try GraphElements(self).forEachBlock(of: 0..<file.rows) { rows, elements in
      hash.update(elements)
      try file.withLists(from: rows.lowerBound) { try graph.restore(elements, $0) }
    }
    var finished = hash
    guard finished.finish() == file.digest else { throw otherGraph(file) }
    return (graph, hash)
  }

  /// Refuses a graph that cannot be extended, before anything is computed for it.
  /// - Throws: `FileError` for one that is broken or another's.
  func checkGraph() throws {
    let file = try graphFile()
    var hash = SHA256()
    try GraphElements(self).forEachBlock(of: 0..<file.rows) { hash.update($1) }
    guard hash.finish() == file.digest else { throw otherGraph(file) }
  }

  /// Links all rows that the graph does not have yet, and puts it in place as a whole.
  /// - Parameters:
  ///   - old: the graph that is there; nil: none, or one that goes.
  ///   - shape: of a graph that begins.
  /// - Returns: how many rows were linked.
  /// - Throws: `SearchError.graphLimit`, `.graphMemory`, `FileError`, what the maker throws.
  func makeGraph(from old: GraphFile?, _ shape: GraphShape, by maker: GraphMaker) throws -> Int {
    guard width <= GraphElements.largestWidth, rows < 1 << 31 else {
      throw SearchError.graphLimit(path: folder, rows: rows, width: width)
    }
    let library = try maker.library()
    var (graph, hash) = try graph(from: old, old?.shape ?? shape, library, capacity: rows)
    let first = graph.rows
    guard first < rows else { return 0 }
    try GraphElements(self).forEachBlock(of: first..<rows) { rows, elements in
      hash.update(elements)
      try graph.append(elements, pool: maker.pool)
      try maker.progress(rows.upperBound, self.rows)
    }
    try GraphFile.write(graph, width: width, digest: hash.finish(), to: graphPath)
    return rows - first
  }

  /// Makes the graph of the index in `folder`, or extends the one that is there to all rows.
  /// - Parameters:
  ///   - shape: how; nil: as the one that is there, else the usual one.
  ///   - overwrite: one that is there goes, whatever is wrong with it.
  /// - Returns: the rows that were linked, and all.
  /// - Throws: `SearchError`, `FileError`, what the maker throws.
  package static func makeGraph(
    in folder: String, shape: GraphShape?, overwrite: Bool, by maker: GraphMaker
  ) throws -> (linked: Int, rows: Int) {
    _ = try IndexRecord(folder: folder)
    let lock = try lock(folder)
    return try withExtendedLifetime(lock) {
      let index = try SentenceIndex(folder: folder)
      let old = index.hasGraph && !overwrite ? try index.graphFile() : nil
      if let old, let shape, shape != old.shape {
        throw SearchError.graphShape(path: index.folder, expected: old.shape, found: shape)
      }
      return (try index.makeGraph(from: old, shape ?? .usual, by: maker), index.rows)
    }
  }
}
