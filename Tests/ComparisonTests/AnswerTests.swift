// The question a comparison answers: which metric decides, all pairs, before and after, and the table of a paper.

import Comparison
import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("the answer of a comparison")
struct AnswerTests {
  private let pool = ThreadPool(threads: 2)

  /// The seven STS sets by the names of real reports.
  private func sample(_ labels: [String] = ["simcse", "mixcse", "mixcse:lambda=0.5"]) -> ComparisonResults {
    var sample = SampleComparison(labels: labels, pairs: 80, steps: 20, hasFailures: false, hasShadows: false)
    sample.metrics = ["STS-B dev"] + MeanMetric.stsSets
    return sample.results()
  }

  // MARK: - Which metric decides

  @Test("the mean of the seven sets has its name; of fewer sets another; a measure never mixes with the other")
  func means() {
    func usual(_ sets: [String], _ tasks: [String] = []) -> [String] {
      MeanMetric.usual(sets.map { ($0, .spearman) } + tasks.map { ($0, .accuracy) }).map(\.name)
    }
    #expect(usual(MeanMetric.stsSets) == ["STS mean"] && usual(MeanMetric.stsSets + ["own.tsv"]) == ["STS mean"])
    #expect(usual(["STS12", "STS13"]) == ["mean of 2 sets"] && usual(["STS12"]).isEmpty)
    #expect(usual(MeanMetric.stsSets, MeanMetric.transferTasks) == ["STS mean", "transfer mean"])
    #expect(usual(["a"], ["MR", "CR"]) == ["mean of 2 tasks"])
    #expect(MeanMetric.members(" mean( STS12, STS13 )") == ["STS12", "STS13"] && MeanMetric.members("STS12") == nil)
  }

  @Test("the mean decides, or what was named; the report says so")
  func deciding() throws {
    var results = sample()
    let usual = ComparisonAnalysis(results, pool: pool)
    #expect(usual.metrics.map(\.metric) == ["STS mean"] + MeanMetric.stsSets + ["STS-B dev"])
    #expect(usual.metrics[0].decides && usual.metrics[0].kind == .mean)
    results.means = [MeanMetric(name: "mean(STS12,STS-B)", sets: ["STS12", "STS-B"])]
    results.decideBy = "mean(STS12,STS-B)"
    let named = ComparisonAnalysis(results, pool: pool)
    #expect(named.metrics[0].metric == "mean(STS12,STS-B)" && named.metrics[0].decides)
    #expect(named.metrics.count { $0.decides } == 1 && named.metrics[1].metric == "STS mean")
    for strategy in results.strategies.indices {
      let of = { (name: String) in named.metrics.first { $0.metric == name }?.summaries[strategy].mean ?? .nan }
      #expect(isClose(of("mean(STS12,STS-B)"), (of("STS12") + of("STS-B")) / 2, relative: 1e-12))
    }
    results.decideBy = "STS-B"
    let single = ComparisonAnalysis(results, pool: pool)
    #expect(single.metrics[0].metric == "STS-B" && single.metrics[0].comparisons[0].correctedPValue != nil)
    #expect(VerdictTable.text(results, single).contains("note: STS-B decides, as was said before the comparison."))
  }

  @Test("another metric that decides is one more chance for each comparison")
  func looksByMetric() throws {
    func entry(_ metric: String?, all: Bool = false) -> LookRecord.Entry {
      LookRecord.Entry(
        conditions: "c", planned: 1, seeds: [1, 2, 3],
        strategies: ["a", "b", "c"].map { LookRecord.Strategy(label: $0, key: $0) }, metric: metric, isAgainstAll: all)
    }
    var record = LookRecord()
    record.add(entry("STS mean"))
    #expect(record.family(of: entry("STS mean")).comparisons == 2)
    let other = record.family(of: entry("STS-B"))
    #expect(other.comparisons == 4 && other.earlierMetrics == ["STS mean"] && other.looks.allSatisfy { $0.number == 1 })
    // All pairs, now or before.
    #expect(record.family(of: entry("STS mean", all: true)).comparisons == 3)
    #expect(record.family(of: entry("STS mean", all: true)).looks.count == 3)
    record.add(entry("STS mean", all: true))
    #expect(record.family(of: entry("STS mean")).comparisons == 3)
    // The file keeps both, and a file of an earlier version has neither.
    let folder = NSTemporaryDirectory() + "looks-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    record.add(entry(nil))
    try record.write(to: folder)
    #expect(try LookRecord(folder: folder) == record)
  }

