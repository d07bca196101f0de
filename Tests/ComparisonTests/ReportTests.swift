// The files of a comparison: what is in them, that they are well formed, and that nothing in a name or a reason gets
// out of its place. Tests/Interop/check_report.py looks at the page in a browser.

import Comparison
import Files
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("report of a comparison")
struct ReportTests {
  @Test("the page stands alone and says everything in order")
  func page() throws {
    let page = try ReportFiles(SampleComparison().results(), keptAs: "usual").page
    for reference in ["http:", "https:", "<script", "<link", "@import", "url(h", " src="] {
      #expect(!page.contains(reference), "\(reference)")
    }
    let order = [
      "id=\"matrix\"", "mean of 7 sets", "chose the checkpoint", "id=\"answer\"", "id=\"sure\"",
      "Simultaneous 95 % interval", "p (Holm)", "To be known first", "What cannot be concluded", "id=\"settle\"",
      "Seeds to show 0.5", "id=\"curves\"", "by seed", "Dev Spearman", "Training loss",
      "Alignment against uniformity", "id=\"unfinished\"", "id=\"more\"", "id=\"sets\"", "id=\"runs\"",
      "Mean logit of mixed negatives", "id=\"shadows\"", "hard.negatives: cosine", "id=\"record\"",
      "--seeds 42,43,44", "sha256",
    ]
    var rest = page[...]
    for part in order {
      let found = try #require(rest.range(of: part), "\(part) is missing or out of place")
      rest = rest[found.upperBound...]
    }
    for words in ["no difference shown", "better", "worse", "prefers-color-scheme: dark", "@media print"] {
      #expect(page.contains(words), "\(words)")
    }
    #expect(page.contains("&lt;of &#39;infonce&#39;&gt;") && page.contains("&#39;my sentences.txt&#39;"))
    #expect(page.utf8.count < 1_500_000)
  }

  @Test("names with markup, quotes and line breaks stay text")
  func markupInNamesStaysText() throws {
    let name = "</title><script>alert('1')</script>\"&\u{1B}[31m,\n\u{202E}]]>"
    var sample = SampleComparison(labels: ["a", name], pairs: 40, steps: 20)
    sample.metrics = ["STS \(name)"]
    var results = sample.results()
    results.runs[3].outcome = .failed(reason: name)
    results.runs[3].scores = []
    results.record[name] = .object(JSONObject([(name, .string(name))]))
    for index in results.runs.indices {
      for line in results.runs[index].curve.indices {
        results.runs[index].curve[line].values["shadow.\(name).loss"] = 1
      }
    }
    let found = try ReportFiles(results)
    #expect(!found.page.contains("<script"))
    for text in [found.page, found.table] {
      #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" })
      #expect(text.contains("\\u{1B}[31m,") && text.contains("\\u{202E}]]"))
    }
    let lines = csvRecords(found.csv)
    #expect(lines.allSatisfy { $0.count == 10 } && lines.count == 7)
    #expect(lines[4][1] == name && lines[4][9] == name)
  }

  @Test("small and broken comparisons", arguments: [1, 2, 12])
  func shapes(strategies: Int) throws {
    for (seeds, isFailed, hasScores) in [
      ([UInt64.max], false, true), ([1, 2], true, true), ([1, 2], false, false), ([1, 2], false, true),
    ] {
      var sample = SampleComparison(labels: (0..<strategies).map { "strategy \($0)" }, pairs: 30, steps: 30)
      sample.seeds = seeds
      sample.metrics = hasScores ? ["pairs.tsv"] : []
      sample.hasFailures = false
      var results = sample.results()
      if isFailed {
        for index in results.runs.indices {
          results.runs[index].outcome = .failed(reason: "no")
          results.runs[index].scores = []
          results.runs[index].curve = []
        }
      }
      let kind = isFailed ? "failed" : hasScores ? "scored" : "unscored"
      let found = try ReportFiles(results, keptAs: "\(strategies)-strategies-\(seeds.count)-seeds-\(kind)")
      #expect(!found.page.contains("nan") && !found.page.contains("inf "))
      #expect(found.table.split(separator: "\n").allSatisfy { $0.count <= VerdictTable.width }, "\(found.table)")
      #expect(csvRecords(found.csv).count == 1 + strategies * seeds.count)
      let isCompared = hasScores && !isFailed
      #expect(found.page.contains("nothing can be said") == !isCompared)
      #expect(found.table.contains("nothing is compared") == !isCompared)
      if isCompared, strategies > 1, seeds.count == 1 {
        #expect(found.page.contains("over pairs only"))
        #expect(found.page.contains("no claim about the methods is possible"))
      }
    }
  }

