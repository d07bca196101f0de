// Alignment, uniformity, anisotropy, effective rank, eigenvalues and intervals against PyTorch, NumPy and SciPy
// (Tests/Fixtures/evaluation/make_protocol_fixture.py).

import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("space of embeddings")
struct SpaceTests {
  struct Fixture: Decodable {
    var x: [Float]
    var width: Int
    var gold: [Double]
    var alignment, uniformity, meanCosine, effectiveRank: Double
    var alignmentPairs: Int
    var eigenvalues, interval: [Double]
  }

  let fixture: Fixture
  let task: STSTask
  let table: SentenceTable

  init() throws {
    let path = Resources.fixture("evaluation/space.json")
    let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let count = fixture.gold.count
    let set = PairSet(
      name: "s", first: (0..<count).map { "\($0)" }, second: (count..<2 * count).map { "\($0)" }, gold: fixture.gold)
    self.fixture = fixture
    task = STSTask(name: "space", subsets: [set])
    table = SentenceTable.make(set.sentences) { name in
      let row = Int(name) ?? 0
      // Lengths must not matter.
      return fixture.x[(row * fixture.width)..<((row + 1) * fixture.width)].map { $0 * Float(1 + row) }
    }
  }

  @Test("figures as PyTorch's and NumPy's, of unit vectors", arguments: [1, 2])
  func figures(threads: Int) throws {
    let space = try #require(SpaceStatistics(task, table, pool: ThreadPool(threads: threads)))
    #expect(abs((space.alignment ?? 0) - fixture.alignment) < 1e-5 && space.alignmentPairs == fixture.alignmentPairs)
    #expect(abs(space.uniformity - fixture.uniformity) < 1e-5)
    #expect(abs(space.meanCosine - fixture.meanCosine) < 1e-5)
    #expect(abs(space.effectiveRank - fixture.effectiveRank) < 1e-3)
    #expect(space.sentences == 40 && space.width == 12)
  }

  @Test("a sentence that occurs twice counts once; a pair with gold 4 is no positive")
  func conventions() throws {
    let once = try #require(SpaceStatistics(task, table, pool: ThreadPool(threads: 1)))
    var doubled = task
    doubled.subsets += task.subsets
    var twice = try #require(SpaceStatistics(doubled, table, pool: ThreadPool(threads: 1)))
    #expect(twice.alignmentPairs == 2 * once.alignmentPairs)
    twice.alignmentPairs = once.alignmentPairs
    #expect(abs((twice.alignment ?? 0) - (once.alignment ?? 1)) < 1e-12)
    twice.alignment = once.alignment
    #expect(twice == once)
    let four = STSTask(name: "four", subsets: [PairSet(name: "f", first: ["0"], second: ["1"], gold: [4])])
    #expect(try #require(SpaceStatistics(four, table, pool: ThreadPool(threads: 1))).alignment == nil)
    let single = STSTask(name: "one", subsets: [PairSet(name: "f", first: ["0"], second: ["0"], gold: [5])])
    #expect(SpaceStatistics(single, table, pool: ThreadPool(threads: 1)) == nil)
  }

  @Test("a collapsed space: uniformity 0, mean cosine 1, effective rank 1")
  func statisticsOfACollapsedSpace() throws {
    let flat = SentenceTable.make(task.sentences) { _ in [3, 4, 0] }
    let space = try #require(SpaceStatistics(task, flat, pool: ThreadPool(threads: 1)))
    #expect(abs(space.uniformity) < 1e-5 && abs(space.meanCosine - 1) < 1e-5 && space.effectiveRank == 1)
  }

