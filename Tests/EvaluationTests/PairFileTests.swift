// Readers of pair files: layouts, places, odd lines, and the real STS-B by a baseline whose figure is known.

import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("pair files")
struct PairFileTests {
  private func read(_ bytes: [UInt8]) throws -> PairSet {
    let path = NSTemporaryDirectory() + "cse-pairs-\(UUID().uuidString).tsv"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try PairFile.read(path)
  }

  private func read(_ text: String) throws -> PairSet { try read(Array(text.utf8)) }

  private func problem(_ text: String) -> String { problem(Array(text.utf8)) }

  private func problem(_ bytes: [UInt8]) -> String {
    do {
      return "read \(try read(bytes).count)"
    } catch {
      return "\(error)"
    }
  }

  @Test("seven columns, further ones ignored, quotes literal, white space collapsed")
  func sevenColumns() throws {
    let set = try read(
      "g\tf\ty\t1\t2.5\t\"A  man\u{A0}sat.\ta 'dog' ran \r\n\ng\tf\ty\t2\t5\tx\ty\tlicence\tlicence\n")
    #expect(set.first == ["\"A man sat.", "x"])
    #expect(set.second == ["a 'dog' ran", "y"])
    #expect(set.gold == [2.5, 5])
    #expect(set.warnings.count == 1 && set.warnings[0].contains(":2: 1 empty line(s)"))
  }

  @Test("three columns, with a byte order mark, a header, no last line feed")
  func threeColumns() throws {
    let set = try read("\u{FEFF}sentence1\tsentence2\tscore\na b\tc\t0.5\nd\te\t1")
    #expect(set.first == ["a b", "d"] && set.second == ["c", "e"] && set.gold == [0.5, 1])
  }

