// What a folder remembers of looks at its verdicts, and what claims have to answer for.

import Comparison
import Foundation
import TestSupport
import Testing

@Suite("looks at verdicts")
struct LookTests {
  private func entry(
    _ strategies: [String], _ seeds: [UInt64], planned: Int = 1, conditions: String = "c"
  ) -> LookRecord.Entry {
    LookRecord.Entry(
      conditions: conditions, planned: planned, seeds: seeds,
      strategies: strategies.map { LookRecord.Strategy(label: $0, key: "key of \($0)") })
  }

  private func record(_ entries: [LookRecord.Entry]) -> LookRecord {
    var record = LookRecord()
    for entry in entries { record.add(entry) }
    return record
  }

  @Test("the first look has the whole level, and the same seeds again are the same look")
  func first() {
    let now = entry(["a", "b"], [1, 2, 3])
    #expect(record([]).family(of: now) == Family(comparisons: 1))
    let again = record([now]).family(of: entry(["a", "b"], [3, 2, 1]))
    #expect(again.looks[0].number == 1 && again.looks[0].divisor == 1 && again.looks[0].earlier.isEmpty)
    #expect(record([now, now]).entries.count == 1)
  }

  @Test("planned looks share the level; a further one gets an eighth, the next a sixteenth")
  func divisors() {
    let seeds: [[UInt64]] = [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6, 7], [8, 9]]
    func divisors(planned: Int) -> [Int] {
      seeds.indices.map { count in
        let earlier = seeds[..<count].map { entry(["a", "b"], $0, planned: planned) }
        // What is said later about the plan does not count.
        return record(earlier).family(of: entry(["a", "b"], seeds[count], planned: count == 0 ? planned : 20))
          .looks[0].divisor
      }
    }
    #expect(divisors(planned: 1) == [1, 8, 16, 32])
    #expect(divisors(planned: 3) == [3, 3, 3, 8])
    #expect(divisors(planned: 20) == [20, 20, 20, 20])
  }

  @Test("one seed shows nothing, so it is no look; other conditions are another comparison")
  func noLooks() {
    let earlier = record([entry(["a", "b"], [1]), entry(["a", "b"], [1, 2], conditions: "other")])
    let family = earlier.family(of: entry(["a", "b"], [1, 2]))
    #expect(family.looks[0].number == 1 && family.comparisons == 1 && family.earlierStrategies.isEmpty)
  }

  @Test("strategies that are not compared any more stay in the correction; a new one has its first look")
  func strategies() {
    let earlier = record([entry(["a", "b", "c", "d"], [1, 2])])
    let family = earlier.family(of: entry(["a", "b", "e"], [1, 2, 3]))
    #expect(family.comparisons == 4 && family.earlierStrategies == ["c", "d"])
    #expect(family.looks.map(\.number) == [2, 1] && family.earlierReferences.isEmpty)
  }

  @Test("a reference chosen after looking: all pairs of all strategies")
  func references() {
    let earlier = record([entry(["a", "b", "c"], [1, 2, 3])])
    let family = earlier.family(of: entry(["c", "a", "b"], [1, 2, 3]))
    #expect(family.comparisons == 3 && family.earlierReferences == ["a"])
    let fewer = earlier.family(of: entry(["c", "d"], [1, 2, 3]))
    #expect(fewer.comparisons == 6 && fewer.earlierStrategies == ["a", "b"])
    // The same two the other way round are the same comparison, and the same look at it.
    let turned = record([entry(["a", "b"], [1, 2])]).family(of: entry(["b", "a"], [1, 2]))
    #expect(turned.comparisons == 1 && turned.looks[0].number == 1)
  }

  @Test("the file: written and read back; a broken one is an error, no empty record")
  func file() throws {
    let folder = NSTemporaryDirectory() + "looks-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try LookRecord(folder: folder).entries.isEmpty)
    let written = record([entry(["a", "b \"x\""], [1, UInt64.max], planned: 3), entry(["b", "a"], [7])])
    try written.write(to: folder)
    #expect(try LookRecord(folder: folder) == written)
    let text = try String(contentsOfFile: folder + "/looks.json", encoding: .utf8)
    for broken in ["", "{}", text.replacing("\"7\"", with: "\"x\""), text.replacing("looks/1", with: "looks/9")] {
      try broken.write(toFile: folder + "/looks.json", atomically: true, encoding: .utf8)
      #expect { try LookRecord(folder: folder) } throws: { "\($0)".contains("looks.json: expected the looks") }
    }
  }
}