  @Test("results.json and results.csv hold the numbers, and no list of pairs")
  func data() throws {
    let results = SampleComparison(pairs: 60, steps: 20).results()
    let found = try ReportFiles(results)
    let metrics = try #require(found.json.object?["metrics"]?.array)
    #expect(metrics.count == 9)
    let comparison = try #require(metrics[0].object?["comparisons"]?.array?.first?.object)
    #expect(metrics[0].object?["kind"] == .string("mean") && metrics[8].object?["kind"] == .string("dev"))
    #expect(metrics.map { $0.object?["decides"]?.bool } == [true] + Array(repeating: false, count: 8))
    for key in [
      "verdict", "difference", "interval", "interval90", "simultaneousInterval", "simultaneousLevel", "pValue",
      "correctedPValue", "noDifferenceLargerThan", "seedsToShow", "variance",
    ] {
      #expect(comparison[key] != nil && comparison[key] != .null, "\(key)")
    }
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    #expect(comparison["difference"]?.double == analysis.metrics[0].comparisons[0].mean)
    #expect(!found.json.text().contains("predicted"))
    let lines = csvRecords(found.csv)
    #expect(lines[0].joined(separator: " ") == "strategy label seed outcome metric pairs value seconds folder reason")
    let first = try #require(lines.first { $0[1] == "mixcse" && $0[2] == "43" && $0[4] == "STS13" })
    #expect(Double(first[6]) == analysis.metrics[2].summaries[1].scores[1])
    #expect(lines.count { $0[3] == "failed" } == 1 && lines.count { $0[3] == "dropped" } == 1)
    let runs = try #require(found.json.object?["runs"]?.array)
    #expect(runs.count == 15 && runs[14].object?["reason"]?.string?.contains("not finite") == true)
  }

