// The search through bytes against all products in double precision, on vectors that make it hard: of any width, nearly
// equal ones, equal ones, ones with a single large number, and zeros.

import Files
import Foundation
import Kernels
import Search
import TestSupport
import Testing

@Suite struct ExactSearchTests {
  /// What the vectors of a case are like.
  enum Kind: String, CaseIterable { case random, crowded, equal, spiked, zeros }

  private static let model = IndexedModel(
    folder: "", digests: [:], pooler: "avg", beforeHead: false, maximumLength: nil)

  private func unit(_ rows: Int, _ width: Int, _ kind: Kind, seed: UInt64) -> FloatBuffer {
    let buffer = FloatBuffer(count: rows * width)
    RandomStream(seed: seed, name: kind.rawValue).normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: rows * width))
    let center = FloatBuffer(count: width)
    RandomStream(seed: 1, name: "center").normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: center.pointer, count: width))
    for row in 0..<rows {
      let vector = buffer.pointer + row * width
      for i in 0..<width {
        switch kind {
        case .random, .zeros: break
        case .crowded: vector[i] = center.pointer[i] + 1e-4 * vector[i]
        case .equal: if row % 3 != 0 { vector[i] = center.pointer[i] }
        case .spiked: if i == row % width { vector[i] *= 300 }
        }
      }
      if kind == .zeros, row % 5 == 0 { for i in 0..<width { vector[i] = 0 } }
      let length = (0..<width).reduce(0.0) { $0 + Double(vector[$1]) * Double(vector[$1]) }.squareRoot()
      for i in 0..<width { vector[i] = Float(Double(vector[i]) / max(length, 1e-12)) }
    }
    return buffer
  }

  private func index(_ vectors: FloatBuffer, rows: Int, width: Int, in scratch: Scratch) throws -> SentenceIndex {
    let folder = scratch.path + "/index"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let writer = try IndexWriter(newIn: folder, width: width, model: Self.model)
    try writer.append(vectors.matrix(rows: rows, columns: width), (0..<rows).map { Array("text \($0)".utf8) })
    try writer.commit()
    return try SentenceIndex(folder: folder)
  }

  @Test("finds what all products find, with equal scores in the order of rows", arguments: Kind.allCases)
  func equalsAllProducts(_ kind: Kind) throws {
    for (rows, width) in [(5000, 48), (2049, 7), (300, 384), (64, 1), (1, 33)] {
      let scratch = try Scratch()
      let vectors = unit(rows, width, kind, seed: 3)
      let index = try index(vectors, rows: rows, width: width, in: scratch)
      let queries = unit(9, width, kind, seed: 4)
      let pool = ThreadPool(threads: 3)
      for (count, threshold) in [(1, nil), (10, nil), (100, Float(0.2)), (rows + 5, nil)] as [(Int, Float?)] {
        let found = try index.search(
          queries.matrix(rows: 9, columns: width), count: count, threshold: threshold, pool: pool)
        #expect(found.count == 9)
        for query in 0..<9 {
          let all = (0..<rows).map { row in
            (row: row, score: exactDot(queries.pointer + query * width, vectors.pointer + row * width, width))
          }
          let best = all.filter { $0.score >= threshold ?? -2 }.sorted { ($1.score, $0.row) < ($0.score, $1.row) }
          #expect(
            found[query] == best.prefix(count).map { SearchHit(row: $0.row, score: $0.score) },
            "\(kind) [\(rows), \(width)], k \(count), query \(query)")
        }
      }
      #expect(
        try index.search(queries.matrix(rows: 9, columns: width), count: 7, pool: ThreadPool(threads: 1))
          == index.search(queries.matrix(rows: 9, columns: width), count: 7, pool: pool))
    }
  }

  @Test("the exact product is the sum in double precision, to the last bit of float32")
  func exactProduct() {
    for width in [1, 2, 3, 4, 5, 31, 384] {
      let pair = unit(2, width, .random, seed: 8)
      let (a, b) = (pair.pointer, pair.pointer + width)
      let sum = (0..<width).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
      #expect(abs(Double(exactDot(a, b, width)) - sum) <= Double(Float(sum).ulp) / 2 + 1e-15)
    }
  }

  @Test("texts come by their rows; bytes that are no UTF-8 as U+FFFD, line feeds as blanks")
  func texts() throws {
    let scratch = try Scratch()
    let vectors = unit(4, 3, .random, seed: 1)
    let folder = scratch.path + "/index"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let writer = try IndexWriter(newIn: folder, width: 3, model: Self.model)
    try writer.append(vectors.matrix(rows: 4, columns: 3), [Array("é".utf8), [], [0xFF, 65], Array("a\nb".utf8)])
    try writer.commit()
    let index = try SentenceIndex(folder: folder)
    #expect(try index.texts(of: [3, 0, 1, 2]) == ["a b", "é", "", "\u{FFFD}A"])
  }
}
