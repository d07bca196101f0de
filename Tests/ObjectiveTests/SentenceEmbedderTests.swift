// Embeddings of lines with the real model against transformers, and the order, batching and reuse around it.

import Encoder
import Foundation
import Host
import Kernels
import ModelFiles
import Objective
import TestSupport
import Testing

private struct Expected: Decodable {
  let lines: [String]
  let avg, cls: [[Float]]
}

@Suite(.needs(.model))
struct SentenceEmbedderTests {
  private func expected() throws -> Expected {
    let data = try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("objective/embeddings.json")))
    return try JSONDecoder().decode(Expected.self, from: data)
  }

  private func embedder(_ world: TestWorld, _ pooler: String, tokenBudget: Int) throws -> SentenceEmbedder {
    let whole = try SentenceEmbedder.open(
      ModelFolder(path: try #require(Resources.model)), pooler: Pooler(parsing: pooler, in: world.registry),
      services: world.services)
    return SentenceEmbedder(
      tokenizer: whole.tokenizer, encoder: whole.encoder, pooling: whole.pooling, maximumLength: 512,
      tokenBudget: tokenBudget)
  }

  @Test(arguments: ["avg", "cls_before_pooler"], [1, 600, 100_000])
  func sameAsTransformers(pooler: String, budget: Int) throws {
    let expected = try expected()
    let embedder = try embedder(TestWorld(), pooler, tokenBudget: budget)
    var progress: [Int] = []
    let table = try embedder.embed(expected.lines) { done, total in
      progress.append(done)
      #expect(total == expected.lines.count)
    }
    let truth = pooler == "avg" ? expected.avg : expected.cls
    // The folder has a Normalize module.
    for (line, row) in truth.enumerated() {
      let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      for (column, value) in row.enumerated() {
        #expect(abs(table.matrix.row(line)[column] - value / length) < 1e-5, "line \(line), column \(column)")
      }
    }
    #expect(progress.last == expected.lines.count && progress == progress.sorted())
    // Five distinct lines: each alone, or the long one alone and the rest together, or all at once.
    #expect(progress.count == [1: 5, 600: 1, 100_000: 1][budget])
    #expect(table.truncatedLines == 1 && table.replacedBytes == 0)
    withExtendedLifetime(table) {}
  }

  @Test func normalisedAndStopped() throws {
    let expected = try expected()
    let embedder = try embedder(TestWorld(), "avg", tokenBudget: 64)
    let table = try embedder.embed(expected.lines, options: EmbeddingOptions(normalize: true))
    for line in expected.lines.indices {
      let length = (0..<384).reduce(0.0) {
        $0 + Double(table.matrix.row(line)[$1]) * Double(table.matrix.row(line)[$1])
      }
      #expect(isClose(length, 1, absolute: 1e-5))
    }
    withExtendedLifetime(table) {}
    struct Stop: Error {}
    #expect(throws: Stop.self) { try embedder.embed(expected.lines) { _, _ in throw Stop() } }
    #expect(try embedder.embed([]).matrix.rows == 0)
  }
}
