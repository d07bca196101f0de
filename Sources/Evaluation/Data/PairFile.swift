// Reads files of sentence pairs with scores. Columns go by the names of a header or of JSON keys; without names by
// STS-B's seven columns, or sentence1, sentence2, score. A line that is no pair is an error: a pair left out would
// change the figure unseen.

import Files
import FoundationEssentials
import TextData

/// Reader of pair files.
package enum PairFile {
  /// Where a line holds what, where nothing names the columns.
  package enum Layout: Sendable {
    /// genre, file, year, id, score, sentence1, sentence2; further ones (licences) are ignored.
    case stsBenchmark
    /// sentence1, sentence2, score.
    case threeColumns

    var list: ListLayout {
      switch self {
      case .stsBenchmark:
        ListLayout(
          indexes: [5, 6, 4], counts: 7...Int.max,
          expected: "seven fields (genre, file, year, id, score, sentence1, sentence2)")
      case .threeColumns:
        ListLayout(indexes: [0, 1, 2], counts: 3...3, expected: "three fields (sentence1, sentence2, score)")
      }
    }
  }

  /// Reads a file.
  /// - Parameter layouts: those that may be there without names, told apart by the number of fields.
  /// - Throws: `EvaluationError` naming file and line; `TextDataError` for what is no text, or columns that are not
  ///   understood.
  package static func read(_ path: String, layouts: [Layout] = [.threeColumns, .stsBenchmark]) throws -> PairSet {
    let (file, format) = try open(path)
    var reader = PairReader(path: path, format: format, wishes: wishes(layouts, format))
    try RecordScanner(file: file, format: format).forEachRecord { try reader.add($0) }
    return try reader.finish()
  }

  /// Names without an ending that says more are tab-separated; so is a .csv with tabs in its first line, like STS-B's.
  private static func open(_ path: String) throws -> (RecordFile, RecordFormat) {
    let (format, isJSON, isCompressed) = RecordFormat.ending(of: path)
    let file =
      isCompressed
      ? try TextLines.translated {
        try RecordFile(
          path: path, isCompressed: true, spoolFolder: Folder.temporary, expected: "a file of evaluation data")
      }
      : RecordFile(path: path, bytes: try TextLines.contents(path))
    switch format {
    case .csv: return (file, try hasTabs(file) ? .tsv : .csv)
    case .jsonLines: return (file, isJSON ? try RecordFormat.json(file) : .jsonLines)
    default: return (file, .tsv)
    }
  }

  private static func hasTabs(_ file: RecordFile) throws -> Bool {
    var head = [UInt8](repeating: 0, count: min(file.size, 1 << 16))
    let count = try head.withUnsafeMutableBytes { try file.read(at: 0, into: $0) }
    return head[..<count].prefix { $0 != 10 && $0 != 13 }.contains(9)
  }

  private static func wishes(_ layouts: [Layout], _ format: RecordFormat) -> ColumnWishes {
    let names = layouts.map(\.list.expected) + ["a header that names the columns"]
    return ColumnWishes(
      roles: [.anchor, .positive, .score], required: [.anchor, .positive, .score],
      positional: { count in layouts.map(\.list).first { $0.counts.contains(count) } },
      positionalWords: (format == .tsv ? "fields separated by tabs: " : "fields: ") + names.joined(separator: ", or "),
      advice: "Rename the columns in the header; Documentation/Evaluation.md lists the names that are understood")
  }
}

/// Collects the pairs of a file.
private struct PairReader {
  /// Columns by which files hold several parts of a data set.
  static let partNames = ["split", "semeval_set"]

  let path: String
  let parser: RecordParser
  var columns: ColumnReader
  var set: PairSet
  var emptyLines: [Int] = []
  var manyLines = ManyLines()
  var part: String?

  init(path: String, format: RecordFormat, wishes: ColumnWishes) {
    self.path = path
    parser = RecordParser(format: format)
    columns = ColumnReader(wishes)
    set = PairSet(name: Path.name(of: path))
  }

  mutating func add(_ record: ScannedRecord) throws {
    let line = record.lines.lowerBound
    if record.isEmpty { return emptyLines.append(line) }
    do {
      if let failure = record.failure { throw RecordProblem(expected: "a complete pair", found: failure) }
      let fields = try parser.fields(record.bytes)
      if columns.columns.isEmpty,
        try columns.begin(fields, path: path, line: line, hasHeader: parser.format.hasHeader)
      {
        return
      }
      try checkPart(fields)
      try append(try columns.texts(fields), line: line)
      manyLines.note(record.lines)
    } catch let problem as RecordProblem {
      throw EvaluationError.badLine(path: path, line: line, expected: problem.expected, found: problem.found)
    }
  }

  private mutating func append(_ fields: [[UInt8]], line: Int) throws {
    func place(_ column: Int) -> String { columns.name(ofColumn: column) ?? "field \(columns.field(ofColumn: column))" }
    var texts: [String] = []
    for (column, bytes) in fields.enumerated() {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw RecordProblem(expected: "UTF-8 in \(place(column))", found: "other bytes")
      }
      texts.append(joinedWords(text))
    }
    let score = try parseScore(texts[2], path: path, line: line, place: place(2))
    for column in 0..<2 where texts[column].isEmpty {
      throw RecordProblem(expected: "a sentence in \(place(column))", found: "nothing")
    }
    set.first.append(texts[0])
    set.second.append(texts[1])
    set.gold.append(score)
  }

  /// Parts of a data set are never mixed.
  private mutating func checkPart(_ fields: RecordFields) throws(RecordProblem) {
    guard let now = partName(fields) else { return }
    guard part == nil || part == now else {
      throw RecordProblem(
        expected: "pairs of one part in a file ('\(part ?? "")' on the lines before)", found: "'\(now)'")
    }
    part = now
  }

  private func partName(_ fields: RecordFields) -> String? {
    func isPart(_ name: String) -> Bool { Self.partNames.contains(name.lowercased()) }
    switch fields {
    case .texts(let texts):
      guard let index = columns.header?.firstIndex(where: isPart), index < texts.count else { return nil }
      return String(decoding: texts[index], as: UTF8.self)
    case .object(let object): return object.keys.first(where: isPart).flatMap { object[$0]?.string }
    case .values: return nil
    }
  }

  mutating func finish() throws -> PairSet {
    guard set.count > 0 else { throw EvaluationError.empty(path: path) }
    if let line = emptyLines.first {
      set.warnings.append("\(path):\(line): \(emptyLines.count) empty line(s) skipped")
    }
    if let warning = manyLines.warning(path) { set.warnings.append(warning) }
    return set
  }
}
