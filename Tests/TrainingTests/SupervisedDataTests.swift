// Scores and labels of training data: read by name or choice, of no consequence to a run that does not need them, and
// checked row by row for one that does.

import Host
import Objective
import TestSupport
import Testing
import Training

struct SupervisedDataTests {
  private func open(_ name: String, _ text: String, columns: String? = nil) throws -> TrainingData {
    let file = try TemporaryFile(name, text)
    return try TrainingData(path: file.path, columns: columns, spoolFolder: file.folder)
  }

  struct Sample: Sendable {
    var name: String
    var text: String
    var columns: String?
    var scores: [Float]?
    var classes: [Int64]?
  }

  static let samples: [Sample] = [
    Sample(name: "a.csv", text: "sentence1,sentence2,score\na,b,4.5\nc,d, 0 \n", scores: [4.5, 0]),
    Sample(name: "b.tsv", text: "label\ttext\nx y\ta\nz\tb\n x y\tc\n", classes: [0, 1, 0]),
    Sample(
      name: "c.jsonl",
      text: "{\"sent0\":\"a\",\"sent1\":\"b\",\"label\":1,\"score\":2}\n"
        + "{\"label\":\"1\",\"sent0\":\"c\",\"sent1\":\"d\",\"score\":\"2.5\"}\n"
        + "{\"label\":true,\"sent0\":\"c\",\"sent1\":\"d\",\"score\":-1e1}\n",
      scores: [2, 2.5, -10], classes: [0, 0, 1]),
    Sample(
      name: "d.json", text: "[{\"text\":\"a\",\"class\":\"q\"},{\"text\":\"b\",\"class\":\"r\"}]", classes: [0, 1]),
    // A label of a pair is a score to whoever says so.
    Sample(
      name: "e.csv", text: "sentence1,sentence2,label\na,b,1\nc,d,0\n",
      columns: "anchor=sentence1,positive=sentence2,score=label", scores: [1, 0]),
    Sample(name: "f.csv", text: "a,b,1\nc,d,0\n", columns: "anchor=1,positive=2,score=3", scores: [1, 0]),
    Sample(name: "g.csv", text: "a,3\nc,4\n", columns: "anchor=1,label=2", classes: [0, 1]),
    // The very name counts; of two others none is meant.
    Sample(name: "h.csv", text: "text,class,label\na,1,2\nb,1,3\n", classes: [0, 1]),
    Sample(name: "i.csv", text: "text,class,gold_label\na,1,2\nb,1,3\n"),
    Sample(name: "j.jsonl", text: "{\"text\":\"a\",\"class\":1,\"gold_label\":2}\n{\"text\":\"b\"}\n"),
    // A score is of a pair.
    Sample(name: "k.csv", text: "text,score\na,1\nb,2\n"),
    Sample(name: "l.txt", text: "a\nb\n"),
  ]

  @Test(arguments: samples)
  func areReadByName(_ sample: Sample) throws {
    let data = try open(sample.name, sample.text, columns: sample.columns)
    let found = data.labels(of: Array(0..<data.rows))
    #expect(found == RowLabels(scores: sample.scores, classes: sample.classes))
    #expect(data.supervision == found.supervision)
    // The report says of each whether it is used.
    #expect(data.report.lines.contains { $0.contains("left out: the column") } == (sample.name != "l.txt"))
    try data.use(found.supervision)
    #expect(!data.report.lines.contains { $0.contains("left out") } || "hijk".contains(sample.name.prefix(1)))
    let json = data.report.json.object
    #expect(json?["columns"]?.integer == data.columns)
    #expect((json?["columnsFrom"]?.object?["label"] != nil) == (sample.classes != nil))
  }

  /// What a run does not need may be missing or wrong; what it needs may not.
  static let gaps: [(name: String, text: String, needs: Supervision, problem: String)] = [
    (
      "a.csv", "sent0,sent1,score\na,b,1\nc,d,x\ne,f,\ng,h,2\n", .scores,
      "a.csv:3: expected a number in column score, found 'x', and so in 2 rows. Leave such rows out"
    ),
    (
      "b.csv", "sent0,sent1,score\na,b,1\nc,d,nan\ne,f,3\n", .scores,
      "b.csv:3: expected a number in column score, found 'nan'. "
    ),
    (
      "c.tsv", "text\tlabel\na\tx\nb\t\nc\ty\n", .classes, "c.tsv:3: expected a label in column label, found nothing. "
    ),
    (
      "d.jsonl", "{\"text\":\"a\",\"label\":1}\n{\"text\":\"b\"}\n{\"text\":\"c\",\"label\":null}\n", .classes,
      "d.jsonl:2: expected a label in column label, found nothing, and so in 2 rows. "
    ),
    (
      "e.csv", "text,label\na,x\nb,x\nc,x\n", .classes,
      "e.csv: expected different labels in column label, found the same one in all 3 rows"
    ),
    (
      "f.csv", "sent0,sent1,score\na,b,1\nc,d,1.0\n", .scores,
      "f.csv: expected different scores in column score, found the same one in all 2 rows"
    ),
  ]

  @Test(arguments: gaps)
  func gapsMatterWhereTheyAreNeeded(_ name: String, _ text: String, _ needs: Supervision, _ problem: String) throws {
    let data = try open(name, text)
    #expect(data.report.badRows == 0)
    #expect(data.rows == text.split(separator: "\n").count - (name.hasSuffix("jsonl") ? 0 : 1))
    try data.use([])
    let error = #expect(throws: TrainingError.self) { try data.use(needs) }
    #expect(error?.description.contains(problem) == true, "\(error?.description ?? "")")
    #expect(error?.exitCode == 65)
  }

  /// A column of numbers that nothing names is no text, and may be what is said of the rows.
  @Test func theAdviceNamesWhatNumbersMayBe() throws {
    let error = #expect(throws: TrainingError.self) { try open("a.csv", "a,b,0\nc,d,1\n") }
    #expect(error?.description.contains("--columns anchor=1,positive=2,score=3") == true, "\(error?.description ?? "")")
    let other = #expect(throws: TrainingError.self) { try open("a.csv", "a,0\nc,1\n") }
    #expect(other?.description.contains("--columns anchor=1,label=2") == true, "\(other?.description ?? "")")
  }
}
