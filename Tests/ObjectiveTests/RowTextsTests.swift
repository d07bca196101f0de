// The service "cse.rows/1": who asked for texts in plan reads them, nobody else does, and where there are none the run
// is refused before its first step.

import Host
import Objective
import TestSupport
import Testing

struct RowTextsTests {
  private struct Unreadable: Error {}

  private func metrics(_ sampler: String, _ texts: RowTexts?) throws -> [String: Double] {
    let world = try TestWorld()
    let objective = try world.objective(samplers: [sampler], width: 9, rows: 7, texts: texts)
    let report = try objective.evaluate(makeViews(2, rows: 7, width: 9))
    return Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
  }

  @Test func whoAsksReads() throws {
    let texts = RowTexts(rows: 20, columns: 2) { row, column in [UInt8(row), UInt8(100 * column)] }
    let found = try metrics("reads", texts)
    // Rows 0 to 6, two columns each.
    #expect(found == ["reads.rows": 20, "reads.columns": 2, "reads.bytes": Double(2 * 21 + 7 * 100)])
    #expect(try metrics("reads:asks=false", texts).isEmpty)
  }

  @Test func whereThereAreNone() throws {
    #expect {
      try metrics("word-overlap", nil)
    } throws: {
      ($0 as? PluginFailure)?.reason == .textless && ($0 as? PluginFailure)?.exitCode == 65
        && "\($0)".contains("there are none here")
    }
    #expect(throws: Unreadable.self) {
      try metrics("word-overlap", RowTexts(rows: 20, columns: 1) { _, _ in throw Unreadable() })
    }
  }

  /// Which negatives fall away, by hand: the shares of common words of rows 0 and 1 are 2/3, of rows 0 and 2 1/4.
  @Test(arguments: [(0.7, 0), (0.6, 2), (0.25, 2), (0.2, 4), (0, 6)])
  func wordsInCommon(threshold: Double, excluded: Int) throws {
    let lines = ["The  fox", "a FOX, the!", "fox: red \u{d6}L", "", "---", "other", "words"]
    let texts = RowTexts(rows: 7, columns: 1) { row, _ in Array(lines[row].utf8) }
    let found = try metrics("word-overlap:threshold=\(threshold)", texts)
    #expect(isClose(try #require(found["word-overlap.excluded"]), Double(excluded) / 42, relative: 1e-9))
  }
}