  @Test("the terminal's table")
  func table() throws {
    let text = try ReportFiles(SampleComparison().results()).table
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    #expect(lines[0].hasPrefix("Spearman x 100, mean over 3 seeds; beside it the difference to simcse"))
    let place = try #require(lines.firstIndex(of: "mean of 7 sets, 2100 pairs (Spearman x 100): decides"))
    let head = try #require(lines[place...].first { $0.contains("mean +- sd") })
    #expect(head.contains("simultaneous 95 %") && head.contains("verdict"))
    #expect(lines.allSatisfy { $0.count <= VerdictTable.width && !$0.hasSuffix(" ") })
    #expect(text.contains("failed: the loss is not finite") && text.contains("dropped after step 100"))
    #expect(head.contains("none above") && text.contains("not tested"))
    let said = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for words in [
      "the interval holds for all 4 comparisons at once, p and verdict by Holm",
      "12 of the 300 pairs of STS-B dev, by which each run chose its checkpoint, stand in the test data",
      "With two common seeds nothing under about", "differences of those that stayed are biased upwards",
    ] { #expect(said.contains(words), "\(words)\n\(text)") }
  }

  @Test("earlier looks, other references and unfinished runs are said everywhere")
  func history() throws {
    var results = SampleComparison(labels: ["a", "b", "c"], pairs: 60, steps: 20).results()
    var family = Family(comparisons: 2)
    (family.comparisons, family.earlierReferences, family.earlierStrategies) = (6, ["d"], ["d"])
    for index in family.looks.indices {
      (family.looks[index].number, family.looks[index].earlier) = (2, [[42, 43]])
    }
    results.family = family
    let found = try ReportFiles(results)
    let document = try #require(found.json.object?["family"]?.object)
    #expect(document["comparisons"] == .integer(6) && document["isAllPairs"] == .bool(true))
    #expect(document["looks"]?.array?.first?.object?["levelDividedBy"] == .integer(8))
    let notes = found.json.object?["notes"]?.array?.compactMap(\.string) ?? []
    let said = found.table.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for words in [
      "look 2 of 1 planned at these verdicts, after 2 seeds (42, 43): the level is 5 % / 8",
      "compared with d before", "all 6 pairs are corrected for", "still corrected for: d.",
    ] {
      #expect(found.page.contains(words) && said.contains(words) && notes.contains { $0.contains(words) }, "\(words)")
    }
    results.runs[0].outcome = .unfinished
    let waiting = try ReportFiles(results)
    #expect(waiting.table.contains("1 of 9 runs are still to come") && waiting.page.contains("still to come"))
    for metric in waiting.json.object?["metrics"]?.array ?? [] {
      for item in metric.object?["comparisons"]?.array ?? [] {
        #expect(item.object?["pValue"] == .null && item.object?["verdict"] == .string("no claim possible"))
      }
    }
  }

  @Test("what seeds could show, before any run and with the spread of runs")
  func detection() {
    var results = SampleComparison(labels: ["a", "b", "c"], pairs: 60, steps: 0).results()
    results.detect = 0.25
    let known = DetectionText.text(results, ComparisonAnalysis(results, pool: ThreadPool(threads: 1)))
    #expect(known.hasPrefix("To show a difference of 0.25 at the level 0.05 / 2 on mean of 7 sets, with the spread"))
    #expect(known.contains("  b, by 3 seeds: ") && known.contains("; 3 seeds show "), "\(known)")
    for index in results.runs.indices { results.runs[index].outcome = .unfinished }
    let assumed = DetectionText.text(results, ComparisonAnalysis(results, pool: ThreadPool(threads: 1)))
    #expect(assumed.contains("that are assumed") && assumed.contains("  deviation 0.2: "), "\(assumed)")
    // 0.2 between seeds and 0.1 of the pairs: from one comparison, five seeds show 0.43 with 80 per cent.
    results.strategies.removeLast()
    results.runs.removeLast(3)
    results.seeds = [1, 2, 3, 4, 5]
    let one = DetectionText.text(results, ComparisonAnalysis(results, pool: ThreadPool(threads: 1)))
    #expect(one.contains("at the level 0.05 / 1") && one.contains("5 seeds show 0.4"), "\(one)")
  }

  // MARK: - Checks

  /// Records of RFC 4180, read back.
  private func csvRecords(_ text: String) -> [[String]] {
    var (records, record, field, isQuoted) = ([[String]](), [String](), "", false)
    let scalars = Array(text.unicodeScalars)
    var i = 0
    while i < scalars.count {
      let scalar = scalars[i]
      if isQuoted {
        if scalar == "\"", i + 1 < scalars.count, scalars[i + 1] == "\"" {
          field.unicodeScalars.append(scalar)
          i += 1
        } else if scalar == "\"" {
          isQuoted = false
        } else {
          field.unicodeScalars.append(scalar)
        }
      } else if scalar == "\"" {
        isQuoted = true
      } else if scalar == "," {
        record.append(field)
        field = ""
      } else if scalar == "\r", i + 1 < scalars.count, scalars[i + 1] == "\n" {
        records.append(record + [field])
        (record, field) = ([], "")
        i += 1
      } else {
        field.unicodeScalars.append(scalar)
      }
      i += 1
    }
    return records
  }
}
