// How much an approximate search misses: measured against the exact one, on the index that is searched.

import Files
package import Kernels

/// What was measured at one width.
package struct GraphRecall: Sendable, Equatable {
  /// How many rows the graph was asked for.
  package var width: Int
  /// The share of the exact best that came out, or of rows with the same scores; 1 where nothing is missed.
  package var recall: Double
  /// Seconds a query, one at a time.
  package var seconds: Double
}

extension SentenceGraph {
  /// Rows that serve as queries: drawn without repetition, the same ones each time.
  package func sample(_ count: Int) -> [Int] {
    let stream = RandomStream(seed: 42, name: "recall")
    var (chosen, order) = (Set<Int>(), [Int]())
    var index: UInt64 = 0
    while order.count < min(count, self.index.rows) {
      let row = Int(stream.bits(step: 0, index: index) % UInt64(self.index.rows))
      index += 1
      if chosen.insert(row).inserted { order.append(row) }
    }
    return order
  }

  /// Searches for each query exactly and by the graph, one at a time.
  /// - Parameters:
  ///   - queries: [queries, width], each of length 1.
  ///   - own: the rows that the queries are, which are not counted among what is found; nil: none are rows.
  ///   - count: rows for each (k).
  ///   - progress: called with the number of queries done.
  /// - Returns: seconds a query of the exact search, and what was measured at each width.
  /// - Throws: what `search` and `progress` throw.
  package func recall(
    _ queries: Matrix, own: [Int]? = nil, count: Int, widths: [Int], pool: ThreadPool,
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> (exactSeconds: Double, measured: [GraphRecall]) {
    let clock = ContinuousClock()
    let more = own == nil ? 0 : 1
    var exactTime = Duration.zero
    var times = widths.map { _ in Duration.zero }
    var (found, wanted) = (widths.map { _ in 0 }, 0)
    // The bytes of an exact search are read once, and not in its time.
    func one(_ query: Int) -> Matrix { Matrix(queries.row(query), rows: 1, columns: queries.columns) }
    if queries.rows > 0 { _ = try index.search(one(0), count: 1, pool: pool) }
    for query in 0..<queries.rows {
      func counted(_ hits: [SearchHit]) -> ArraySlice<SearchHit> {
        hits.filter { $0.row != own?[query] }.prefix(count)
      }
      var best: [SearchHit] = []
      exactTime += try clock.measure { best = try index.search(one(query), count: count + more, pool: pool)[0] }
      let exact = counted(best)
      wanted += exact.count
      guard let lowest = exact.last?.score else { continue }
      for (place, width) in widths.enumerated() {
        var hits: [SearchHit] = []
        times[place] += try clock.measure {
          hits = try search(one(query), count: count + more, width: width, pool: pool)[0]
        }
        found[place] += counted(hits).count { $0.score >= lowest }
      }
      try progress(query + 1)
    }
    let queryCount = Double(max(queries.rows, 1))
    let measured = widths.indices.map { place in
      GraphRecall(
        width: widths[place], recall: wanted == 0 ? 1 : Double(found[place]) / Double(wanted),
        seconds: times[place].seconds / queryCount)
    }
    return (exactTime.seconds / queryCount, measured)
  }
}
