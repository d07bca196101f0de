import Comparison
import Testing

@Suite struct ComparisonResultsTests {
  @Test func equality() {
    #expect(PairScores(metric: "a", gold: [1], predicted: [1]) != PairScores(metric: "a", gold: [1], predicted: [2]))
  }
}
