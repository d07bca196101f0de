// Records and the lines they cover, and lists that are cut off.

import Foundation
import TestSupport
import Testing
import TextData

struct RecordScannerTests {
  private func scan(_ text: String, _ format: RecordFormat) throws -> [(lines: ClosedRange<Int>, failure: String?)] {
    var records: [(lines: ClosedRange<Int>, failure: String?)] = []
    let file = RecordFile(path: "f", bytes: Array(text.utf8))
    try RecordScanner(file: file, format: format).forEachRecord { records.append(($0.lines, $0.failure)) }
    return records
  }

  @Test func aRecordKnowsItsLines() throws {
    let text = "a,b\r\"c\r\nd\ne\",f\r\n\"g\rh\",i\n\"open,j\nk,l"
    let records = try scan(text, .csv)
    #expect(records.map(\.lines) == [1...1, 2...4, 5...6, 7...7, 8...8])
    #expect(records.map { $0.failure != nil } == [false, false, false, true, false])
    #expect(try scan("[\"a\",\r\n {\n\"text\":\r\"b\"},\r\r\"c\"]", .jsonArray).map(\.lines) == [1...1, 2...4, 6...6])
  }

  @Test(arguments: [
    "[", "[ \n", "[\"a\",", "[{\"text\":\"a b\"},", "[\"a\",\n\n", "[\"a\"", "[tru", "[{", "[\"a\",]", "[,\"a\"]",
  ])
  func aListThatBreaksOffIsAnError(_ text: String) {
    let error = #expect(throws: TextDataError.self) { _ = try scan(text, .jsonArray) }
    #expect(error?.exitCode == 65 && error?.description.contains("The list cannot be read further") == true)
  }
}
