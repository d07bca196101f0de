// Training files, good and nasty: what is read, what is left out and said, what is refused.

import Files
import Foundation
import Glibc
import TestSupport
import Testing
import TextData
import Training

/// A file of given bytes that vanishes with this object.
final class TemporaryFile {
  let folder = FileManager.default.temporaryDirectory.path + "/mixcse-data-" + UUID().uuidString
  let path: String

  init(_ name: String, _ bytes: [UInt8]) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    path = folder + "/" + name
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  convenience init(_ name: String, _ text: String) throws { try self.init(name, Array(text.utf8)) }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func open() throws -> TrainingData { try TrainingData(path: path, spoolFolder: folder) }
}

extension TrainingData {
  /// All rows as text.
  func everything() throws -> [[String]] {
    try texts(of: Array(0..<rows)).map { $0.map { String(decoding: $0, as: UTF8.self) } }
  }
}

struct DataReaderTests {
  struct Sample: Sendable {
    var name: String
    var text: String
    var rows: [[String]]
    var bad: [Int] = []
    var empty = 0
    var header = false
  }

  static let samples: [Sample] = [
    Sample(name: "a.txt", text: "one\ntwo\r\n\n  \nthree", rows: [["one"], ["two"], ["three"]], empty: 2),
    Sample(name: "bom.txt", text: "\u{FEFF}one\ntwo\n", rows: [["one"], ["two"]]),
    Sample(name: "comma.txt", text: "a,b\n\"c\n", rows: [["a,b"], ["\"c"]]),
    Sample(
      name: "a.csv", text: "sent0,sent1,hard_neg\na,b,c\n\"d, e\",\"f \"\"g\"\"\",h\n",
      rows: [["a", "b", "c"], ["d, e", "f \"g\"", "h"]], header: true),
    Sample(
      name: "order.csv", text: "negative,Anchor,positive\nn,a,p\n", rows: [["a", "p", "n"]], header: true),
    Sample(name: "none.csv", text: "x,y\na,b\n", rows: [["x", "y"], ["a", "b"]]),
    Sample(name: "lines.csv", text: "\"a\nb\",c\n\"d\r\ne\",f\n", rows: [["a\nb", "c"], ["d\r\ne", "f"]]),
    Sample(name: "inner.csv", text: "he said \"no\",b\nc,d\n", rows: [["he said \"no\"", "b"], ["c", "d"]]),
    Sample(
      name: "columns.csv", text: "a,b\nc\nd,e,f\ng,h\ni,j\n", rows: [["a", "b"], ["g", "h"], ["i", "j"]], bad: [2, 3]),
    Sample(name: "emptyfield.csv", text: "a,b\nc,\n,d\ne,f\n", rows: [["a", "b"], ["e", "f"]], bad: [2, 3]),
    Sample(name: "afterquote.csv", text: "a,b\n\"c\"d,e\nf,g\n", rows: [["a", "b"], ["f", "g"]], bad: [2]),
    Sample(name: "open.csv", text: "a,b\n\"c,d\ne,f\n", rows: [["a", "b"], ["e", "f"]], bad: [2]),
    Sample(name: "one.csv", text: "sentence\nhello\n\"x, y\"\n", rows: [["hello"], ["x, y"]], header: true),
    Sample(name: "a.tsv", text: "a\t\"b\nc\td\n", rows: [["a", "\"b"], ["c", "d"]]),
    Sample(name: "h.tsv", text: "sentence1\tsentence2\na\tb\n", rows: [["a", "b"]], header: true),
    Sample(
      name: "a.jsonl",
      text: "{\"sent0\":\"a\",\"sent1\":\"b\",\"id\":7}\n[\"c\",\"d\"]\n\n{\"positive\":\"f\",\"anchor\":\"e\"}\n",
      rows: [["a", "b"], ["c", "d"], ["e", "f"]], empty: 1),
    Sample(name: "s.jsonl", text: "\"a\\n\\u00e9\"\n{\"text\":\"b\"}\n", rows: [["a\né"], ["b"]]),
    Sample(
      name: "bad.jsonl",
      text:
        "{\"text\":\"a\"}\n{\"text\":\n{\"other\":\"b\"}\n{\"text\":1}\n{\"text\":\"c\"}\n{\"text\":\"d\"}\n"
        + "{\"text\":\"e\",\"sentence\":\"e\"}\n{\"text\":\"f\"}\n",
      rows: [["a"], ["c"], ["d"], ["f"]], bad: [2, 3, 4, 7]),
    Sample(
      name: "a.json", text: " [ {\"text\" : \"a ] }\"} ,\n\"b\",\n[\"c\"] ]\n", rows: [["a ] }"], ["b"], ["c"]]),
    Sample(name: "badelement.json", text: "[\"a\",\n{\"text\": nope},\n\"b\"]", rows: [["a"], ["b"]], bad: [2]),
    Sample(name: "lines.json", text: "{\"text\":\"a\"}\n{\"text\":\"b\"}\n", rows: [["a"], ["b"]]),
    Sample(
      name: "gap.json", text: "{\"sent0\":\"a\",\"hard_neg\":\"b\"}\n{\"sent0\":\"a\"}\n", rows: [["a"]], bad: [1]),
  ]