  @Test("eigenvalues: repeated, zero and tiny matrices; NumPy's largest of Hilbert's matrix, its trace kept")
  func eigenvalues() {
    #expect(SymmetricEigenvalues.values([], size: 0) == [])
    #expect(SymmetricEigenvalues.values([3], size: 1) == [3])
    #expect(SymmetricEigenvalues.values([Double](repeating: 0, count: 9), size: 3) == [0, 0, 0])
    let two = SymmetricEigenvalues.values([2, 0, 1, 2], size: 2)
    #expect(abs(two[0] - 1) < 1e-14 && abs(two[1] - 3) < 1e-14)
    // The identity plus a matrix of ones: six ones and an eight.
    let matrix: [Double] = (0..<49).map { $0 % 8 == 0 ? 2 : 1 }
    let ones = SymmetricEigenvalues.values(matrix, size: 7)
    for (found, wanted) in zip(ones, [1.0, 1, 1, 1, 1, 1, 8]) { #expect(abs(found - wanted) < 1e-13) }
    let n = 90
    var hilbert = [Double](repeating: 0, count: n * n)
    var trace = 0.0
    for i in 0..<n {
      trace += 1 / Double(2 * i + 1)
      for j in 0...i { hilbert[i * n + j] = 1 / Double(i + j + 1) }
    }
    let values = SymmetricEigenvalues.values(hilbert, size: n)
    #expect(abs(values.reduce(0, +) - trace) < 1e-12)
    // numpy.linalg.eigvalsh(scipy.linalg.hilbert(90)).max()
    #expect(abs(values[n - 1] - 2.167551551945021) < 1e-12, "\(values[n - 1])")
  }

  @Test("intervals: close to the percentiles of NumPy's bootstrap where no sentence is shared")
  func intervals() throws {
    var score = task.score(table)
    for index in score.samples.indices {
      score.samples[index].sentences = score.samples[index].gold.indices.map {
        SentencePair(first: 1000 * index + 2 * $0, second: 1000 * index + 2 * $0 + 1)
      }
    }
    let interval = try #require(SpearmanInterval.of(score))
    #expect(abs(interval.lowerBound - fixture.interval[0]) < 0.05, "\(interval), \(fixture.interval)")
    #expect(abs(interval.upperBound - fixture.interval[1]) < 0.05, "\(interval), \(fixture.interval)")
  }

  @Test("pairs that share sentences count as one: twice the same pairs say no more than once")
  func sharedSentences() throws {
    let once = task.score(table)
    let sample = ScoredPairs(
      predicted: once.samples.flatMap(\.predicted), gold: once.samples.flatMap(\.gold),
      sentences: once.samples.flatMap(\.gold).indices.map { SentencePair(first: 2 * $0, second: 2 * $0 + 1) })
    var (single, double) = (once, once)
    single.samples = [sample]
    double.samples = [
      ScoredPairs(
        predicted: sample.predicted + sample.predicted, gold: sample.gold + sample.gold,
        sentences: sample.sentences + sample.sentences)
    ]
    let (a, b) = (try #require(SpearmanInterval.of(single)), try #require(SpearmanInterval.of(double)))
    #expect(abs(a.lowerBound - b.lowerBound) < 1e-9 && abs(a.upperBound - b.upperBound) < 1e-9, "\(a), \(b)")
    double.samples[0].sentences = (0..<2 * sample.gold.count).map { SentencePair(first: 2 * $0, second: 2 * $0 + 1) }
    let independent = try #require(SpearmanInterval.of(double))
    let widths = [a, independent].map { atanh($0.upperBound) - atanh($0.lowerBound) }
    #expect(widths[0] > 1.4 * widths[1], "\(widths)")
    single.samples[0].sentences = sample.gold.indices.map { SentencePair(first: $0, second: $0 + 1) }
    #expect(SpearmanInterval.of(single) == nil)
  }

  @Test("components: texts in either place, over a chain of others, and numbered over several sets")
  func components() {
    var numbering = SentenceNumbering()
    let first = numbering.number(PairSet(name: "", first: ["a", "c", "e"], second: ["b", "d", "a"], gold: [1, 2, 3]))
    let second = numbering.number(
      PairSet(name: "", first: ["x", "d", "q"], second: ["y", "x", "q"], gold: [1, 2, 3]))
    #expect(first[2] == SentencePair(first: 4, second: 0) && second[2].first == second[2].second)
    #expect(SentenceComponents(first).indices == [0, 1, 0])
    let all = SentenceComponents(first + second)
    #expect(all.indices == [0, 1, 0, 1, 1, 2] && all.count == 3)
    #expect(all.sums([1, 2, 4, 8, 16, 32]) == [5, 26, 32])
    // A long chain, from its far end, ends in one component.
    let chain = SentenceComponents((0..<5000).reversed().map { SentencePair(first: $0 + 1, second: $0) })
    #expect(chain.count == 1)
    #expect(SentenceComponents([]).count == 0 && SentenceComponents(independent: 2).indices == [0, 1])
  }

  @Test("each sub-dataset keeps its number of pairs")
  func strata() throws {
    // Within both sub-datasets predictions do not vary, so only other numbers of pairs could change Spearman.
    let sets = [0.0, 5].map { gold in
      PairSet(
        name: "\(gold)", first: (0..<6).map { "\(gold)a\($0)" }, second: (0..<6).map { "\(gold)b\($0)" },
        gold: Array(repeating: gold, count: 6))
    }
    let both = STSTask(name: "both", subsets: sets)
    let table = SentenceTable.make(both.sentences) { name in
      name.hasPrefix("5") ? [1, 0] : name.contains("a") ? [1, 0] : [0, 1]
    }
    #expect(SpearmanInterval.of(both.score(table)) == 1...1)
  }
}

@Suite("published figures")
struct PublishedTests {
  @Test("averages are those of their rows, as printed")
  func averages() throws {
    for row in PublishedFigures.all {
      for (tasks, average) in [(EvaluationTask.sts, row.stsAverage), (EvaluationTask.transfer, row.transferAverage)] {
        let figures = tasks.compactMap { row.figures[$0]?.value }
        guard figures.count == 7, let average else { continue }
        // Papers average unrounded figures and may round either way.
        #expect(abs(figures.reduce(0, +) / 7 - average.value) < 0.011, "\(row.name)")
      }
    }
    let mixcse = try PublishedFigures.named("MixCSE-bert-base")
    #expect(mixcse.figures[.sts12]?.spread == 4.04 && mixcse.stsAverage?.spread == 0.61)
    #expect(problem { _ = try PublishedFigures.named("x") }.contains("Known are: all-minilm-l6-v2"))
  }
}
