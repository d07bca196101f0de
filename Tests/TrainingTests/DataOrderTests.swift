// The order of rows: a permutation, another one each epoch, the same for the same seed.

import Testing
import Training

struct DataOrderTests {
  @Test(arguments: [1, 2, 3, 7, 64, 65, 1000, 4096])
  func visitsEveryRowOnce(rows: Int) {
    let order = DataOrder(rows: rows, seed: 42, isShuffled: true)
    for epoch in 0..<3 {
      #expect((0..<rows).map { order.row(epoch: epoch, position: $0) }.sorted() == Array(0..<rows))
    }
  }

  @Test func epochsAndSeedsDiffer() {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
      let order = DataOrder(rows: 500, seed: seed, isShuffled: true)
      return (0..<500).map { order.row(epoch: epoch, position: $0) }
    }
    #expect(order(1, 0) == order(1, 0))
    #expect(order(1, 0) != order(1, 1))
    #expect(order(1, 0) != order(2, 0))
    let plain = DataOrder(rows: 500, seed: 1, isShuffled: false)
    #expect((0..<500).map { plain.row(epoch: 3, position: $0) } == Array(0..<500))
  }

  /// Where rows land is uniform: chi squared over 20 x 20 cells, 361 degrees of freedom, 5 standard deviations.
  @Test func isWellMixed() {
    var cells = [Double](repeating: 0, count: 400)
    let rows = 1000
    let epochs = 20
    let order = DataOrder(rows: rows, seed: 7, isShuffled: true)
    for epoch in 0..<epochs {
      for position in 0..<rows {
        cells[order.row(epoch: epoch, position: position) * 20 / rows * 20 + position * 20 / rows] += 1
      }
    }
    let expected = Double(rows * epochs) / 400
    let chi = cells.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
    #expect(abs(chi - 361) < 5 * (2.0 * 361).squareRoot(), "chi squared \(chi)")
  }

  @Test func theLastBatchIsShort() {
    let order = DataOrder(rows: 10, seed: 1, isShuffled: true)
    #expect(order.batch(epoch: 0, position: 8, size: 4).count == 2)
    #expect(order.batch(epoch: 0, position: 12, size: 4).isEmpty)
  }
}
