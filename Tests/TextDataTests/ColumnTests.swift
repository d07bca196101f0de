// Columns by name, by choice and by place: what is read, and what is refused with which words.

import Files
import Testing
import TextData

struct ColumnTests {
  private let training = ColumnWishes(
    roles: [.anchor, .positive, .negative], required: [.anchor],
    positional: { (1...3).contains($0) ? ListLayout(indexes: Array(0..<$0), counts: $0...$0, expected: "\($0)") : nil },
    positionalWords: "1, 2 or 3 columns", advice: "Choose with --columns")

  private func reader(_ choice: String? = nil) throws -> ColumnReader {
    var wishes = training
    wishes.choice = try choice.map { try ColumnChoice(parsing: $0, roles: wishes.roles) }
    return ColumnReader(wishes)
  }

  private func fields(_ texts: [String]) -> RecordFields { .texts(texts.map { Array($0.utf8) }) }

  /// What is read of a second record, with a header before it; or the error.
  private func read(_ header: [String], _ row: [String], _ choice: String? = nil) -> String {
    do {
      var reader = try reader(choice)
      guard try reader.begin(fields(header), path: "f.csv", line: 1, hasHeader: true) else { return "data" }
      let texts = try reader.texts(fields(row)).map { String(decoding: $0, as: UTF8.self) }
      return texts.joined(separator: "|")
        + (reader.unused().isEmpty ? "" : " without " + reader.unused().joined(separator: ","))
    } catch {
      return "\(error)"
    }
  }

  @Test func aKnownNameMakesAHeader() {
    #expect(read(["sentence1", "sentence2", "label"], ["a", "b", "0"]) == "a|b without label")
    #expect(read(["id", "sentence1", "sentence2"], ["0", "a", "b"]) == "a|b without id")
    #expect(read(["", "text"], ["0", "a"]) == "a without 1 (without a name)")
    #expect(read(["Negative", " ANCHOR ", "positive"], ["n", "a", "p"]) == "a|p|n")
    #expect(
      read(["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["1", "2", "3", "a", "b"])
        == "a|b without Quality,#1 ID,#2 ID")
    #expect(
      read(["pair_ID", "sentence_A", "sentence_B", "relatedness_score"], ["1", "a", "b", "3"])
        == "a|b without pair_ID,relatedness_score")
    #expect(read(["x", "y"], ["a", "b"]) == "data")
    #expect(read(["a", "sentence one"], ["a", "b"]) == "data")
  }

  @Test func headersThatCannotBeReadAreRefused() {
    #expect(read(["text", "sentence", "label"], []).contains("f.csv:1: expected one column for anchor (anchor, sent0"))
    #expect(read(["text", "sentence"], []).contains("found 'text' and 'sentence'. Choose with --columns"))
    #expect(read(["positive", "x"], []).contains("expected a column for anchor ("))
    #expect(read(["anchor", "negative"], []).contains("expected a column for positive ("))
    #expect(read(["x", "label"], []).contains("found the columns x, label"))
    #expect(read(["sentence1;sentence2"], []).contains("commas between the columns of a .csv"))
    #expect(read(["sentence1\tsentence2"], []).contains("found tabs"))
    #expect(read(["id", "text"], ["1"]).contains("2 columns like the header"))
  }

  @Test func chosenColumns() {
    #expect(read(["q", "a", "x"], ["1", "2", "3"], "anchor=q,positive=x") == "1|3 without a")
    #expect(read(["q", "a", "x"], ["1", "2", "3"], "negative=Q,positive=2,anchor=x") == "3|2|1")
    #expect(read(["q", "a"], ["1", "2"], "anchor=2,positive=1") == "data")
    #expect(read(["sentence1", "a"], ["1", "2"], "anchor=2") == "2 without sentence1")
    for (choice, message) in [
      ("anchor=foo", "--columns anchor=foo: expected a name of the header, found in f.csv, line 1: q, a"),
      ("anchor=3", "--columns anchor=3: expected a number up to 2, found in f.csv, line 1: q, a"),
    ] { #expect(read(["q", "a"], [], choice).contains(message), "\(read(["q", "a"], [], choice))") }
  }

  @Test func choicesThatMakeNoSense() throws {
    for text in [
      "", "anchor", "anchor=", "anchor=a,anchor=b", "anchor=a,positive=a", "positive=a", "anchor=a,negative=b",
      "anchor=0", "anchor=-1", "score=a", "anchor=a,score=b", "anchor=a,", "Anchor=a",
    ] {
      #expect(throws: RecordProblem.self, "\(text)") {
        _ = try ColumnChoice(parsing: text, roles: [.anchor, .positive, .negative])
      }
    }
    let scored = try ColumnChoice(parsing: "score=s, anchor=a,positive=b", roles: [.anchor, .positive, .score])
    #expect(scored.columns.map(\.role) == [.anchor, .positive, .score])
  }

  @Test func objectsAndLists() throws {
    var reader = try reader("anchor=q")
    let object = RecordFields.object(JSONObject([("q", .string("a")), ("n", .integer(1))]))
    #expect(try !reader.begin(object, path: "f", line: 1, hasHeader: false))
    #expect(try reader.texts(object) == [[97]] && reader.unused(in: object) == ["n"])
    #expect(throws: RecordProblem.self) { _ = try reader.texts(.object(JSONObject([("n", .string("a"))]))) }
    var missing = try self.reader("anchor=z")
    let error = #expect(throws: TextDataError.self) {
      _ = try missing.begin(object, path: "f", line: 1, hasHeader: false)
    }
    #expect(
      error?.exitCode == 64 && error?.description.contains("a key of the first row, found in f, line 1: q, n") == true)
    var numbered = try self.reader("anchor=1")
    #expect(throws: TextDataError.self) { _ = try numbered.begin(object, path: "f", line: 1, hasHeader: false) }
    var list = try self.reader("anchor=2")
    let values = RecordFields.values([.integer(4), .string("a")])
    #expect(try !list.begin(values, path: "f", line: 1, hasHeader: false))
    #expect(try list.texts(values) == [[97]])
  }
}
