// Every chunk runs once, borders depend on size and grain only, and nothing hangs under stress.

import Foundation
import Kernels
import Synchronization
import Testing

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyElementOnce(threads: Int) {
    let pool = ThreadPool(threads: threads)
    for (count, grain) in [(0, 1), (1, 1), (7, 3), (100, 1), (1000, 7), (5, 100)] {
      var visits = [Int](repeating: 0, count: count)
      visits.withUnsafeMutableBufferPointer { visits in
        nonisolated(unsafe) let visits = visits
        pool.parallelFor(count, grain: grain) { range, worker in
          #expect(range.lowerBound % grain == 0 && (range.count == grain || range.upperBound == count))
          #expect((0..<threads).contains(worker))
          for i in range { visits[i] += 1 }
        }
      }
      #expect(visits.allSatisfy { $0 == 1 })
    }
  }

  /// Every element belongs to one chunk, large ones come first, and what is left for small ones is two to three large
  /// ones.
  @Test func tilesCoverEverything() {
    for total in [0, 1, 41, 42, 43, 252, 377, 378, 379, 1024, 3341] {
      let tiles = Tiles(total, of: 126, last: 42)
      let ranges = (0..<tiles.count).map { tiles[$0] }
      #expect(ranges.flatMap { Array($0) } == Array(0..<total))
      #expect(ranges.dropLast().allSatisfy { $0.count == 126 || $0.count == 42 } && !ranges.contains { $0.isEmpty })
      #expect(ranges.map(\.count) == ranges.map(\.count).sorted(by: >))
      #expect(tiles.largest == ranges.map(\.count).max() ?? 0)
      let rest = ranges.filter { $0.count <= 42 }.reduce(0) { $0 + $1.count }
      #expect(rest < 378 && (total < 378 || rest >= 252))
    }
  }

  @Test func nestedCallsRunUnderTheirWorker() {
    let pool = ThreadPool(threads: 4)
    let total = Atomic<Int>(0)
    pool.parallelFor(16, grain: 1) { _, outer in
      pool.parallelFor(10, grain: 2) { range, inner in
        #expect(inner == outer)
        total.add(range.count, ordering: .relaxed)
      }
    }
    #expect(total.load(ordering: .relaxed) == 160)
  }

  @Test func manyShortJobs() {
    let pool = ThreadPool(threads: 4)
    let total = Atomic<Int>(0)
    for round in 1...5000 {
      pool.parallelFor(round % 9, grain: 1) { range, _ in total.add(range.count, ordering: .relaxed) }
    }
    #expect(total.load(ordering: .relaxed) == (1...5000).reduce(0) { $0 + $1 % 9 })
  }

  @Test func callersTakeTurns() async {
    let pool = ThreadPool(threads: 3)
    let total = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<6 {
        group.addTask {
          let sum = Atomic<Int>(0)
          for _ in 0..<300 { pool.parallelFor(20, grain: 3) { range, _ in sum.add(range.count, ordering: .relaxed) } }
          return sum.load(ordering: .relaxed)
        }
      }
      return await group.reduce(0, +)
    }
    #expect(total == 6 * 300 * 20)
  }

  @Test func poolsComeAndGo() {
    for _ in 0..<50 {
      let pool = ThreadPool(threads: 3)
      pool.parallelFor(3, grain: 1) { _, _ in }
    }
    #expect(ThreadPool.availableThreads() >= 1)
  }
}
