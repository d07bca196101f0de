// Readers of all fourteen tasks: what is wrong with a file is an error or a warning with file and line, before any
// score; and the real data, by its known sizes and by a baseline that needs no model.

import Evaluation
import Foundation
import TestSupport
import Testing

@Suite("data files")
struct DataFilesTests {
  let data: SmallDownstream

  init() throws { data = try SmallDownstream() }

  private func suite(_ tasks: [EvaluationTask], _ mode: EvaluationMode = .test, isSet: Bool = false) throws
    -> EvaluationSuite
  {
    var suite = EvaluationSuite(mode: mode)
    try suite.read(tasks, in: data.folder, isSet: isSet)
    return suite
  }

  private func complaint(_ task: EvaluationTask, _ mode: EvaluationMode = .test) -> String {
    problem { _ = try suite([task], mode) }
  }

  @Test("empty gold lines are unscored pairs; parts of other years and SMT are not read")
  func years() throws {
    try data.write("STS/STS13-en-test/STS.input.SMT.txt", "a\tb\n")
    try data.write("STS/STS13-en-test/STS.gs.SMT.txt", "1\n")
    let task = try suite([.sts13]).sts[0]
    #expect(task.subsets.map(\.name) == ["FNWN", "headlines", "OnWN"])
    #expect(task.subsets.map(\.count) == [7, 7, 7])
    #expect(task.subsets[0].gold == [0, 2.5, 1, 2, 0.5, 3, 1.5])
    #expect(task.subsets[0].sentences.count == 14)
  }

  @Test("a gold file that is missing, has other lines, or holds no number")
  func gold() throws {
    let gold = "STS/STS12-en-test/STS.gs.MSRvid.txt"
    try data.replace(line: 3, of: gold, by: "4,5")
    #expect(complaint(.sts12).contains("\(gold):3: expected a number as score in the line, found \"4,5\""))
    try data.replace(line: 3, of: gold, by: "inf")
    #expect(complaint(.sts12).contains("\(gold):3: expected a number"))
    try data.write(gold, "1\n2\n3\n")
    let unequal = complaint(.sts12)
    #expect(unequal.contains("\(gold):4: expected as many lines as") && unequal.contains("(8), found 3"), "\(unequal)")
    try data.write(gold, String(repeating: "1\n", count: 9))
    #expect(complaint(.sts12).contains("\(gold):9: expected as many lines"))
    try data.remove(gold)
    #expect(complaint(.sts12).contains("\(gold): expected the gold scores of MSRvid, found none"))
    let input = "STS/STS16-en-test/STS.input.headlines.txt"
    try data.replace(line: 2, of: input, by: "only one sentence")
    #expect(complaint(.sts16).contains("\(input):2: expected two sentences separated by a tab"))
    try data.remove(input)
    #expect(complaint(.sts16).contains("\(input): expected the pairs of headlines"))
  }

  @Test("a score off the scale is a warning")
  func scale() throws {
    try data.replace(line: 2, of: "STS/STS14-en-test/STS.gs.images.txt", by: "50")
    #expect(try suite([.sts14]).warnings.contains { $0.contains("STS.gs.images.txt:") && $0.contains("0 to 5") })
  }

  @Test("SICK: header, fields, the part of the mode, and a warning for parts put together")
  func sick() throws {
    #expect(try suite([.sickRelatedness]).sts[0].subsets[0].name == "SICK_test_annotated.txt")
    #expect(try suite([.sickRelatedness], .dev).sts[0].subsets[0].name == "SICK_trial.txt")
    let file = "SICK/SICK_test_annotated.txt"
    let rows = (0..<9927).map { "\($0)\ta b\tc\t\(1 + Double($0 % 9) / 2)\tNEUTRAL\r\n" }.joined()
    try data.write(file, "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tx\r\n" + rows)
    let mixed = try suite([.sickRelatedness])
    #expect(mixed.sts[0].subsets[0].count == 9927)
    #expect(mixed.warnings.contains { $0.contains("\(file): expected 4927 scored pairs") && $0.contains("9927") })
    try data.write(file, rows)
    #expect(complaint(.sickRelatedness).contains("\(file):1: expected fields separated by tabs: a header that names"))
    let header = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\n"
    try data.write(file, header + "1\tx\ty\tmuch\n")
    #expect(complaint(.sickRelatedness).contains("\(file):2: expected a number as score in relatedness_score"))
    try data.write(file, header + "1\tx\ty\n")
    #expect(complaint(.sickRelatedness).contains("\(file):2: expected 4 columns like the header, found 3"))
    try data.write(file, "id\ta\tb\tscore\n1\tx\ty\t2\n")
    #expect(complaint(.sickRelatedness).contains("\(file):1: expected a column for anchor ("))
  }

