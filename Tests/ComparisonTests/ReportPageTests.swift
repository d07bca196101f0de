// What a reader of report.html finds: the table above all, the answer in sentences, colours that stay, a parameter
// against the score. Tests/Interop/check_report.py looks at the same pages in a browser.

import Comparison
import Files
import Foundation
import Kernels
import TestSupport
import Testing
import Training

@Suite("page of a comparison")
struct ReportPageTests {
  private func sample(_ labels: [String], seeds: [UInt64] = [42, 43, 44]) -> ComparisonResults {
    SampleComparison(
      labels: labels, seeds: seeds, pairs: 60, steps: 50, hasFailures: false, hasShadows: false, hasBefore: true
    ).results()
  }

  /// simcse, and mixcse with every value of lambda and, where there are some, of the learning rate.
  private func grid(_ lambdas: [String], rates: [String] = []) -> ComparisonResults {
    let points = lambdas.flatMap { lambda in (rates.isEmpty ? [""] : rates).map { (lambda, $0) } }
    let labels = points.map { "mixcse:lambda=\($0)" + ($1.isEmpty ? "" : " learning-rate=\($1)") }
    var results = sample(["simcse"] + labels)
    for (index, (lambda, rate)) in points.enumerated() {
      results.strategies[index + 1].canonical = "sampler:mixcse:lambda=\(lambda) loss:infonce:temperature=0.05"
      results.strategies[index + 1].values =
        [
          StrategyValue(name: "mixcse.lambda", text: lambda), StrategyValue(name: "infonce.temperature", text: "0.05"),
        ] + (rate.isEmpty ? [] : [StrategyValue(name: "learning-rate", text: rate)])
    }
    return results
  }

  // MARK: - The top

