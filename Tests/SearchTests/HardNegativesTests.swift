// Which candidates become hard negatives.

import Search
import Testing

@Suite struct HardNegativesTests {
  private let found = (0..<10).map { SearchHit(row: 10 + $0, score: 0.9 - 0.1 * Float($0)) }

  private func rows(_ change: (inout MiningOptions) -> Void, positive: Float = 0.8, pair: Int = 0) -> [Int] {
    var options = MiningOptions()
    options.count = 20
    change(&options)
    return options.choose(from: found, excluding: [10, 12], positive: positive, pair: pair).map(\.row)
  }

  @Test("the nearest that are not excluded, by their places")
  func ranks() {
    #expect(rows { $0.count = 3 } == [11, 13, 14])
    #expect(rows { $0.ranks = 2...4 } == [13, 14, 15])
    #expect(rows { $0.ranks = 8...9 } == [19])
    #expect(rows { $0.ranks = 9...12 } == [])
  }

  @Test("scores stay below the positive's by the margin, and between the bounds")
  func margins() {
    #expect(rows { $0.margin = 0.25 } == [14, 15, 16, 17, 18, 19])
    #expect(rows { $0.relativeMargin = 0.5 } == [15, 16, 17, 18, 19])
    #expect(rows({ $0.relativeMargin = 0.5 }, positive: -0.2) == [])
    #expect(rows { ($0.lowest, $0.highest) = (0.35, 0.65) } == [13, 14, 15])
  }

  @Test("a random choice depends on seed and pair alone, and takes each with equal chances")
  func random() {
    func choice(_ pair: Int, seed: UInt64 = 42) -> [Int] {
      rows({ ($0.isRandom, $0.count, $0.seed) = (true, 2, seed) }, pair: pair)
    }
    #expect(choice(7) == choice(7))
    #expect((0..<20).contains { choice($0) != choice($0, seed: 43) })
    var counts: [Int: Int] = [:]
    for pair in 0..<4000 {
      let chosen = choice(pair)
      #expect(chosen.count == 2 && chosen[0] < chosen[1])
      for row in chosen { counts[row, default: 0] += 1 }
    }
    // Eight candidates, two of them each time: 1,000 each, with a standard deviation of 27.
    #expect(counts.count == 8 && counts.values.allSatisfy { abs($0 - 1000) < 140 })
  }
}
