// What was found in a training file: printed before training starts and recorded in run.json.

package import Files
package import Host
package import TextData

/// Counts and the first problems of one pass over a training file.
package struct DataReport: Sendable {
  /// A record that was left out.
  package struct Problem: Sendable, Equatable {
    /// The lines it covers, from 1.
    package var lines: ClosedRange<Int>
    /// What a record must be.
    package var expected: String
    /// What stands there.
    package var found: String

    /// The lines in words.
    var place: String {
      lines.count == 1 ? "line \(lines.lowerBound)" : "lines \(lines.lowerBound)-\(lines.upperBound)"
    }
  }

  /// How many problems are kept in full.
  static let shownProblems = 5

  /// As typed.
  package var path: String
  /// By the file's name, of JSON by its first sign.
  package var format: RecordFormat
  /// Bytes of the file as it lies on the disk.
  package var bytes = 0
  /// The SHA-256 of the file as it lies on the disk, in hexadecimal digits.
  package var sha256 = ""
  /// What the columns hold, in order: the anchor alone, with a positive, with a hard negative; then score and label.
  package var columns: [ColumnRole] = []
  /// What samplers and losses take of score and label.
  package var used: Supervision = []
  /// Rows that can be used.
  package var rows = 0
  /// The names of the header line, in the file's order; nil where the first record is data.
  package var header: [String]?
  /// Where the columns come from, by name or number.
  package var sources: [String] = []
  /// Names of columns or keys that nothing is read from.
  package var leftOut: [String] = []
  /// Lines that were skipped without being bad.
  package var emptyLines = 0
  /// Records that were left out, and the lines they cover.
  package var badRows = 0, badLines = 0
  /// The first of the bad records.
  package var problems: [Problem] = []
  /// Rows with bytes that are not UTF-8; they are read as U+FFFD.
  package var invalidUTF8Rows = 0
  /// Rows over several lines.
  package var manyLines = ManyLines()
  /// What else is odd.
  package var warnings: [String] = []

  init(path: String, format: RecordFormat) { (self.path, self.format) = (path, format) }

  /// Takes what the first record says.
  mutating func begin(_ reader: ColumnReader) {
    columns = reader.columns
    header = reader.header
    sources = columns.indices.map { reader.name(ofColumn: $0) ?? "\(reader.field(ofColumn: $0))" }
    note(leftOut: reader.unused())
  }

  mutating func note(leftOut names: [String]) {
    for name in names where !leftOut.contains(name) && leftOut.count < 100 { leftOut.append(name) }
  }

  mutating func note(_ lines: ClosedRange<Int>, _ problem: RecordProblem) {
    badRows += 1
    badLines += lines.count
    if problems.count < Self.shownProblems {
      problems.append(Problem(lines: lines, expected: problem.expected, found: problem.found))
    }
  }

  /// What a user should know, one line each: what was read, and everything that was left out or replaced.
  package var lines: [String] {
    [summary] + leftOutLines + problems.map(line) + countLines + warnings.map { "warning: " + $0 }
  }

  private var summary: String {
    let kinds = ["sentences", "pairs", "pairs with a hard negative"]
    let kind = kinds[max(0, min(columns.count(where: \.isText), kinds.count) - 1)]
    let isByName = header != nil || sources.contains { Int($0) == nil }
    let names = zip(columns, sources).filter { isRead($0.0) }.map { "\($0.rawValue)=\($1)" }.joined(separator: ", ")
    return "\(path): \(rows) \(kind)" + (header.map { " under the header " + $0.joined(separator: ",") } ?? "")
      + (isByName ? " (\(names))" : "")
      + (format.hasHeader && header == nil ? "; no header, the first line is data" : "")
  }

  /// Whether anything is made of a column.
  private func isRead(_ role: ColumnRole) -> Bool {
    role.isText || role == .score && used.contains(.scores) || role == .label && used.contains(.classes)
  }

  /// The name or number of the column with a role.
  func source(of role: ColumnRole) -> String { columns.firstIndex(of: role).map { sources[$0] } ?? role.rawValue }

  /// Everything that nothing is made of, in the file's order.
  private var unread: [String] {
    let all = zip(columns, sources).filter { !isRead($0.0) }.map(\.1) + leftOut
    guard let header else { return all }
    return header.filter(all.contains) + all.filter { !header.contains($0) }
  }

  private var leftOutLines: [String] {
    let leftOut = unread
    guard !leftOut.isEmpty else { return [] }
    let scores = leftOut.filter { ColumnRole.named($0).map { !$0.isText } ?? false }
    let names = leftOut.prefix(20).joined(separator: ", ") + (leftOut.count > 20 ? ", …" : "")
    let line = "\(path): left out: the column\(leftOut.count == 1 ? "" : "s") \(names)"
    return columns.count(where: \.isText) > 1 && !scores.isEmpty
      ? ["warning: \(line); every row is trained on as a pair that belongs together, whatever its \(scores[0])"]
      : [line]
  }

  private func line(_ problem: Problem) -> String {
    let place = problem.lines.count == 1 ? "\(path):\(problem.lines.lowerBound)" : "\(path): \(problem.place)"
    return "\(place): left out: expected \(problem.expected), found \(problem.found)"
  }

  private var countLines: [String] {
    var lines: [String] = []
    if badRows > problems.count { lines.append("\(path): \(badRows - problems.count) more bad rows left out") }
    if badRows > 0 {
      let rows = badRows == 1 ? "row" : "rows"
      lines.append(
        "\(path): \(badRows) bad \(rows) left out in all" + (badLines > badRows ? ", \(badLines) lines" : ""))
    }
    if emptyLines > 0 { lines.append("\(path): \(emptyLines) empty lines skipped") }
    if let message = manyLines.message(path) { lines.append(message) }
    if let warning = manyLines.warning(path) { lines.append("warning: " + warning) }
    if invalidUTF8Rows > 0 {
      let rows = invalidUTF8Rows == 1 ? "1 row holds" : "\(invalidUTF8Rows) rows hold"
      lines.append("\(path): \(rows) bytes that are not UTF-8, which are read as U+FFFD")
    }
    return lines
  }

  /// What `run.json` records.
  package var json: JSONValue {
    .object(
      JSONObject([
        ("path", .string(path)), ("format", .string(format.rawValue)), ("bytes", .integer(bytes)),
        ("sha256", .string(sha256)), ("columns", .integer(columns.count(where: \.isText))),
        (
          "columnsFrom",
          .object(
            JSONObject(zip(columns, sources).filter { isRead($0.0) }.map { ($0.rawValue, .string($1)) }))
        ),
        ("leftOut", .array(unread.map { .string($0) })), ("rows", .integer(rows)),
        ("header", header.map { .array($0.map { .string($0) }) } ?? .null), ("emptyLines", .integer(emptyLines)),
        ("badRows", .integer(badRows)), ("badLines", .integer(badLines)),
        ("rowsOverSeveralLines", .integer(manyLines.records)), ("invalidUTF8Rows", .integer(invalidUTF8Rows)),
      ]))
  }
}