  @Test("the title says model and strategies, the facts data, seeds, date, duration and version")
  func header() throws {
    let page = try ReportFiles(sample(["simcse", "mixcse", "ours"])).page
    #expect(page.contains("<title>mixcse and ours against simcse on all-MiniLM-L6-v2</title>"))
    let header = try #require(page.firstMatch(of: /<header>[\s\S]*<\/header>/)).output
    let said = ReportFiles.read(String(header))
    for words in [
      "mixcse and ours against simcse on all-MiniLM-L6-v2", "Model all-MiniLM-L6-v2", "Data my sentences.txt",
      "Seeds 42, 43, 44", "Runs 9 of 9 finished", "Made 2026-01-31 12:00 UTC", "Training time 11 min in all",
      "mixcse 0.9.0",
    ] { #expect(said.contains(words), "\(words): \(said)") }
    let many = try ReportFiles(sample((0..<5).map { "a strategy with a name that is long, \($0)" })).page
    #expect(many.contains("<title>a strategy with a name that is long, 1 and 3 more against a strategy with"))
    var bare = sample(["a", "b"])
    bare.record = JSONObject([])
    #expect(try ReportFiles(bare).page.contains("<title>b against a</title>"))
  }

  @Test("strategies by sets above all else: the scores before training, differences, bold where shown")
  func matrix() throws {
    let results = sample(["simcse", "mixcse", "mixcse:lambda=0.5", "ours"])
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    let files = try ReportFiles(results)
    let matrix = try files.section("matrix")
    #expect(files.page.firstRange(of: "<h2 ")?.lowerBound == files.page.range(of: "<h2 id=\"matrix\"")?.lowerBound)
    let rows = matrix.split(separator: "<tr").map { ReportFiles.read("<tr" + $0) }
    #expect(rows[1].hasPrefix("Strategy mean of 7 sets decides STS12"), "\(rows[1])")
    #expect(rows[1].hasSuffix("STS-B dev chose the checkpoint"), "\(rows[1])")
    #expect(rows[2].hasPrefix("before training \(fixed(try #require(analysis.metrics[0].before), 2)) "), "\(rows[2])")
    #expect(rows.count == 7 && rows[3].hasPrefix("simcse "))
    var shown = 0
    for metric in analysis.metrics {
      for item in metric.comparisons {
        let isShown = [.better, .worse].contains(item.verdict)
        shown += isShown ? 1 : 0
        let text = String(format: "%+.2f", item.mean ?? 0).replacing("-", with: "\u{2212}")
        #expect(matrix.contains(isShown ? "\(item.verdict.rawValue)\">\(text)</b>" : ">\(text)</span>"), "\(text)")
      }
    }
    #expect(shown > 0 && matrix.count(of: "<b ") == shown)
    #expect(matrix.contains("mixcse:<wbr>lambda=0.5"))
  }

  @Test("the answer has numbers; what holds for all is said once")
  func answer() throws {
    let results = sample(["simcse", "mixcse", "ours"])
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    let answer = ReportFiles.read(try ReportFiles(results).section("answer"))
    let item = try #require(analysis.metrics[0].comparisons.first)
    let range = try #require(item.simultaneousInterval)
    let ends = [range.lowerBound, range.upperBound].map {
      String(format: "%+.2f", $0).replacing("-", with: "\u{2212}")
    }
    let sentence =
      "mixcse is \(item.verdict.rawValue) than simcse by \(fixed(abs(item.mean ?? 0), 2)) on mean of 7 sets "
      + "(simultaneous 95 % interval \(ends[0]) to \(ends[1]))."
    #expect(answer.contains(sentence), "\(sentence)\n\(answer)")
    #expect(answer.contains("Before training the model scored \(fixed(analysis.metrics[0].before ?? 0, 2)) on"))

    let one = try ReportFiles(sample(["simcse", "mixcse", "ours"], seeds: [7]))
    #expect(one.page.count(of: "no claim about the methods is possible") == 1)
    #expect(!one.page.contains("no claim possible") && one.page.contains("over pairs only"))
    #expect(try one.section("answer").contains("only 1 seed"))
    #expect(ReportFiles.read(try one.section("settle")).contains("At least two seeds in common with simcse"))

    let equal = try ReportFiles(sample((0..<12).map { _ in "s" }.enumerated().map { "\($1)\($0)" }))
    #expect(try equal.section("answer").contains("others: "))
  }

  @Test("what it takes to settle it, and what has been settled")
  func settle() throws {
    let results = sample(["simcse", "mixcse", "ours"])
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    let open = analysis.metrics[0].comparisons.filter { $0.verdict == .noDifferenceShown }
    let settle = ReportFiles.read(try ReportFiles(results).section("settle"))
    for item in open { #expect(settle.contains(results.strategies[item.strategy].label)) }
    #expect(open.isEmpty == settle.contains("Nothing: every difference"))
    var waiting = results
    waiting.runs[0].outcome = .unfinished
    #expect(try ReportFiles(waiting).section("settle").contains("still to come"))
  }

  // MARK: - Colours

  @Test("a strategy keeps its colour in another place and in other company; within a page all differ")
  func colors() throws {
    let usual = try ReportFiles(sample(["simcse", "mixcse", "ours"])).colors()
    let turned = try ReportFiles(sample(["ours", "simcse", "mixcse"])).colors()
    #expect(usual.count == 3 && usual == turned && Set(usual.values).count == 3)
    let alone = try ReportFiles(sample(["mixcse", "other"])).colors()
    #expect(alone["mixcse"] == usual["mixcse"])
    let many = try ReportFiles(sample((0..<10).map { "strategy \($0)" })).colors()
    #expect(Set(many.values).count == 10)
    // More than there are colours: dashes and marks differ.
    let page = try ReportFiles(sample((0..<24).map { "strategy \($0)" })).page
    let legend = try #require(page.firstMatch(of: /<ul class="legend">[\s\S]*?<\/ul>/)).output
    let keys = legend.matches(of: /<svg[\s\S]*?<\/svg>/).map(\.output)
    #expect(keys.count == 24 && Set(keys).count == 24)
  }

  // MARK: - Pairs, values, choices

  @Test("all pairs where all are compared, folded away where they are many")
  func pairs() throws {
    var results = sample((0..<4).map { "s\($0)" })
    #expect(try !ReportFiles(results).page.contains("id=\"pairs\""))
    results.isAgainstAll = true
    let few = try ReportFiles(results, keptAs: "all-pairs")
    let pairs = ReportFiles.read(try few.section("sure"))
    #expect(few.page.contains("<details id=\"pairs\" open=\"\">") && pairs.contains("All 6 pairs on mean of 7 sets"))
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    for item in analysis.metrics[0].comparisons {
      let text = String(format: "%+.2f", item.mean ?? 0).replacing("-", with: "\u{2212}")
      #expect(pairs.contains("s\(item.strategy) minus s\(item.against) \(text) "), "\(text): \(pairs)")
    }
    var many = sample((0..<7).map { "s\($0)" })
    many.isAgainstAll = true
    #expect(try ReportFiles(many).page.contains("<details id=\"pairs\"><summary>All 21 pairs"))
  }

  @Test("a parameter against the score: a line for each group that differs in nothing else")
  func parameters() throws {
    #expect(try !ReportFiles(sample(["a", "b", "c"])).page.contains("id=\"parameters\""))
    let results = grid(["0.1", "0.2", "0.4"])
    let one = try ReportFiles(results).section("parameters")
    let analysis = ComparisonAnalysis(results, pool: ThreadPool(threads: 1))
    #expect(one.count(of: "<figure>") == 1 && !one.contains("log scale") && one.count(of: " mark\"") == 3)
    #expect(one.count(of: " bar\"") == 3 && one.contains("simcse</text>"))
    for strategy in 1...3 {
      let summary = analysis.metrics[0].summaries[strategy]
      let score = "\(fixed(try #require(summary.mean), 2)) \u{B1} \(fixed(try #require(summary.deviation), 2))"
      #expect(one.contains("<title>\(results.strategies[strategy].label): \(score)</title>"))
    }

    let files = try ReportFiles(grid(["0.1", "0.2", "0.4"], rates: ["1e-6", "1e-5", "1e-4"]), keptAs: "grid")
    let both = try files.section("parameters")
    #expect(both.count(of: "<figure>") == 2 && both.count(of: "learning-rate (log scale)") == 1)
    let legends = both.matches(of: /<ul class="legend">[\s\S]*?<\/ul>/).map { ReportFiles.read(String($0.output)) }
    #expect(
      legends == [
        "mixcse learning-rate=1e-6 mixcse learning-rate=1e-5 mixcse learning-rate=1e-4",
        "mixcse:lambda=0.1 mixcse:lambda=0.2 mixcse:lambda=0.4",
      ], "what is the same within a line")
    #expect(both.count(of: " mark\"") == 2 * (9 + 3))
    // A logarithm puts the middle one of three rates in the middle.
    let chart = try #require(both.range(of: "learning-rate against"))
    let places = both[chart.upperBound...].matches(of: /<text x="([0-9.]+)"[^>]*class="middle">1e-[0-9]</)
      .compactMap { Double($0.output.1) }
    #expect(places.count == 3 && isClose(places[0] + places[2], 2 * places[1], relative: 1e-3), "\(places)")

    // Other parts, or a second difference: nothing to draw.
    var apart = grid(["0.1", "0.2"])
    apart.strategies[2].canonical = "sampler:mixcse:lambda=0.2 loss:other"
    #expect(try !ReportFiles(apart).page.contains("id=\"parameters\""))
    apart = grid(["0.1", "0.2"])
    apart.strategies[2].values[1].text = "0.1"
    #expect(try !ReportFiles(apart).page.contains("id=\"parameters\""))
  }

  @Test("values that were chosen by dev: what was tried, and the best")
  func choices() throws {
    var results = sample(["simcse", "mixcse"])
    #expect(try !ReportFiles(results).page.contains("id=\"tuning\""))
    results.choices = ["simcse", "mixcse"].enumerated().map { index, label in
      TuningChoice(
        label: label,
        candidates: ["1e-5", "3e-5", "5e-5"].enumerated().map { place, rate in
          TuningChoice.Candidate(
            values: [Variation.Value(name: "learning-rate", text: rate)],
            score: index == 1 && place == 2 ? nil : 80 + Double((index + place) % 3))
        })
    }
    let tuning = ReportFiles.read(try ReportFiles(results, keptAs: "tuned").section("tuning"))
    #expect(tuning.contains("Strategy learning-rate=1e-5 learning-rate=3e-5 learning-rate=5e-5"))
    #expect(tuning.contains("simcse 80.00 81.00 82.00 chosen"), "\(tuning)")
    #expect(tuning.contains("mixcse 81.00 82.00 chosen failed"), "\(tuning)")
  }

  // MARK: - Curves and runs

  @Test("curves begin before training; losses are said to be incomparable; points say their numbers")
  func curves() throws {
    let files = try ReportFiles(sample(["simcse", "mixcse"]))
    let curves = try files.section("curves")
    #expect(curves.contains("before training</text>") && curves.contains("not comparable with each other"))
    #expect(curves.contains("<title>mixcse, step 50: "))
    #expect(curves.contains("<title>mixcse, seed 43: "))
    #expect(try !ReportFiles(sample(["simcse"])).page.contains("not comparable with each other"))
  }

  @Test("runs are linked to their folders beside the report, and to nothing else")
  func links() throws {
    var results = sample(["a", "b"], seeds: [1, 2])
    results.runs[1].folder = "/far/out/runs/a&b-seed2"
    results.runs[2].folder = "/elsewhere/b-seed1"
    let page = try ReportFiles(results).page
    let links = page.matches(of: /href="([^"]*)"/).map { String($0.output.1) }
    #expect(links == ["runs/0-seed1/", "runs/a%26b-seed2/", "runs/1-seed2/"], "\(links)")
    #expect(page.contains("<code>/elsewhere/b-seed1</code>"))
  }

  @Test("reports of many strategies, to be looked at")
  func many() throws {
    for count in [2, 12] {
      let long = (2..<12).map { "mixcse:lambda=0.\($0),normalise=true+queue:size=\(128 * $0)" }
      let labels = ["simcse", "mixcse"] + long
      var sample = SampleComparison(labels: Array(labels.prefix(count)))
      (sample.hasBefore, sample.hasFailures) = (true, count > 2)
      let files = try ReportFiles(sample.results(), keptAs: "\(count)-strategies-in-full")
      #expect(files.page.utf8.count < 2_500_000)
    }
  }
}

extension String {
  fileprivate func count(of part: String) -> Int { ranges(of: part).count }
}
