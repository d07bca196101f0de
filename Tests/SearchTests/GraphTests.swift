// Approximate searches against exact ones: what they find, what scores they give, and that a graph is the same bytes
// whatever made it.

import Files
import Foundation
import Kernels
import Search
import TestSupport
import Testing

@Suite(.needs(.hnswlib)) struct GraphTests {
  private let scratch: Scratch
  private let folder: String
  private let library: GraphLibrary
  private let pool = ThreadPool(threads: 2)

  init() throws {
    scratch = try Scratch()
    folder = scratch.path + "/index"
    library = try GraphLibrary(places: [BuiltGraphLibrary.path.get()])
  }

  private func make(
    _ folder: String? = nil, shape: GraphShape? = nil, overwrite: Bool = false, threads: Int = 2
  ) throws -> (linked: Int, rows: Int) {
    try SentenceIndex.makeGraph(
      in: folder ?? self.folder, shape: shape, overwrite: overwrite,
      by: GraphMaker(pool: ThreadPool(threads: threads)) { library })
  }

  private func graphBytes(_ folder: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder + "/graph.bin"))
  }

  @Test("finds at least 95 % of the 10 nearest of 20,000, with exact scores")
  func recall() throws {
    let vectors = ClusteredVectors(20_000, width: 64, clusters: 200, seed: 3)
    let index = try vectors.index(folder)
    #expect(try make() == (20_000, 20_000))
    let graph = try SentenceGraph(of: index, library: library)
    let queries = ClusteredVectors(300, width: 64, clusters: 200, seed: 4)
    let exact = try index.search(queries.matrix, count: 10, pool: pool)
    let found = try graph.search(queries.matrix, count: 10, pool: pool)
    var hits = 0
    for query in 0..<300 {
      #expect(found[query].count == 10 && Set(found[query].map(\.row)).count == 10)
      for hit in found[query] {
        let score = exactDot(
          queries.matrix.row(query), vectors.matrix.row(hit.row), 64)
        #expect(hit.score == score)
      }
      #expect(found[query].map(\.score) == found[query].map(\.score).sorted(by: >))
      hits += Set(found[query].map(\.row)).intersection(exact[query].map(\.row)).count
    }
    #expect(hits >= 2850, "recall \(Double(hits) / 3000)")
    // The measuring itself: the same share, and nothing is missed where the graph is asked for enough.
    let measured = try graph.recall(queries.matrix, count: 10, widths: [64, 2000], pool: pool).measured
    #expect(abs(measured[0].recall - Double(hits) / 3000) < 1e-9)
    #expect(measured[1].recall >= max(measured[0].recall, 0.999))
    let own = graph.sample(50)
    #expect(Set(own).count == 50 && own == graph.sample(50))
  }

  @Test("a threshold leaves out lower scores, and the answer does not depend on threads")
  func thresholds() throws {
    let index = try ClusteredVectors(3000, width: 24, clusters: 30, seed: 3).index(folder)
    _ = try make()
    let graph = try SentenceGraph(of: index, library: library)
    let queries = ClusteredVectors(40, width: 24, clusters: 30, seed: 4)
    let all = try graph.search(queries.matrix, count: 50, pool: pool)
    let threshold = all[0][20].score
    let above = try graph.search(queries.matrix, count: 50, threshold: threshold, pool: pool)
    for query in 0..<40 { #expect(above[query] == all[query].filter { $0.score >= threshold }) }
    #expect(above[0].count == 21)
    #expect(try graph.search(queries.matrix, count: 50, pool: ThreadPool(threads: 1)) == all)
  }

  @Test("is the same bytes for any number of threads, and anew")
  func sameBytes() throws {
    try ClusteredVectors(4000, width: 32, clusters: 50, seed: 5).index(folder)
    var files: [Data] = []
    for threads in [1, 2, 3, 1] {
      _ = try make(overwrite: true, threads: threads)
      files.append(try graphBytes(folder))
    }
    #expect(Set(files).count == 1)
    // What is read is what was written.
    #expect(try make() == (0, 4000))
    #expect(try graphBytes(folder) == files[0])
  }

  @Test("a graph with fewer rows than the index is refused, then extended, and finds the new rows")
  func extended() throws {
    let vectors = ClusteredVectors(3000, width: 32, clusters: 40, seed: 6)
    try vectors.index(scratch.path + "/first", first: 2000)
    _ = try make(scratch.path + "/first", shape: GraphShape(links: 8, buildWidth: 60))
    let index = try vectors.index(folder)
    try FileManager.default.copyItem(atPath: scratch.path + "/first/graph.bin", toPath: folder + "/graph.bin")
    #expect(throws: SearchError.olderGraph(path: folder, rows: 3000, found: 2000)) {
      try SentenceGraph(of: index, library: library)
    }
    #expect(
      throws: SearchError.graphShape(
        path: folder, expected: GraphShape(links: 8, buildWidth: 60), found: GraphShape(links: 9, buildWidth: 60))
    ) { try make(shape: GraphShape(links: 9, buildWidth: 60)) }
    #expect(try make() == (1000, 3000))
    let graph = try SentenceGraph(of: index, library: library)
    #expect(graph.shape == GraphShape(links: 8, buildWidth: 60))
    let found = try graph.search(vectors.matrix, count: 1, pool: pool)
    let missed = (0..<3000).count { found[$0].first?.row != $0 }
    #expect(missed < 30, "\(missed) of 3000 rows do not find themselves")
    #expect(try make(shape: .usual, overwrite: true) == (3000, 3000))
  }

  @Test("without a graph there is advice; few rows, equal rows and zeros are searched like others")
  func small() throws {
    for rows in [1, 2, 3, 40] {
      let place = folder + "\(rows)"
      let vectors = ClusteredVectors(rows, width: 5, clusters: 3, seed: 7)
      let index = try vectors.index(place)
      #expect(throws: SearchError.noGraph(path: place)) { try SentenceGraph(of: index, library: library) }
      _ = try make(place)
      let graph = try SentenceGraph(of: index, library: library)
      #expect(
        try graph.search(vectors.matrix, count: 50, pool: pool)
          == index.search(vectors.matrix, count: 50, pool: pool))
    }
    let vectors = ClusteredVectors(600, width: 8, clusters: 2, seed: 8)
    for row in 0..<600 {
      for i in 0..<8 { vectors.matrix.row(row)[i] = row % 3 == 0 ? 0 : vectors.matrix.row(1)[i] }
    }
    let index = try vectors.index(folder)
    _ = try make()
    let found = try SentenceGraph(of: index, library: library).search(
      Matrix(vectors.matrix.row(1), rows: 1, columns: 8), count: 5, pool: pool)[0]
    #expect(found.count == 5 && found.allSatisfy { abs($0.score - 1) < 1e-6 })
  }
}