  // MARK: - All pairs

  @Test("against all: every pair, corrected for every pair, the same numbers where the first is one of them")
  func againstAll() {
    var results = sample(["a", "b", "c", "d"])
    let first = ComparisonAnalysis(results, pool: pool)
    results.isAgainstAll = true
    let all = ComparisonAnalysis(results, pool: pool)
    #expect(all.family.comparisons == 6 && all.metrics[0].comparisons.count == 6)
    for strategy in 1..<4 {
      let (a, b) = (first.metrics[0].comparison(of: strategy), all.metrics[0].comparison(of: strategy))
      #expect(a?.differences == b?.differences && a?.pValue == b?.pValue)
      #expect((b?.simultaneousLevel ?? 1) == 0.05 / 6)
    }
    for item in all.metrics[0].comparisons where item.against > 0 {
      let scores = all.metrics[0].summaries
      let expected = zip(scores[item.strategy].scores, scores[item.against].scores).map { $0 - $1 }
      #expect(item.differences == expected)
    }
    let said = VerdictTable.text(results, all)
    #expect(said.contains("d - c") && said.contains("c - b") && !said.contains("a - b"))
    #expect(all.metrics[0].comparison(of: 0) == nil)
  }

  // MARK: - Before training

  @Test("the model before training has a row everywhere, and a warning where training made it worse")
  func before() throws {
    var results = sample()
    results.before = results.strategies.map { _ in results.runs[0].scores }
    let analysis = ComparisonAnalysis(results, pool: pool)
    // The reference's first run is the model before training here, so its score is known.
    for metric in analysis.metrics { #expect(metric.before == metric.summaries[0].scores[0]) }
    let document = ComparisonReport.json(results, analysis)
    let json = try #require(document.object?["metrics"]?.array?.first?.object)
    #expect(json["before"]?.double == analysis.metrics[0].summaries[0].scores[0])
    #expect(ScoreMatrix(results, analysis).text(.csv).contains("before training,"))
    // A model that is all but perfect before training.
    results.before = results.before.map { scores in
      scores.map { PairScores(metric: $0.metric, gold: $0.gold, predicted: $0.gold) }
    }
    let worse = ComparisonAnalysis(results, pool: pool)
    let said = VerdictTable.text(results, worse).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(said.contains("Training made the model worse on STS mean: simcse (100.00 before,"), "\(said)")
    #expect(!VerdictTable.text(results, analysis).contains("worse on STS mean: simcse, mixcse"))
    // Different beginnings are different rows.
    results.before[1] = []
    results.before[2] = results.runs[0].scores
    let rows = ScoreMatrix(results, ComparisonAnalysis(results, pool: pool)).text(.csv).split(separator: "\r\n")
    #expect(rows[1].hasPrefix("before training (simcse),") && rows[2].hasPrefix("before training (mixcse:lambda=0.5),"))
  }

  // MARK: - The table

  @Test("the matrix as text, Markdown, LaTeX and CSV: the same numbers, special characters as themselves")
  func matrix() throws {
    var results = sample(["simcse", "a_b|c", "50%&x"])
    results.before = results.strategies.map { _ in results.runs[0].scores }
    let analysis = ComparisonAnalysis(results, pool: pool)
    let matrix = ScoreMatrix(results, analysis)
    let (markdown, latex, csv) = (matrix.text(.markdown), matrix.text(.latex), matrix.text(.csv))
    let mean = try #require(analysis.metrics[0].summaries[1].mean)
    let difference = try #require(analysis.metrics[0].comparison(of: 1)?.mean)
    let score = String(format: "%.2f", mean)
    #expect(markdown.contains("| a\\_b\\|c | \(score) \u{B1} "))
    #expect(latex.contains("a\\_b\\textbar{}c & \(score)$_{\\pm") && latex.contains("50\\%\\&x & "))
    #expect(csv.contains("\r\na_b|c,\(mean),"))
    #expect(markdown.contains(String(format: "(%+.2f)", difference)) || markdown.contains("**"))
    #expect(latex.contains("\\begin{tabular}{lrrrrrrrrr}") && latex.hasSuffix("\\end{tabular}"))
    #expect(markdown.split(separator: "\n").prefix(6).allSatisfy { $0.count { $0 == "|" } >= 11 })
    // What is shown is marked in each.
    let isShown = analysis.metrics.contains { $0.comparisons.contains { [.better, .worse].contains($0.verdict) } }
    #expect(isShown == markdown.contains("(**") && isShown == latex.contains("\\mathbf"))
  }

  @Test("no label is ever cut, whatever the width", arguments: [40, 60, 80, 100, 120, 160])
  func widths(_ width: Int) {
    let labels = (1...3).map {
      "infonce+mixcse:lambda=0.\($0)+queue:size=65536 learning-rate=3e-5 pooler=avg_first_last"
    }
    var results = sample(["simcse"] + labels)
    results.before = results.strategies.map { _ in results.runs[0].scores }
    let text = VerdictTable.text(results, ComparisonAnalysis(results, pool: pool), width: width)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    if width >= 100 { for label in labels { #expect(lines.contains { $0.contains(label) }, "\(label)\n\(text)") } }
    let joined = text.filter { !$0.isWhitespace }
    for label in labels { #expect(joined.contains(label.filter { !$0.isWhitespace }), "\(label)") }
    #expect(!text.contains("..."))
    let longest = labels[0].count + 2
    for line in lines { #expect(line.count <= max(width, longest), "\(line.count): \(line)") }
  }

  // MARK: - Transfer tasks

  @Test("an accuracy's interval is that of a share: over samples, the difference of two classifiers on the same ones")
  func accuracy() throws {
    let count = 400
    func right(_ seed: Int, _ strategy: Int) -> [Bool] {
      (0..<count).map { ($0 * 7919 + seed * 104_729 + strategy * 31) % 100 < 70 + 4 * strategy }
    }
    var results = ComparisonResults(
      strategies: ["a", "b"].map { ComparedStrategy(label: $0, text: $0, canonical: $0) }, seeds: [1, 2, 3], runs: [],
      commandLine: [], record: .init())
    for strategy in 0..<2 {
      for seed in 1...3 {
        results.runs.append(
          ComparedRun(
            strategy: strategy, seed: UInt64(seed), outcome: .finished, folder: "",
            scores: [PairScores(metric: "MR", isRight: right(seed, strategy))]))
      }
    }
    results.sets = [
      ComparedSet(
        metric: "MR", isDev: false, measure: .accuracy,
        sentences: (0..<count).map { SentencePair(first: $0, second: $0) })
    ]
    let metric = try #require(ComparisonAnalysis(results, pool: pool).metrics.first)
    #expect(metric.measure == .accuracy && metric.decides)
    for seed in 1...3 {
      let share = 100 * Double(right(seed, 0).count(where: \.self)) / Double(count)
      #expect(isClose(metric.summaries[0].scores[seed - 1], share, relative: 1e-12))
    }
    // By hand: the variance that pairs share is the mean covariance of the seeds' differences over samples.
    let differences = (1...3).map { seed in
      zip(right(seed, 1), right(seed, 0)).map { Double($0 ? 1 : 0) - Double($1 ? 1 : 0) }
    }
    func covariance(_ a: [Double], _ b: [Double]) -> Double {
      let (meanA, meanB) = (a.reduce(0, +) / Double(count), b.reduce(0, +) / Double(count))
      let sum = zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) }
      return 10_000 * sum / Double(count) / Double(count - 1)
    }
    let pairs = [(0, 1), (0, 2), (1, 2)].map { covariance(differences[$0.0], differences[$0.1]) }.reduce(0, +) / 3
    let spread = try #require(metric.comparisons[0].spread)
    #expect(isClose(spread.pairs, max(0, pairs), relative: 1e-9), "\(spread.pairs), \(pairs)")
    #expect(VerdictTable.text(results, ComparisonAnalysis(results, pool: pool)).contains("accuracy in per cent"))
  }
}