  @Test("STS-B: the part of the mode, never another; a short file is a warning")
  func benchmark() throws {
    let (test, dev) = try (suite([.stsBenchmark]), suite([.stsBenchmark], .dev))
    #expect(test.sts[0].subsets[0].sentences != dev.sts[0].subsets[0].sentences)
    #expect(test.warnings.contains { $0.contains("sts-test.csv: expected 1379 pairs as in STS-B test, found 12") })
    #expect(dev.warnings.contains { $0.contains("sts-dev.csv: expected 1500 pairs") })
  }

  @Test("a SUBJ with 20 subjective lines is a loud warning; with none of a class an error")
  func brokenSubj() throws {
    let line = "a b c\n"
    try data.write("SUBJ/subj.objective", String(repeating: line, count: 5000))
    try data.write("SUBJ/subj.subjective", String(repeating: line, count: 20))
    let warnings = try suite([.subj]).warnings
    #expect(warnings.count == 1, "\(warnings)")
    #expect(warnings.contains { $0.contains("subj.subjective: expected 5000 samples") && $0.contains("found 20") })
    try data.write("SUBJ/subj.subjective", String(repeating: line, count: 19))
    #expect(complaint(.subj).contains("expected at least 20 samples of the class 0, found 19"))
    try data.write("SUBJ/subj.subjective", "")
    #expect(complaint(.subj).contains("SUBJ/subj.subjective: expected sentences, found none"))
    try data.remove("SUBJ/subj.subjective")
    #expect(complaint(.subj).contains("SUBJ/subj.subjective: expected"))
  }

