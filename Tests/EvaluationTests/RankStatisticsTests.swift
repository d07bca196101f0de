// Correlations against SciPy (Tests/Fixtures/evaluation/make_fixture.py), heavy ties among the inputs.

import Evaluation
import Foundation
import TestSupport
import Testing

@Suite("rank statistics")
struct RankStatisticsTests {
  struct Case: Decodable {
    var name: String
    var x: [Double]
    var y: [Double]
    var ranks: [Double]
    var spearman: Double
    var pearson: Double
  }

  private func cases() throws -> [Case] {
    let path = Resources.fixture("evaluation/correlations.json")
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test("ranks, Spearman and Pearson as SciPy's")
  func agreesWithSciPy() throws {
    for item in try cases() {
      #expect(Correlation.averageRanks(item.x) == item.ranks, "\(item.name)")
      let (spearman, pearson) = (Correlation.spearman(item.x, item.y), Correlation.pearson(item.x, item.y))
      #expect(abs(spearman - item.spearman) < 1e-12, "\(item.name): \(spearman), \(item.spearman)")
      #expect(abs(pearson - item.pearson) < 1e-7, "\(item.name): \(pearson), \(item.pearson)")
    }
  }

  @Test("undefined correlations are NaN")
  func undefined() {
    #expect(Correlation.spearman([], []).isNaN)
    #expect(Correlation.spearman([1], [1]).isNaN)
    #expect(Correlation.spearman([1, 1, 1], [1, 2, 3]).isNaN)
    #expect(Correlation.spearman([1, .nan, 1], [1, 2, 3]).isNaN)
  }

  @Test("the cosine of a zero vector, a NaN or an infinity is 0")
  func cosines() {
    #expect(cosine([1, 2], [2, 4], count: 2) == 1)
    #expect(cosine([1, 0], [0, -4], count: 2) == 0)
    #expect(cosine([1, 2], [-2, -4], count: 2) == -1)
    #expect(cosine([0, 0], [1, 1], count: 2) == 0)
    #expect(cosine([.nan, 0], [1, 1], count: 2) == 0)
    #expect(cosine([.infinity, 0], [1, 1], count: 2) == 0)
    #expect(abs(cosine([1e30, 1e30], [1e30, 1e30], count: 2) - 1) < 1e-12)
  }
}