  @Test(arguments: samples)
  func readsDataFiles(_ sample: Sample) throws {
    let file = try TemporaryFile(sample.name, sample.text)
    let data = try file.open()
    #expect(try data.everything() == sample.rows)
    #expect(data.report.problems.map(\.lines.lowerBound) == sample.bad)
    #expect(data.report.badLines == sample.bad.count)
    #expect(data.report.emptyLines == sample.empty)
    #expect((data.report.header != nil) == sample.header)
    for line in sample.bad { #expect(data.report.lines.contains { $0.contains(":\(line): left out: expected") }) }
  }

  @Test(arguments: samples)
  func readsTheSameCompressed(_ sample: Sample) throws {
    let plain = try TemporaryFile(sample.name, sample.text)
    #expect(try shell(["gzip", plain.path]).code == 0)
    let data = try TrainingData(path: plain.path + ".gz", spoolFolder: plain.folder)
    #expect(try data.everything() == sample.rows)
    #expect(data.report.badLines == sample.bad.count)
    let left = try FileManager.default.contentsOfDirectory(atPath: plain.folder)
    #expect(left == [sample.name + ".gz"])
  }

  @Test func severalGzipMembersAreOneFile() throws {
    let file = try TemporaryFile("a.txt", "one\n")
    #expect(
      try shell([
        "bash", "-c", "gzip -c '\(file.path)' > '\(file.path).gz'; gzip -c '\(file.path)' >> '\(file.path).gz'",
      ]).code == 0)
    #expect(try TrainingData(path: file.path + ".gz", spoolFolder: file.folder).everything() == [["one"], ["one"]])
  }

  /// Columns by name, and what is said of those that are left out; alike in every format.
  static let named: [(name: String, text: String, rows: [[String]], line: String)] = [
    (
      "label.csv", "sentence1,sentence2,label\na,b,0\nc,d,1\n", [["a", "b"], ["c", "d"]],
      "warning: FILE: left out: the column label; every row is trained on as a pair that belongs together, whatever its"
    ),
    ("id.csv", "id,sentence1,sentence2\n0,a,b\n1,c,d\n", [["a", "b"], ["c", "d"]], "FILE: left out: the column id"),
    ("text.csv", "text,label\na,0\nb,1\n", [["a"], ["b"]], "FILE: left out: the column label"),
    (
      "glue.tsv", "index\tgenre\tsentence1\tsentence2\tscore\n0\tg\ta\tb\t2.5\n", [["a", "b"]],
      "warning: FILE: left out: the columns index, genre, score;"
    ),
    (
      "l.jsonl", "{\"sentence1\":\"a\",\"sentence2\":\"b\",\"label\":0,\"id\":7}\n", [["a", "b"]],
      "warning: FILE: left out: the columns label, id;"
    ),
    (
      "l.json", "[{\"Text\":\"a\",\"id\":7},{\"Text\":\"b\",\"x\":7}]", [["a"], ["b"]],
      "FILE: left out: the columns id, x"
    ),
    (
      "h.csv", "sentence1,sentence2\na,b\n", [["a", "b"]], "FILE: 1 pairs under the header sentence1,sentence2 (anchor="
    ),
    ("cr.csv", "text\rone\rtwo", [["one"], ["two"]], "FILE: 2 sentences under the header text (anchor=text)"),
  ]

  @Test(arguments: named)
  func columnsGoByTheirNames(_ name: String, _ text: String, _ rows: [[String]], _ line: String) throws {
    let file = try TemporaryFile(name, text)
    let data = try file.open()
    #expect(try data.everything() == rows)
    let expected = line.replacing("FILE", with: file.path)
    #expect(data.report.lines.contains { $0.contains(expected) }, "\(data.report.lines)")
  }