  @Test("labels spread otherwise than published are a warning")
  func balance() throws {
    let rows = (0..<872).map { "a b\t\($0 < 400 ? 0 : 1)\n" }.joined()
    try data.write("SST/binary/sentiment-dev", rows)
    #expect(
      try suite([.sst2]).warnings.contains {
        $0.contains("sentiment-dev: expected 428 of class 0, 444 of class 1, found 400 of class 0, 472 of class 1")
      })
  }

  @Test("wrong encodings: UTF-16 and stray bytes are errors, UTF-8 for Latin-1 a warning")
  func encodings() throws {
    try data.write("MR/rt-polarity.pos", [0xFF, 0xFE, 0x61, 0, 0x0A, 0])
    #expect(complaint(.mr).contains("rt-polarity.pos:1: expected text of one byte a character or UTF-8, found a byte"))
    try data.write("MR/rt-polarity.pos", Array("abc\nd".utf8) + [0] + Array("e\n".utf8))
    #expect(
      complaint(.mr).contains("rt-polarity.pos:2: expected text of one byte a character or UTF-8, found a zero byte"))
    try data.write("CR/custrev.pos", String(repeating: "caf\u{E9} good\n", count: 30))
    #expect(
      try suite([.cr]).warnings.contains { $0.contains("custrev.pos:1: expected Latin-1, found UTF-8 on 30 line(s)") })
    try data.write("CR/custrev.pos", Array(repeating: [0x63, 0xE9, 0x0A], count: 30).flatMap(\.self))
    let latin = try suite([.cr])
    #expect(!latin.warnings.contains { $0.contains("Latin-1") })
    #expect(latin.sentences.sentences.contains("c\u{E9}"))
    try data.write("SST/binary/sentiment-test", Array("good\t1\nb".utf8) + [0xE9] + Array("d\t0\n".utf8))
    #expect(complaint(.sst2).contains("sentiment-test:2: expected text in UTF-8, found other bytes"))
    try data.write(
      "STS/STS15-en-test/STS.input.belief.txt", Array(repeating: [0x61, 9, 0xE9, 10], count: 8).flatMap(\.self))
    #expect(complaint(.sts15).contains("STS.input.belief.txt:1: expected text in UTF-8"))
  }

  @Test("bad lines of the transfer tasks are named")
  func badLinesOfTransferTasks() throws {
    try data.replace(line: 4, of: "TREC/TREC_10.label", by: "WHAT:x is this ?")
    #expect(complaint(.trec).contains("TREC_10.label:4: expected COARSE:fine question"))
    try data.replace(line: 7, of: "SST/binary/sentiment-train", by: "a b\t2")
    #expect(complaint(.sst2).contains("sentiment-train:7: expected a sentence, a tab, and the label 0 or 1"))
    try data.replace(line: 5, of: "MRPC/msr_paraphrase_test.txt", by: "1\t2\t3\t\"a b")
    #expect(complaint(.mrpc).contains("msr_paraphrase_test.txt:5: expected label (0 or 1), id, id, sentence, sentence"))
  }

  @Test("a task of a set whose folder is not there is missing with its reason; a named one is an error")
  func missingTasks() throws {
    try data.remove("TREC")
    try data.remove("SICK")
    let suite = try suite(EvaluationTask.allCases, isSet: true)
    #expect(suite.missing.map(\.task) == [.sickRelatedness, .trec])
    #expect(suite.missing.allSatisfy { $0.reason.hasSuffix("is not there") })
    #expect(suite.sts.count == 6 && suite.transfer.count == 6)
    #expect(complaint(.trec).contains("train_5500.label: expected"))
    let dev = try self.suite(EvaluationTask.sts, .dev, isSet: true)
    #expect(dev.sts.map(\.name) == ["STSBenchmark"] && dev.missing.count == 6)
    #expect(
      problem { _ = try DownstreamFolder(path: NSTemporaryDirectory() + "none") }.contains("SentEval's downstream"))
  }

  @Test("each distinct sentence of all tasks is there once")
  func sentences() throws {
    var suite = EvaluationSuite(mode: .test)
    try data.write("pairs.tsv", "a b\tc\t1\nc\ta b\t2\n")
    try data.write("STS/STS13-en-test/STS.input.FNWN.txt", String(repeating: "a  b\tc\n", count: 8))
    try suite.read(EvaluationTask.allCases, in: data.folder, isSet: false)
    try suite.readPairs(data.path("pairs.tsv"))
    let all = suite.sts.flatMap(\.sentences) + suite.transfer.flatMap(\.sentences) + ["a b", "c"]
    let collected = suite.sentences.sentences
    #expect(Set(collected) == Set(all) && collected.count == Set(all).count && collected.count < all.count)
  }

  @Test("task names")
  func taskNames() throws {
    #expect(try EvaluationTask(named: "sts-b") == .stsBenchmark && EvaluationTask(named: "SICK-R") == .sickRelatedness)
    #expect(try EvaluationTask(named: "SST-2") == .sst2 && EvaluationTask(named: "STS12") == .sts12)
    #expect(problem { _ = try EvaluationTask(named: "STS17") }.contains("found 'STS17'. Known are: STS12, STS13"))
  }

  // MARK: - The real data

  @Test("the real data: no warnings, known sizes, known word overlap", .needs(.sharedData))
  func theRealTaskData() throws {
    let root = try #require(Resources.shared("data"))
    var suite = EvaluationSuite(mode: .test)
    try suite.read(EvaluationTask.allCases, in: root, isSet: false)
    #expect(suite.warnings == [] && suite.missing.isEmpty)
    let known: [(pairs: Int, overlap: Double)] = [
      (3108, 0.430), (1500, 0.489), (3750, 0.512), (3000, 0.675), (1186, 0.575), (1379, 0.526), (4927, 0.573),
    ]
    for (task, (pairs, overlap)) in zip(suite.sts, known) {
      let found = Correlation.spearman(task.subsets.flatMap(wordOverlap), task.subsets.flatMap(\.gold))
      #expect(task.subsets.reduce(0) { $0 + $1.count } == pairs, "\(task.name)")
      #expect(abs(found - overlap) < 0.0005, "\(task.name): \(found)")
    }
    #expect(suite.transfer.map(\.task) == EvaluationTask.transfer)
    #expect(
      suite.transfer.map(\.sampleCounts) == [
        [10662], [3775], [10000], [10606], [67349, 872, 1821], [5452, 500], [4076, 1725],
      ])
    var dev = EvaluationSuite(mode: .dev)
    try dev.read([.stsBenchmark, .sickRelatedness], in: root + "/downstream", isSet: false)
    #expect(dev.sts.map { $0.subsets[0].count } == [1500, 500] && dev.warnings == [])
  }
}
