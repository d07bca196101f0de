// The rows of a training file without the file in memory: one pass finds where each row starts (8 bytes a row), then
// rows are read in any order. Used by the training loop.

import Files
import Glibc
import Host

/// A training file, indexed.
package final class TrainingData {
  /// 1: sentences; 2: anchor and positive; 3: and a hard negative.
  package var columns: Int { report.columns }
  /// Rows that can be used.
  package var rows: Int { offsets.count }
  /// What was found in the file.
  package let report: DataReport
  let file: DataFile
  private let parser: RecordParser
  private let columnOrder: [Int]
  let offsets: [UInt64]

  /// Reads `path` once and remembers where its rows start.
  ///
  /// Empty lines and bad records are left out and counted in `report`. A compressed file is unpacked into an unnamed
  /// file in `spoolFolder`, which must have room for its text.
  /// - Throws: `TrainingError` where the file is missing, holds no usable row, or more bad rows than good ones.
  package init(path: String, spoolFolder: String) throws {
    let (named, isJSON, isCompressed) = try DataFormat.named(path)
    file = try DataFile(path: path, isCompressed: isCompressed, spoolFolder: spoolFolder)
    let format = isJSON ? try Self.jsonFormat(file) : named
    parser = RecordParser(format: format)
    var builder = IndexBuilder(report: DataReport(path: path, format: format), parser: parser)
    (builder.report.sha256, builder.report.bytes) = try file.digest()
    try RecordScanner(file: file, format: format).forEachRecord { try builder.add($0) }
    try file.checkUnchanged()
    try builder.finish()
    (report, offsets, columnOrder) = (builder.report, builder.offsets, builder.columnOrder)
  }

  /// The texts of the given rows, `[row][column]`, as the bytes of the file (JSON strings and quotes undone).
  /// - Throws: `TrainingError.changedFile` where the file is no longer what was indexed.
  package func texts(of rows: [Int]) throws -> [[[UInt8]]] {
    try file.checkUnchanged()
    return try rows.map { try fields(ofRow: $0) }
  }

  private func fields(ofRow row: Int) throws -> [[UInt8]] {
    let start = Int(offsets[row])
    let end = row + 1 < offsets.count ? Int(offsets[row + 1]) : file.size
    let length = min(end - start, DataFormat.maximumRecordBytes + 2)
    return try withUnsafeTemporaryAllocation(byteCount: max(length, 1), alignment: 1) { raw in
      let count = try file.read(at: start, into: UnsafeMutableRawBufferPointer(rebasing: raw[..<length]))
      let bytes = UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: raw.bindMemory(to: UInt8.self)[..<count]))
      guard let span = bytes.isEmpty ? nil : parser.format.span(in: bytes, from: 0, isLast: true), span.failure == nil,
        let fields = try? parser.fields(UnsafeBufferPointer(rebasing: bytes[span.content])), fields.count == columns
      else { throw TrainingError.changedFile(path: file.path, found: "another text at byte \(start)") }
      return columnOrder.map { fields[$0] }
    }
  }

  /// `[` opens one list of rows; anything else is one JSON row a line.
  private static func jsonFormat(_ file: DataFile) throws -> DataFormat {
    var head = [UInt8](repeating: 0, count: 4096)
    let count = try head.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    let first = head[..<count].drop { [9, 10, 13, 32, 0xEF, 0xBB, 0xBF].contains($0) }.first
    return first == UInt8(ascii: "[") ? .jsonArray : .jsonLines
  }
}

/// Collects row positions and problems during the pass over a file.
private struct IndexBuilder {
  var report: DataReport
  let parser: RecordParser
  var offsets: [UInt64] = []
  var columnOrder: [Int] = []
  private var isFirst = true

  init(report: DataReport, parser: RecordParser) {
    self.report = report
    self.parser = parser
  }

  mutating func add(_ record: ScannedRecord) throws {
    if record.failure == nil, record.bytes.allSatisfy({ $0 == 32 || $0 == 9 || $0 == 13 }) {
      report.emptyLines += 1
      return
    }
    do throws(RecordProblem) {
      if let failure = record.failure { throw RecordProblem(expected: "a complete record", found: failure) }
      let fields = try parser.fields(record.bytes)
      if isFirst, takeHeader(fields) { return }
      try check(fields)
    } catch {
      return report.note(line: record.line, error)
    }
    if invalidUTF8Bytes(record.bytes) > 0 { report.invalidUTF8Rows += 1 }
    offsets.append(UInt64(record.offset))
    isFirst = false
  }

  /// The first record of a .csv or .tsv is a header exactly where every field is a known column name.
  private mutating func takeHeader(_ fields: [[UInt8]]) -> Bool {
    guard parser.format == .csv || parser.format == .tsv, report.header == nil else { return false }
    let names = fields.map { String(decoding: $0, as: UTF8.self).lowercased().trimmed }
    let columns = names.map { ColumnNames.column(of: $0) ?? -1 }
    guard columns.sorted() == Array(0..<columns.count) else { return false }
    report.header = names
    report.columns = columns.count
    columnOrder = (0..<columns.count).map { columns.firstIndex(of: $0) ?? $0 }
    return true
  }

  private mutating func check(_ fields: [[UInt8]]) throws(RecordProblem) {
    if report.columns == 0 {
      guard (1...3).contains(fields.count) else {
        throw RecordProblem(expected: "1, 2 or 3 columns", found: "\(fields.count)")
      }
      report.columns = fields.count
      columnOrder = Array(0..<fields.count)
    }
    guard fields.count == report.columns else {
      let origin = report.header == nil ? "like the first row" : "like the header"
      throw RecordProblem(expected: "\(report.columns) columns \(origin)", found: "\(fields.count)")
    }
    for (index, field) in fields.enumerated() where field.allSatisfy({ $0 == 32 || $0 == 9 }) {
      throw RecordProblem(expected: "text in column \(index + 1)", found: "an empty field")
    }
  }

  mutating func finish() throws {
    report.rows = offsets.count
    let first = report.problems.first
    guard report.rows > 0 else {
      let found = first.map { "none; line \($0.line): expected \($0.expected), found \($0.found)" }
      throw TrainingError.badData(
        path: report.path, line: first?.line ?? 0, expected: "at least one row of text",
        found: found ?? (report.emptyLines > 0 ? "\(report.emptyLines) empty lines" : "an empty file"),
        advice: "Check that it is the right file and format")
    }
    guard report.badLines <= report.rows else {
      throw TrainingError.badData(
        path: report.path, line: first?.line ?? 0, expected: first?.expected ?? "good rows",
        found: "\(first?.found ?? "bad rows"), and \(report.badLines) bad lines against \(report.rows) good ones",
        advice: "Is the ending of the name right for what is in the file?")
    }
  }
}

extension String {
  /// The text without spaces and tabs at its ends.
  fileprivate var trimmed: String {
    var text = self[...]
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text.drop { $0 == " " || $0 == "\t" })
  }
}
