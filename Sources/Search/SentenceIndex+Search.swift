// The search: bytes give each row bounds of its score, rows whose upper bound reaches the best lower bounds get their
// exact score, in the order of their bounds, until no other row can be better.

import CKernels
import Files
package import Kernels

extension SentenceIndex {
  /// Rows that one thread looks through at a time: their bytes stay in its cache for all queries.
  private static let tile = 2048
  /// Queries at a time: each thread keeps a list for each.
  private static let queriesAtOnce = 256

  /// The rows with the highest scores for each query, the highest first; equal scores in the order of their rows.
  ///
  /// - Parameters:
  ///   - queries: [queries, width], each of length 1.
  ///   - count: at most so many rows for each, at least 1.
  ///   - threshold: rows of lower scores are left out; nil: none.
  /// - Throws: `SearchError.width`, `FileError`, what `progress` throws.
  package func search(
    _ queries: Matrix, count: Int, threshold: Float? = nil, pool: ThreadPool,
    progress: ((_ done: Int) throws -> Void)? = nil
  ) throws -> [[SearchHit]] {
    guard queries.columns == width else {
      throw SearchError.width(path: folder, expected: width, found: queries.columns)
    }
    var found: [[SearchHit]] = []
    for first in stride(from: 0, to: queries.rows, by: Self.queriesAtOnce) {
      let part = first..<min(first + Self.queriesAtOnce, queries.rows)
      found += try search(
        Matrix(queries.row(first), rows: part.count, columns: width, rowStride: queries.rowStride),
        min(max(count, 1), max(rows, 1)), threshold ?? -.infinity, pool)
      try progress?(part.upperBound)
    }
    return found
  }

  private func search(
    _ queries: Matrix, _ count: Int, _ threshold: Float, _ pool: ThreadPool
  ) throws -> [[SearchHit]] {
    let lists = shortlists(queries, try codes(), count, threshold, pool)
    var results = [Result<[SearchHit], any Error>](repeating: .success([]), count: queries.rows)
    results.withUnsafeMutableBufferPointer { results in
      pool.parallelFor(queries.rows, grain: 1) { range, _ in
        for query in range {
          results[query] = Result { try self.hits(lists[query], query: queries.row(query), threshold: threshold) }
        }
      }
    }
    return try results.map { try $0.get() }
  }

  /// For each query the rows that may be among its best.
  private func shortlists(
    _ queries: Matrix, _ codes: UnsafePointer<Int8>, _ count: Int, _ threshold: Float, _ pool: ThreadPool
  ) -> [Shortlist] {
    let numbers = FloatBuffer(count: (queries.rows * width + 1) / 2)
    let shorts = UnsafeMutableRawPointer(numbers.pointer).bindMemory(to: Int16.self, capacity: queries.rows * width)
    let bounds = (0..<queries.rows).map {
      QuantizedQuery(queries.row($0), width: width, into: shorts + $0 * width).bounds
    }
    let workers = (0..<pool.threads).map { _ in
      WorkerLists(Array(repeating: Shortlist(count: count, threshold: threshold), count: queries.rows))
    }
    pool.parallelFor(rows, grain: Self.tile) { range, worker in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * Self.tile) { memory in
        guard let dots = memory.baseAddress else { return }
        let codes = codes + range.lowerBound * self.width
        for query in 0..<queries.rows {
          ck_code_dots(Int64(range.count), Int64(self.width), codes, shorts + query * self.width, dots)
          self.choose(
            from: range, dots, chosen: dots + Self.tile, bounds[query], into: &workers[worker].lists[query])
        }
      }
    }
    return withExtendedLifetime(numbers) {
      workers.dropFirst().reduce(into: workers[0].lists) { lists, worker in
        for query in lists.indices { lists[query].add(worker.lists[query]) }
      }
    }
  }

  private func choose(
    from range: Range<Int>, _ dots: UnsafePointer<Int32>, chosen: UnsafeMutablePointer<Int32>, _ bounds: ck_code_bounds,
    into list: inout Shortlist
  ) {
    let (steps, errors) = (steps.pointer + range.lowerBound, errors.pointer + range.lowerBound)
    let found = ck_code_select(Int64(range.count), dots, steps, errors, bounds, list.limit, chosen)
    for place in 0..<Int(found) {
      let row = Int(chosen[place])
      let score = bounds.factor * steps[row] * Float(dots[row])
      let error = bounds.slack + bounds.length * errors[row]
      guard score + error >= list.limit else { continue }
      list.add(row: range.lowerBound + row, upper: score + error, lower: score - error)
    }
  }

  /// Exact scores, from the highest bound down, until the bounds fall below the scores that are there.
  private func hits(_ list: Shortlist, query: UnsafePointer<Float>, threshold: Float) throws -> [SearchHit] {
    var best: [SearchHit] = []
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { memory in
      guard let vector = memory.baseAddress else { return }
      for entry in list.ranked() {
        if best.count == list.count, entry.upper < best[best.count - 1].score { break }
        try vectors.read(entry.row..<entry.row + 1, into: vector)
        let hit = SearchHit(row: entry.row, score: exactDot(query, vector, width))
        guard hit.score >= threshold else { continue }
        let place = best.firstIndex { ($0.score, hit.row) < (hit.score, $0.row) } ?? best.count
        guard place < list.count else { continue }
        if best.count == list.count { best.removeLast() }
        best.insert(hit, at: place)
      }
    }
    return best
  }

  /// The score of one row.
  /// - Throws: `FileError`.
  package func score(of row: Int, query: UnsafePointer<Float>) throws -> Float {
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { memory in
      guard let vector = memory.baseAddress else { return 0 }
      try vectors.read(row..<row + 1, into: vector)
      return exactDot(query, vector, width)
    }
  }
}

/// The lists of one thread, a list a query.
private final class WorkerLists {
  var lists: [Shortlist]

  init(_ lists: [Shortlist]) { self.lists = lists }
}

/// The product of two vectors, summed in double precision in one order: the same bits on every machine.
package func exactDot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
  var sums = SIMD4<Double>()
  var i = 0
  while i + 4 <= count {
    sums +=
      SIMD4(Double(a[i]), Double(a[i + 1]), Double(a[i + 2]), Double(a[i + 3]))
      * SIMD4(Double(b[i]), Double(b[i + 1]), Double(b[i + 2]), Double(b[i + 3]))
    i += 4
  }
  var sum = (sums[0] + sums[1]) + (sums[2] + sums[3])
  while i < count {
    sum += Double(a[i]) * Double(b[i])
    i += 1
  }
  return Float(sum)
}
