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
    #expect(problem("a\tb\n").contains(":1: expected three or seven tab-separated fields, found 2"))
    #expect(problem("a\tb\t1\nc\td\n").contains(":2: expected three fields"))
    #expect(problem("a\tb\t1\nc\td\t1\te\n").contains(":2: expected three fields"))
    #expect(problem("g\tf\ty\t1\t2.5\ta\n").contains("found 6"))
    #expect(problem("a\t \t1\n").contains(":1: expected a sentence in field 2, found nothing"))
    #expect(problem([97, 9, 0xFF, 9, 49, 10]).contains(":1: expected UTF-8 in field 2"))
    #expect(problem("").contains("expected sentences, found none"))
    #expect(problem("\n \n").contains("expected sentences, found none"))
    #expect(problem("sentence1\tsentence2\tscore\n").contains("expected sentences, found none"))
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