  /// Chosen columns; numbers count from 1.
  static let chosen: [(name: String, text: String, columns: String, rows: [[String]])] = [
    ("a.csv", "q,a,n\n1,2,3\n", "anchor=q,positive=n", [["1", "3"]]),
    ("b.csv", "7,x,y\n8,z,w\n", "anchor=2,positive=3", [["x", "y"], ["z", "w"]]),
    ("c.tsv", "a\tb\tc\td\te\n", "negative=1,anchor=5,positive=4", [["e", "d", "a"]]),
    ("d.jsonl", "{\"q\":\"a\",\"r\":\"b\"}\n{\"r\":\"c\",\"q\":\"d\"}\n", "anchor=r", [["b"], ["c"]]),
    ("e.json", "[[1,\"a\",\"b\"],[2,\"c\",\"d\"]]", "anchor=3,positive=2", [["b", "a"], ["d", "c"]]),
    ("f.txt", "1\n2\n", "anchor=1", [["1"], ["2"]]),
  ]

  @Test(arguments: chosen)
  func columnsCanBeChosen(_ name: String, _ text: String, _ columns: String, _ rows: [[String]]) throws {
    let file = try TemporaryFile(name, text)
    #expect(try TrainingData(path: file.path, columns: columns, spoolFolder: file.folder).everything() == rows)
    let error = #expect(throws: TextDataError.self) {
      _ = try TrainingData(path: file.path, columns: "anchor=none", spoolFolder: file.folder)
    }
    #expect(error?.exitCode == 64 && error?.description.contains("--columns anchor=none") == true)
  }

  static let noText: [(name: String, text: String, message: String)] = [
    (
      "h.csv", "left,right,sim\na man,a dog,1\na cat,a cow,0\n",
      "text in column 3, or a header with names that are understood, found numbers in all 3 rows but the first"
    ),
    (
      "n.tsv", "nr\tleft\tright\n1\ta\tb\n2\tc\td\n",
      "text in column 1, or a header with names that are understood, found numbers in all 3 rows but the first"
    ),
    (
      "a.csv", "a,b,0\nc,d,1\n",
      "text in column 3, found numbers in all 2 rows (first: 0) and no header. Choose by name or"
    ),
    ("b.csv", "0,a,b\n1,c,d\n", "--columns anchor=2,positive=3"), ("c.tsv", "a\t-1.5\nb\t3e2\n", "text in column 2"),
    ("d.csv", "a\tb\nc\td\n", "a tab and no comma in every row"), ("e.jsonl", "[\"a\",\"1\"]\n", "text in column 2"),
    ("f.csv", "a,True\nb,False\n", "text in column 2"),
  ]

  @Test(arguments: noText)
  func numbersAndTabsAreNoText(_ name: String, _ text: String, _ message: String) throws {
    let file = try TemporaryFile(name, text)
    let error = #expect(throws: TrainingError.self) { try file.open() }
    #expect(error?.description.contains(message) == true, "\(error.map(\.description) ?? "")")
    #expect(error?.exitCode == 65)
  }

  @Test func aColumnOfLabelsIsSuspected() throws {
    let labels = ["entailment", "neutral", "contradiction"]
    let text = (0..<60).map { "a \($0),b \($0),\(labels[$0 % 3])\n" }.joined()
    let data = try TemporaryFile("a.csv", text).open()
    #expect(data.rows == 60 && data.report.lines.contains { $0.contains("column 3 has only 3 different values") })
  }

  @Test func aQuoteThatSwallowsLinesIsSaid() throws {
    func file(_ close: String) throws -> TrainingData {
      let lines = (0..<100).map { line in
        line == 20 ? "\"stray one,b" : line == 70 ? "c\(close),d" : "s \(line),p \(line)"
      }
      return try TemporaryFile("a.csv", "sent0,sent1\n" + lines.joined(separator: "\n") + "\n").open()
    }
    let joined = try file("\"")
    #expect(joined.rows == 50)
    #expect(
      joined.report.lines.contains { $0.contains("warning:") && $0.contains("lines 22-72 (51 lines) are read as one") })
    let left = try file("\" x")
    #expect(left.rows == 49 && left.report.badRows == 1 && left.report.badLines == 51)
    #expect(
      left.report.lines.contains { $0.contains("lines 22-72: left out: expected a comma after the quoted field 1") })
    #expect(left.report.lines.contains { $0.contains("1 bad row left out in all, 51 lines") })
  }

  static let refused: [(name: String, text: String, message: String)] = [
    ("a.txt", "", "an empty file"), ("b.txt", "\n\n \n", "3 empty lines"), ("c.csv", "sent0,sent1\n", "row of text"),
    ("d.csv", "a,b,c,d\n", "1, 2 or 3 columns"), ("e.json", "[\"a\", \"b\"", "the end of the file"),
    ("f.json", "[\"a\" \"b\"]", "',' or ']'"), ("g.json", "[\"a\"] x", "more text"),
    ("h.csv", "a,b\nc\nd\ne\n", "3 bad rows against 1"),
    ("j.json", "[\"a\", {\"text\": \"b]", "a string is not closed"),
  ]

  @Test(arguments: refused)
  func refusedDataFiles(_ name: String, _ text: String, _ message: String) throws {
    let file = try TemporaryFile(name, text)
    let error = #expect(throws: (any Error).self) { try file.open() }
    #expect(error.map { "\($0)" }?.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
    #expect(error.flatMap { ($0 as? TrainingError)?.exitCode ?? ($0 as? TextDataError)?.exitCode } == 65)
  }

  @Test func refusesWhatIsNoGzip() throws {
    let file = try TemporaryFile("i.txt.gz", "not gzip")
    let error = #expect(throws: FileError.self) { try file.open() }
    #expect(error?.description.contains("gzip") == true, "\(error.map(\.description) ?? "")")
    #expect(error?.exitCode == 65)
  }

  @Test func refusesTruncatedGzipUTF16AndMissingFiles() throws {
    let file = try TemporaryFile("a.txt", (0..<5000).map { "line number \($0 * 7919)\n" }.joined())
    #expect(try shell(["gzip", file.path]).code == 0)
    let bytes = try Data(contentsOf: URL(fileURLWithPath: file.path + ".gz"))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: file.path + ".gz"))
    #expect(throws: FileError.self) { try TrainingData(path: file.path + ".gz", spoolFolder: file.folder) }
    let wide = try TemporaryFile("w.txt", [0xFF, 0xFE, 0x61, 0x00])
    let error = #expect(throws: TextDataError.self) { try wide.open() }
    #expect(error?.description.contains("UTF-16") == true && error?.exitCode == 65)
    let missing = #expect(throws: FileError.self) {
      try TrainingData(path: wide.folder + "/none.txt", spoolFolder: wide.folder)
    }
    #expect(missing?.exitCode == 66)
    let unknown = #expect(throws: TrainingError.self) {
      try TrainingData(path: wide.folder + "/a.parquet", spoolFolder: wide.folder)
    }
    #expect(unknown?.exitCode == 64)
  }

  @Test func countsInvalidUTF8() throws {
    let file = try TemporaryFile("a.txt", [0x61, 0xFF, 10, 0xC3, 0xA9, 10, 0xED, 0xA0, 0x80, 10])
    let data = try file.open()
    #expect(data.rows == 3)
    #expect(data.report.invalidUTF8Rows == 2)
  }

  @Test func longLinesAreLeftOutAndTheNextOnesFound() throws {
    let long = String(repeating: "x", count: 6 << 20)
    let file = try TemporaryFile("a.txt", "one\n\(long)\ntwo\n\(String(repeating: "y", count: 1 << 20))\nthree\n")
    let data = try file.open()
    #expect(data.report.problems.map(\.lines.lowerBound) == [2])
    #expect(try data.everything().map { $0[0].count } == [3, 3, 1 << 20, 5])
  }

  @Test func recordsAcrossWindowBordersStayWhole() throws {
    let rows = (0..<200_000).map { "\"row \($0),\n\(String(repeating: "z", count: $0 % 60))\",b\($0)" }
    let file = try TemporaryFile("a.csv", rows.joined(separator: "\n"))
    let data = try file.open()
    #expect(data.rows == rows.count && data.report.badLines == 0)
    for row in stride(from: 0, to: rows.count, by: 997) {
      let texts = try data.texts(of: [row])[0].map { String(decoding: $0, as: UTF8.self) }
      #expect(texts == ["row \(row),\n\(String(repeating: "z", count: row % 60))", "b\(row)"])
    }
  }

  @Test func aRowIsPlacedByItsLineOrByItsNumber() throws {
    let file = try TemporaryFile("a.txt", "one\n\ntwo\nthree\n")
    let data = try file.open()
    #expect(data.place(ofRow: 2) == (4, ""))
    try #require(truncate(file.path, 3) == 0)
    let place = data.place(ofRow: 2)
    #expect(place.line == 0 && place.words.hasPrefix(" in row 3 of those that are used"), "\(place)")
  }

  @Test func aChangedFileIsNoticed() throws {
    let file = try TemporaryFile("a.txt", "one\ntwo\n")
    let data = try file.open()
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("three\n".utf8))
    try handle.close()
    let error = #expect(throws: TrainingError.self) { try data.texts(of: [0]) }
    #expect(error?.exitCode == 65)
  }
}
