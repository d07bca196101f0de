// Sums over ranks in one order, two and two, which depends on how many there are and not on who is ready first.

import CKernels
import Kernels

extension RankGroup {
  /// Adds up the parts of all ranks: [size, count].
  func addUp(
    _ parts: UnsafeMutablePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    pool.parallelFor(count, grain: 1 << 13) { range, _ in
      var step = 1
      while step < size {
        for rank in stride(from: 0, to: size - step, by: 2 * step) {
          ck_add(
            Int64(range.count), parts + (rank + step) * count + range.lowerBound,
            parts + rank * count + range.lowerBound)
        }
        step *= 2
      }
      (target + range.lowerBound).update(from: parts + range.lowerBound, count: range.count)
    }
  }

  /// Puts the sum of what all ranks have in the place of each one's: rank r adds up the numbers `borders[r]` to
  /// `borders[r + 1]`.
  func sum(
    _ values: UnsafeMutablePointer<Float>, _ borders: [Int64], received: ScratchBuffer, pool: ThreadPool
  ) {
    let (start, mine) = (Int(borders[rank]), Int(borders[rank + 1] - borders[rank]))
    exchange(values, borders, into: received.reserve(size * mine))
    addUp(received.pointer, count: mine, into: values + start, pool: pool)
    collect(values, borders)
  }

  /// `count` lines of `width` numbers, in as many parts as there are ranks.
  func borders(lines count: Int, width: Int = 1) -> [Int64] {
    (0...size).map { Int64(count * $0 / size * width) }
  }
}