  @Test("bad lines are named by file and line")
  func badLinesOfPairFiles() {
    #expect(problem("a\tb\t1\nc\td\tx\n").contains(".tsv:2: expected a number as score in field 3, found \"x\""))
    #expect(problem("a\tb\tnan\n").contains(":1: expected a number"))
    #expect(problem("a\tb\t\n").contains(":1: expected a number"))
    #expect(
      problem("a\tb\n").contains(
        ":1: expected fields separated by tabs: three fields (sentence1, sentence2, score), or seven fields"))
    #expect(problem("a\tb\t1\nc\td\n").contains(":2: expected three fields"))
    #expect(problem("a\tb\t1\nc\td\t1\te\n").contains(":2: expected three fields"))
    #expect(problem("g\tf\ty\t1\t2.5\ta\n").contains("found 6"))
    #expect(problem("a\t \t1\n").contains(":1: expected a sentence in field 2, found nothing"))
    #expect(problem([97, 9, 0xFF, 9, 49, 10]).contains(":1: expected UTF-8 in field 2"))
    #expect(problem("").contains("expected sentences, found none"))
    #expect(problem("\n \n").contains("expected sentences, found none"))
    #expect(problem("sentence1\tsentence2\tscore\n").contains("expected sentences, found none"))
  }

  /// Two pairs in every layout that is read.
  static let layouts: [(name: String, text: String)] = [
    ("a.tsv", "a b\tc\t0.5\nd\te \"f\t1\n"), ("a.csv", "a b,c,0.5\nd,\"e \"\"f\",1\n"),
    ("tabs.csv", "a b\tc\t0.5\nd\te \"f\t1\n"), ("none", "a b\tc\t0.5\r\nd\te \"f\t1\r\n"),
    ("cr.tsv", "a b\tc\t0.5\rd\te \"f\t1"),
    ("order.csv", "score,sentence2,sentence1\n0.5,c,a b\n1,\"e \"\"f\",d\n"),
    (
      "STS-B/dev.tsv",
      "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
        + "0\tmain\tMSRvid\t2012\t1\tnone\tnone\ta b\tc\t0.5\n1\tmain\tMSRvid\t2012\t2\tnone\tnone\td\te \"f\t1\n"
    ),
    (
      "msr_paraphrase.txt",
      "\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n0.5\t1\t2\ta b\tc\n1\t3\t4\td\te \"f\n"
    ),
    (
      "QQP/dev.tsv",
      "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta b\tc\t0.5\n3\t4\t5\td\te \"f\t1\n"
    ),
    (
      "SICK.txt",
      "pair_ID\tsentence_A\tsentence_B\tentailment_label\trelatedness_score\tSemEval_set\n"
        + "1\ta b\tc\tNEUTRAL\t0.5\tTEST\n2\td\te \"f\tNEUTRAL\t1\tTEST\n"
    ),
    (
      "l.jsonl",
      "{\"sentence1\":\"a b\",\"sentence2\":\"c\",\"score\":0.5}\n"
        + "{\"label\":\"1\",\"text1\":\"d\",\"text2\":\"e \\\"f\"}\n"
    ),
    ("l.json", "[[\"a b\",\"c\",\"0.5\"],[\"d\",\"e \\\"f\",1]]"),
  ]

  @Test("columns go by their names, in every format, plain and compressed", arguments: layouts)
  func knownLayouts(_ name: String, _ text: String) throws {
    let scratch = try Scratch()
    let path = try scratch.file((name as NSString).lastPathComponent, text)
    func check(_ path: String) throws {
      let set = try PairFile.read(path)
      #expect(
        set.first == ["a b", "d"] && set.second == ["c", "e \"f"] && set.gold == [0.5, 1] && set.warnings == [])
    }
    try check(path)
    #expect(try shell(["gzip", path]).code == 0)
    try check(path + ".gz")
  }

  @Test("layouts that are not understood are refused, with the columns that were found")
  func unknownLayouts() throws {
    #expect(problem("q\ta\tscore\nx\ty\t1\n").contains(":1: expected a column for anchor (anchor, sent0"))
    #expect(problem("q\ta\tscore\nx\ty\t1\n").contains("found the columns q, a, score. Rename"))
    #expect(problem("index\tsentence1\tsentence2\n0\ta\tb\n").contains("expected a column for score ("))
    #expect(problem("sentence\tlabel\nx\t1\n").contains("expected a column for positive ("))
    #expect(problem("sentence1\tsentence2\tscore\tlabel\nx\ty\t1\t1\n").contains("'score' and 'label'"))
    #expect(problem("a\tb\tc\tscored\n").contains("or a header that names the columns, found 4"))
    let mixed = "split\tsentence1\tsentence2\tscore\ntrain\ta\tb\t1\ndev\ta\tb\t2\n"
    #expect(
      problem(mixed).contains(":3: expected pairs of one part in a file ('train' on the lines before), found 'dev'"))
    #expect(problem(Array("a\tb\t1\n".utf8).flatMap { [$0, 0] }).contains("zero bytes as in UTF-16"))
  }

  @Test("missing files and folders say what was looked for")
  func missingPairFiles() {
    #expect(throws: EvaluationError.notFound(path: "/no/file", expected: "a file of evaluation data")) {
      _ = try STSBenchmark.dev(in: "/no/file")
    }
    #expect(throws: EvaluationError.self) { _ = try STSBenchmark.test(in: NSTemporaryDirectory()) }
  }

  @Test("a score by embeddings, of each sub-dataset and of all concatenated, which is not their mean")
  func scores() throws {
    let set = PairSet(name: "s", first: ["a", "b", "c"], second: ["d", "e", "f"], gold: [3, 2, 1])
    var other = set
    other.name = "t"
    other.second = ["a", "b", "g"]
    other.gold = [5, 4, 0]
    // Cosines 0.9 0.8 0.7, and 1 1 0.1: each set ranks well, but its own gold lies elsewhere on the scale.
    let cosines: [String: Float] = ["d": 0.9, "e": 0.8, "f": 0.7, "g": 0.1]
    let table = SentenceTable.make(["a", "b", "c", "d", "e", "f", "g"]) { sentence in
      let x = cosines[sentence] ?? 1
      return [x, (1 - x * x).squareRoot()]
    }
    #expect(abs(set.score(table).spearman - 1) < 1e-12 && set.score(table).pairs == 3)
    let task = STSTask(name: "both", subsets: [set, other]).score(table)
    // scipy.stats.spearmanr([.9, .8, .7, 1, 1, .1], [3, 2, 1, 5, 4, 0]) and ([1, 1, .1], [5, 4, 0])
    #expect(task.all.pairs == 6 && abs(task.all.spearman - 0.9856107606091623) < 1e-12)
    #expect(abs(task.subsets[1].score.spearman - 0.8660254037844387) < 1e-12)
    #expect(abs(task.meanSpearman - 0.9330127018922194) < 1e-12)
    #expect(task.subsets.map(\.name) == ["s", "t"])
  }

  private func jaccard(_ task: STSTask) -> Double {
    Correlation.spearman(task.subsets.flatMap(wordOverlap), task.subsets.flatMap(\.gold))
  }

  @Test("the real STS-B from every way to name it", .needs(.sharedData))
  func theRealSTSBenchmark() throws {
    let root = try #require(Resources.shared("data"))
    let places = [root, root + "/", root + "/downstream", root + "/downstream/STS/STSBenchmark"]
    for place in places {
      let (dev, test) = try (STSBenchmark.dev(in: place), STSBenchmark.test(in: place))
      #expect(dev.subsets[0].count == 1500 && test.subsets[0].count == 1379 && dev.warnings + test.warnings == [])
      #expect(abs(jaccard(test) - 0.526) < 0.0005)
    }
    let cased = try STSBenchmark.dev(in: root + "/sts-dev.tsv")
    #expect(cased.subsets[0].count == 1500 && abs(jaccard(cased) - 0.602) < 0.0005)
  }
}
