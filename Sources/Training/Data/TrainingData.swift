// The rows of a training file without the file in memory: one pass finds where each row starts (8 bytes a row), then
// rows are read in any order. Used by the training loop.

import Files
import Glibc
package import Host
package import Objective
import TextData

/// A training file, indexed.
package final class TrainingData {
  /// 1: sentences; 2: anchor and positive; 3: and a hard negative.
  package var columns: Int { report.columns.count(where: \.isText) }
  /// Rows that can be used.
  package var rows: Int { offsets.count }
  /// What was found in the file.
  package private(set) var report: DataReport
  let file: RecordFile
  private let parser: RecordParser
  private let reader: ColumnReader
  private let labels: RowLabelIndex
  let offsets: [UInt64]

  /// Reads a file once and remembers where its rows start.
  ///
  /// Empty lines and bad records are left out and counted in `report`. A compressed file is unpacked into an unnamed
  /// file in `spoolFolder`, which must have room for its text.
  /// - Parameter columns: which columns are read, as `--columns` says; nil: by their names or places.
  /// - Throws: `TrainingError` where the file holds no usable row, or more bad rows than good ones; `TextDataError` for
  ///   what is no text or has other columns; `FileError` where it is missing.
  package init(path: String, columns: String? = nil, spoolFolder: String) throws {
    let (ending, isJSON, isCompressed) = RecordFormat.ending(of: path)
    if Path.isFolder(path) { throw Self.folder(path) }
    guard let ending else {
      throw TrainingError.usage(
        place: path, expected: "a name ending in .txt, .csv, .tsv, .json or .jsonl, each also with .gz",
        found: "another ending", advice: "Rename the file after what is in it")
    }
    file = try RecordFile(
      path: path, isCompressed: isCompressed, spoolFolder: spoolFolder, expected: "a file of training sentences")
    let format = isJSON ? try RecordFormat.json(file) : ending
    parser = RecordParser(format: format)
    var index = RowIndex(
      report: DataReport(path: path, format: format), parser: parser,
      wishes: TrainingColumns.wishes(try columns.map(TrainingColumns.choice)))
    (index.report.sha256, index.report.bytes) = try file.digest()
    try RecordScanner(file: file, format: format).forEachRecord { try index.add($0) }
    try Self.checkUnchanged(file)
    try index.finish()
    (report, offsets, reader, labels) = (index.report, index.offsets, index.reader, index.labels)
  }

  /// What the file says of its rows beside their texts.
  package var supervision: Supervision { labels.supervision }

  /// Scores and classes of the given rows, where the file has them.
  package func labels(of rows: [Int]) -> RowLabels { labels.labels(of: rows) }

  /// Notes in the report what the run uses of scores and labels, and checks that every row has it.
  /// - Throws: `TrainingError.badData`
  package func use(_ needs: Supervision) throws {
    report.used = needs
    try labels.check(needs, report)
  }

  /// Names what the folder holds that could be meant.
  private static func folder(_ path: String) -> TrainingError {
    let names = Folders.names(path).filter { RecordFormat.ending(of: $0).0 != nil }
    let more = names.count > 3 ? ", ..." : ""
    return .usage(
      place: path, expected: "a file of training sentences", found: "a folder",
      advice: "Name one of its files"
        + (names.isEmpty
          ? "; none of them ends in .txt, .csv, .tsv, .json or .jsonl"
          : ": \(Path.withoutTrailingSlashes(path))/\(names.prefix(3).joined(separator: ", "))\(more)"))
  }

  /// The texts of the given rows, `[row][column]`, as the bytes of the file (JSON strings and quotes undone).
  /// - Throws: `TrainingError.changedFile` where the file is no longer what was indexed.
  package func texts(of rows: [Int]) throws -> [[[UInt8]]] {
    try Self.checkUnchanged(file)
    return try rows.map { try fields(ofRow: $0) }
  }

  private static func checkUnchanged(_ file: RecordFile) throws {
    if let change = try file.change() { throw TrainingError.changedFile(path: file.path, found: change) }
  }

  private func fields(ofRow row: Int) throws -> [[UInt8]] {
    let start = Int(offsets[row])
    let end = row + 1 < offsets.count ? Int(offsets[row + 1]) : file.size
    let length = min(end - start, RecordFormat.maximumRecordBytes + 2)
    return try withUnsafeTemporaryAllocation(byteCount: max(length, 1), alignment: 1) { raw in
      let count = try file.read(at: start, into: UnsafeMutableRawBufferPointer(rebasing: raw[..<length]))
      let bytes = UnsafeBufferPointer(UnsafeMutableBufferPointer(rebasing: raw.bindMemory(to: UInt8.self)[..<count]))
      guard let span = bytes.isEmpty ? nil : parser.format.span(in: bytes, from: 0, isLast: true), span.failure == nil,
        let fields = try? parser.fields(UnsafeBufferPointer(rebasing: bytes[span.content])),
        let columns = try? reader.texts(fields)
      else { throw TrainingError.changedFile(path: file.path, found: "another text at byte \(start)") }
      return zip(reader.columns, columns).filter(\.0.isText).map(\.1)
    }
  }
}
