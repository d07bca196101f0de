// Vectors that lie about centers, as embeddings do, and indexes of them.

import Foundation
import Kernels
import Search
import TestSupport

/// Unit vectors [rows, width] about a few centers.
struct ClusteredVectors {
  let rows: Int
  let width: Int
  let buffer: FloatBuffer
  var matrix: Matrix { buffer.matrix(rows: rows, columns: width) }

  /// - Parameters:
  ///   - clusters: how many centers; the same ones for every seed.
  ///   - spread: of the numbers about a center, whose own have a standard deviation of 1.
  init(_ rows: Int, width: Int, clusters: Int, spread: Float = 0.6, seed: UInt64) {
    (self.rows, self.width) = (rows, width)
    buffer = Self.normal(rows * width, seed: seed)
    let centers = Self.normal(clusters * width, seed: 1)
    let choice = RandomStream(seed: seed, name: "cluster")
    for row in 0..<rows {
      let vector = buffer.pointer + row * width
      let center = centers.pointer + Int(choice.bits(step: 0, index: UInt64(row)) % UInt64(clusters)) * width
      for i in 0..<width { vector[i] = center[i] + spread * vector[i] }
      let length = (0..<width).reduce(0.0) { $0 + Double(vector[$1]) * Double(vector[$1]) }.squareRoot()
      for i in 0..<width { vector[i] = Float(Double(vector[i]) / length) }
    }
  }

  private static func normal(_ count: Int, seed: UInt64) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    RandomStream(seed: seed, name: "vectors").normal(
      step: 0, offset: 0, into: UnsafeMutableBufferPointer(start: buffer.pointer, count: count))
    return buffer
  }

  /// An index of the first rows in a folder that is not there yet; its texts are their numbers.
  @discardableResult
  func index(_ folder: String, first count: Int? = nil) throws -> SentenceIndex {
    let count = count ?? rows
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let model = IndexedModel(folder: "", digests: [:], pooler: "avg", beforeHead: false, maximumLength: nil)
    let writer = try IndexWriter(newIn: folder, width: width, model: model)
    try writer.append(buffer.matrix(rows: count, columns: width), (0..<count).map { Array("\($0)".utf8) })
    try writer.commit()
    return try SentenceIndex(folder: folder)
  }
}
