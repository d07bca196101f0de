// Views over tensors, and the vector operations of plugins against plain loops.

import PluginKit
import Testing

@Suite struct MatrixTests {
  @Test func leadingAxesAreFoldedIntoRows() {
    let tensor = HandmadeTensor([2, 3, 4], values: (0..<24).map(Float.init))
    defer { withExtendedLifetime(tensor) {} }
    #expect((tensor.matrix.rows, tensor.matrix.columns, tensor.matrix.rowStride) == (6, 4, 4))
    #expect(tensor.matrix[4, 1] == 17)
    let line = HandmadeTensor([5], values: [1, 2, 3, 4, 5])
    defer { withExtendedLifetime(line) {} }
    #expect((line.matrix.rows, line.matrix.columns) == (1, 5))
    #expect(line.matrix[0, 4] == 5)
  }

  @Test func theVectorsOfARowAreFoundBehindPaddingToo() {
    let tensor = HandmadeTensor([2, 3, 4], values: (0..<24).map(Float.init))
    defer { withExtendedLifetime(tensor) {} }
    let second = tensor.matrix.vectors(of: 1)
    #expect((second.rows, second.columns, second[0, 0], second[2, 3]) == (3, 4, 12, 23))
    // Two rows of two vectors, each row with two numbers of padding behind it.
    let padded = HandmadeTensor([2, 2, 2], values: (0..<8).map(Float.init))
    defer { withExtendedLifetime(padded) {} }
    padded.tensor.pointee.shape[1] = 1
    #expect(padded.matrix.vectors(of: 1)[0, 1] == 5 && padded.matrix.vectors(of: 1).rows == 1)
  }

  @Test func aPartOfAVectorIsItsMemory() {
    let tensor = HandmadeTensor([1, 6], values: [0, 1, 2, 3, 4, 5])
    defer { withExtendedLifetime(tensor) {} }
    let part = tensor.matrix[0][2..<5]
    #expect((part.count, part[0], part[2]) == (3, 2, 4))
    part.fill(7)
    #expect(Array(tensor.numbers) == [0, 1, 7, 7, 7, 5])
  }

  @Test func paddingBetweenRowsIsSteppedOver() {
    let tensor = HandmadeTensor([3, 4], rowStride: 7, values: (0..<12).map(Float.init))
    defer { withExtendedLifetime(tensor) {} }
    #expect(tensor.matrix[2, 3] == 11)
    tensor.matrix[1].fill(9)
    #expect(Array(tensor.numbers[7..<11]) == [9, 9, 9, 9])
    #expect(Array(tensor.numbers[4..<7]) == [-1, -1, -1] && Array(tensor.numbers[11..<14]) == [-1, -1, -1])
  }

  @Test func aTensorWithoutMemoryIsAnEmptyMatrix() {
    let tensor = HandmadeTensor([0, 4])
    defer { withExtendedLifetime(tensor) {} }
    tensor.tensor.pointee.data = nil
    #expect((tensor.matrix.rows, tensor.matrix.columns) == (0, 4))
  }

  @Test(arguments: [1, 2, 7, 8, 9, 16, 19]) func vectorOperationsAgreeWithPlainLoops(width: Int) {
    let a = (0..<width).map { Float($0) * 0.5 - 3 }
    let b = (0..<width).map { 2 - Float($0 * 7 % 5) }
    let tensor = HandmadeTensor([3, width], values: a + b + a)
    defer { withExtendedLifetime(tensor) {} }
    let rows = tensor.matrix
    let sum = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    #expect(abs(Double(rows[0].dot(rows[1])) - sum) < 1e-4)
    func values(_ row: Int) -> [Float] { (0..<width).map { rows[row, $0] } }
    rows[2].add(rows[1], times: 2)
    #expect(values(2) == zip(a, b).map { $0 + 2 * $1 })
    rows[2].setMix(rows[0], rows[1], share: 0.25)
    #expect(values(2) == zip(a, b).map { 0.25 * $0 + 0.75 * $1 })
    rows[2].set(rows[1])
    rows[2].scale(by: -3)
    #expect(values(2) == b.map { -3 * $0 })
    #expect(values(0) == a && values(1) == b)
  }
}
