// Which strategies are given up at a rung, and why.

import Comparison
import Testing

@Suite struct BudgetTests {
  @Test func rungsAreEvaluatedSteps() {
    #expect(Budget(totalSteps: 400, evalSteps: 20).rungs == [100, 200])
    #expect(Budget(totalSteps: 410, evalSteps: 50).rungs == [100, 200])
    #expect(Budget(totalSteps: 100, evalSteps: 50).rungs == [50])
    #expect(Budget(totalSteps: 100, evalSteps: 60).rungs.isEmpty)
  }

  @Test func aConsistentLossIsClear() {
    let drops = Budget.drops([[80, 81], [83.0, 84.1], [80.5, 81.55]])
    #expect(drops.map(\.strategy) == [2])
    #expect(drops.first?.reason.contains("over 2 seeds") ?? false)
  }

  @Test func noiseIsNotClear() {
    #expect(Budget.drops([[80, 81], [83, 84], [82, 78]]).isEmpty)
    // Consistent, but too small to matter.
    #expect(Budget.drops([[80, 81], [83, 84], [82.9, 83.9]]).isEmpty)
  }

  @Test func theFirstAndTheBestStay() {
    #expect(Budget.drops([[10, 10], [90, 90.1]]).isEmpty)
    #expect(Budget.drops([[90, 90.1], [10, 10.2]]).map(\.strategy) == [1])
  }

  @Test func atMostHalfGoWorstFirst() {
    let scores: [[Double]?] = [[90, 90], [50, 50], [40, 40], [60, 60], nil]
    #expect(Budget.drops(scores).map(\.strategy) == [2, 1])
  }

  @Test func oneSeedNeedsAWideMargin() {
    #expect(Budget.drops([[80], [84.9], [80]]).isEmpty)
    #expect(Budget.drops([[80], [85], [80]]).map(\.strategy) == [2])
  }

  /// One strategy is compared with the best: the 95 per cent point of t with 2 degrees of freedom is 2.920.
  /// Differences 1, 2, 3 have mean 2, standard error 0.577 and the lower limit 0.314.
  @Test func theLimitIsThatOfStudent() {
    #expect(Budget.drops([[10, 10, 10], [9, 8, 7]]).map(\.strategy) == [1])
    #expect(
      Budget.drops([[10, 10, 10], [9, 8, 7]]).first?.reason.contains("at least 0.31 with 95 per cent") ?? false)
    #expect(Budget.drops([[10, 10, 10], [9.6, 8, 6.4]]).isEmpty)
  }

  /// The best of three is the luckiest of three: the point is that of 2.5 per cent, 4.303, and the limit -0.484.
  @Test func theBestIsCompared() {
    #expect(Budget.drops([[0, 0, 0], [10, 10, 10], [9, 8, 7]]).isEmpty)
    let drops = Budget.drops([[0, 0, 0], [10, 10, 10], [7, 6.5, 6]])
    #expect(drops.map(\.strategy) == [2], "\(drops)")
    #expect(drops.first?.reason.hasSuffix("for all 2 compared with it") ?? false, "\(drops)")
  }
}
