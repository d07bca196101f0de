// What was found in a training file: printed before training starts and recorded in run.json.

package import Files

/// Counts and the first problems of one pass over a training file.
package struct DataReport: Sendable {
  /// A record that was left out.
  package struct Problem: Sendable, Equatable {
    /// Counts from 1.
    package var line: Int
    /// What a record must be.
    package var expected: String
    /// What stands there.
    package var found: String
  }

  /// How many problems are kept in full.
  static let shownProblems = 5

  /// As typed.
  package var path: String
  /// By the file's name, of JSON by its first sign.
  package var format: DataFormat
  /// Bytes of the file as it lies on the disk.
  package var bytes = 0
  /// The SHA-256 of the file as it lies on the disk, in hexadecimal digits.
  package var sha256 = ""
  /// 1: sentences; 2: anchor and positive; 3: and a hard negative.
  package var columns = 0
  /// Rows that can be used.
  package var rows = 0
  /// The names of the header line, in the file's order; nil where the first record is data.
  package var header: [String]?
  /// Lines that were skipped without being bad.
  package var emptyLines = 0
  /// Lines that were left out.
  package var badLines = 0
  /// The first of the bad lines.
  package var problems: [Problem] = []
  /// Rows with bytes that are not UTF-8; they are read as U+FFFD.
  package var invalidUTF8Rows = 0

  mutating func note(line: Int, _ problem: RecordProblem) {
    badLines += 1
    if problems.count < Self.shownProblems {
      problems.append(Problem(line: line, expected: problem.expected, found: problem.found))
    }
  }

  /// What a user should know, one line each: what was read, and everything that was left out or replaced.
  package var lines: [String] {
    let kind = ["", "sentences", "pairs", "pairs with a hard negative"][min(columns, 3)]
    var lines = ["\(path): \(rows) \(kind)" + (header.map { " under the header " + $0.joined(separator: ",") } ?? "")]
    if (format == .csv || format == .tsv) && header == nil { lines[0] += "; no header, the first line is data" }
    for problem in problems {
      lines.append("\(path):\(problem.line): left out: expected \(problem.expected), found \(problem.found)")
    }
    if badLines > problems.count { lines.append("\(path): \(badLines - problems.count) more bad lines left out") }
    if badLines > 0 { lines.append("\(path): \(badLines) bad lines left out in all") }
    if emptyLines > 0 { lines.append("\(path): \(emptyLines) empty lines skipped") }
    if invalidUTF8Rows > 0 {
      lines.append("\(path): \(invalidUTF8Rows) rows hold bytes that are not UTF-8; they are read as U+FFFD")
    }
    return lines
  }

  /// What `run.json` records.
  package var json: JSONValue {
    .object(
      JSONObject([
        ("path", .string(path)), ("format", .string(format.rawValue)), ("bytes", .integer(bytes)),
        ("sha256", .string(sha256)), ("columns", .integer(columns)), ("rows", .integer(rows)),
        ("header", header.map { .array($0.map { .string($0) }) } ?? .null), ("emptyLines", .integer(emptyLines)),
        ("badLines", .integer(badLines)), ("invalidUTF8Rows", .integer(invalidUTF8Rows)),
      ]))
  }
}
