// Records that are written against those that are read back.

import TextData
import Testing

@Suite struct CSVRecordTests {
  @Test(
    "every field comes back as it was",
    arguments: [
      ["plain", "with, comma", "with \"quotes\""], ["line\nend", "\r", " blanks "], ["", "é", "\t"],
      ["\"", "\"\"", ","], ["a"],
    ])
  func roundTrip(_ fields: [String]) throws {
    let bytes = csvRecord(fields.map { Array($0.utf8) })
    try bytes.withUnsafeBufferPointer { bytes in
      let span = try #require(RecordFormat.csv.span(in: bytes, from: 0, isLast: true))
      #expect(span.next == bytes.count && span.failure == nil)
      let read = try RecordParser(format: .csv).fields(UnsafeBufferPointer(rebasing: bytes[span.content]))
      guard case .texts(let texts) = read else {
        Issue.record("expected texts, found \(read)")
        return
      }
      #expect(texts.map { String(decoding: $0, as: UTF8.self) } == fields)
    }
  }

  @Test("only fields that need quotes have them")
  func quotes() {
    #expect(csvRecord([Array("a b".utf8), Array("c,\"d\"".utf8)]) == Array("a b,\"c,\"\"d\"\"\"\n".utf8))
  }
}
