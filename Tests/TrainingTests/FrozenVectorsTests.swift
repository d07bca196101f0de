// The vectors of a frozen run: found again by row in any order, and refused where they do not fit.

import Kernels
import Testing
import Training

@Suite struct RowVectorsTests {
  @Test func rowsAreFoundAgainInAnyOrder() {
    let vectors = RowVectors(rows: 10, capacity: 5, views: 2, width: 3)
    let source = FloatBuffer(count: 2 * 3 * 3)
    func fill(_ rows: [Int]) -> Matrix {
      let matrix = source.matrix(rows: 2 * rows.count, columns: 3)
      for view in 0..<2 {
        for (index, row) in rows.enumerated() {
          for k in 0..<3 { matrix.row(view * rows.count + index)[k] = Float(100 * view + 10 * row + k) }
        }
      }
      return matrix
    }
    vectors.store([7, 2, 9], fill([7, 2, 9]))
    vectors.store([0, 4], fill([0, 4]))
    let target = FloatBuffer(count: 2 * 4 * 3)
    vectors.gather([4, 9, 7, 4], into: target.matrix(rows: 8, columns: 3))
    for view in 0..<2 {
      for (index, row) in [4, 9, 7, 4].enumerated() {
        for k in 0..<3 {
          #expect(target.pointer[(view * 4 + index) * 3 + k] == Float(100 * view + 10 * row + k))
        }
      }
    }
    withExtendedLifetime((source, target)) {}
  }

  @Test func whatDoesNotFitIsRefusedWithItsSize() throws {
    let bytes = 1 << 20
    let needed = try RowVectors.bytes(rows: 1000, views: 2, width: 128, available: nil)
    #expect(needed == 1000 * (2 * 128 * 4 + 8))
    #expect(try RowVectors.bytes(rows: 1000, views: 2, width: 128, available: 2 * bytes) == needed)
    let error = #expect(throws: TrainingError.self) {
      try RowVectors.bytes(rows: 100_000, views: 3, width: 768, available: 200 * bytes)
    }
    let text = "\(try #require(error))"
    #expect(text.contains("879 MiB") && text.contains("200 MiB free") && text.contains("--max-steps"), "\(text)")
    #expect(error?.exitCode == 64)
  }
}
