// The graph of an index, opened: approximate searches. The graph says which rows are worth the float32 product; scores
// are exact, but rows that the graph does not lead to are missed.

import Files
package import Kernels

/// An index with its graph in memory.
package final class SentenceGraph: Sendable {
  /// Whose rows they are.
  package let index: SentenceIndex
  private let graph: NeighbourGraph

  /// Reads the graph beside an index.
  /// - Throws: `SearchError.noGraph`, `.olderGraph`, `.graphMemory`, `FileError` for one that is broken or another's.
  package init(of index: SentenceIndex, library: GraphLibrary) throws {
    let file = try index.graphFile()
    guard file.rows == index.rows else {
      throw SearchError.olderGraph(path: index.folder, rows: index.rows, found: file.rows)
    }
    self.index = index
    graph = try index.graph(from: file, file.shape, library).graph
  }

  /// How the graph was made.
  package var shape: GraphShape { graph.shape }

  /// Rows with high scores for each query, the highest first; equal scores in the order of their rows. Fewer than
  /// `count` where the graph leads to no more.
  ///
  /// - Parameters:
  ///   - queries: [queries, width], each of length 1.
  ///   - count: at most so many rows for each, at least 1.
  ///   - width: how many rows the graph is asked for; at least `count` are.
  ///   - threshold: rows of lower scores are left out; nil: none.
  /// - Throws: `SearchError.width`, `.graphMemory`, `FileError`.
  package func search(
    _ queries: Matrix, count: Int, width: Int = GraphShape.usualWidth, threshold: Float? = nil, pool: ThreadPool
  ) throws -> [[SearchHit]] {
    guard queries.columns == index.width else {
      throw SearchError.width(path: index.folder, expected: index.width, found: queries.columns)
    }
    var results = [Result<[SearchHit], any Error>](repeating: .success([]), count: queries.rows)
    results.withUnsafeMutableBufferPointer { results in
      pool.parallelFor(queries.rows, grain: 1) { range, _ in
        for query in range {
          results[query] = Result {
            try self.search(queries.row(query), min(count, index.rows), min(max(width, count), index.rows), threshold)
          }
        }
      }
    }
    return try results.map { try $0.get() }
  }

  private func search(
    _ query: UnsafePointer<Float>, _ count: Int, _ width: Int, _ threshold: Float?
  ) throws -> [SearchHit] {
    let size = GraphElements.size(width: index.width)
    let near = try withUnsafeTemporaryAllocation(byteCount: size, alignment: MemoryLayout<Float>.alignment) { memory in
      guard let element = memory.baseAddress else { return [Int]() }
      GraphElements.write(query: query, width: index.width, to: element)
      return try graph.nearest(to: element, width: width)
    }
    let hits = try near.map { SearchHit(row: $0, score: try index.score(of: $0, query: query)) }
    let kept = threshold.map { threshold in hits.filter { $0.score >= threshold } } ?? hits
    return Array(kept.sorted { ($1.score, $0.row) < ($0.score, $1.row) }.prefix(count))
  }
}
