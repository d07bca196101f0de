// Collects the places of rows during the one pass over a training file, and everything there is to say about them.
// Made by TrainingData.

import TextData

/// Row positions and problems.
struct RowIndex {
  var report: DataReport
  let parser: RecordParser
  private(set) var offsets: [UInt64] = []
  private(set) var reader: ColumnReader
  private(set) var labels = RowLabelIndex()
  private var fields = FieldWatch()

  init(report: DataReport, parser: RecordParser, wishes: ColumnWishes) {
    (self.report, self.parser) = (report, parser)
    reader = ColumnReader(wishes)
  }

  /// Takes a record; a bad one is counted and left out.
  /// - Throws: `TextDataError` where the columns are not those that are wanted.
  mutating func add(_ record: ScannedRecord) throws {
    if record.isEmpty {
      report.emptyLines += 1
      return
    }
    do {
      if let failure = record.failure { throw RecordProblem(expected: "a complete record", found: failure) }
      try take(try parser.fields(record.bytes), record)
    } catch let problem as RecordProblem {
      report.note(record.lines, problem)
    }
  }

  private mutating func take(_ record: RecordFields, _ place: ScannedRecord) throws {
    if report.columns.isEmpty {
      let isHeader = try reader.begin(
        record, path: report.path, line: place.lines.lowerBound, hasHeader: parser.format.hasHeader)
      report.begin(reader)
      if isHeader { return }
    }
    let all = try reader.texts(record)
    let texts = zip(reader.columns, all).filter(\.0.isText).map(\.1)
    for (column, text) in texts.enumerated() where text.allSatisfy({ $0 == 32 || $0 == 9 }) {
      let name = reader.name(ofColumn: column).map { "'\($0)'" } ?? "\(reader.field(ofColumn: column))"
      throw RecordProblem(expected: "text in column \(name)", found: "an empty field")
    }
    if case .object = record { report.note(leftOut: reader.unused(in: record)) }
    if reader.isPositional, parser.format != .text { fields.note(texts) }
    if invalidUTF8Bytes(place.bytes) > 0 { report.invalidUTF8Rows += 1 }
    report.manyLines.note(place.lines)
    labels.add(all, reader.columns, lines: place.lines)
    offsets.append(UInt64(place.offset))
  }

  /// - Throws: `TrainingError.badData` where the file cannot be trained on.
  mutating func finish() throws {
    report.rows = offsets.count
    let first = report.problems.first
    guard report.rows > 0 else {
      let found = first.map { "none; \($0.place): expected \($0.expected), found \($0.found)" }
      throw TrainingError.badData(
        path: report.path, line: first?.lines.lowerBound ?? 0, expected: "at least one row of text",
        found: found ?? (report.emptyLines > 0 ? "\(report.emptyLines) empty lines" : "an empty file"),
        advice: "Check that it is the right file and format. " + TrainingColumns.advice("anchor=COLUMN"))
    }
    guard report.badRows <= report.rows else {
      throw TrainingError.badData(
        path: report.path, line: first?.lines.lowerBound ?? 0, expected: first?.expected ?? "good rows",
        found: "\(first?.found ?? "bad rows"), and \(report.badRows) bad rows against \(report.rows) good ones",
        advice: "Is the ending of the name right for what is in the file?")
    }
    try fields.check(report)
    report.warnings += fields.warnings(report)
  }
}
