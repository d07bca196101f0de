// The transfer protocol against NumPy, scikit-learn and PyTorch (Tests/Fixtures/evaluation/make_protocol_fixture.py):
// random numbers, folds, trained classifiers, nested cross-validation; and what the figures of each mode are.

import Evaluation
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("transfer protocol")
struct TransferTests {
  struct Fixture: Decodable {
    struct Folds: Decodable {
      var k: Int
      var labels: [Int32]
      var held: [[Int32]]
    }

    struct Nested: Decodable { var accuracy, devAccuracy: Double }

    struct Mode: Decodable {
      var accuracies: [Double]
      var weights: [Float]
      var heldOut: Double
      var predicted: [Int32]
      var nested: Nested?
    }

    struct Case: Decodable {
      var classes, width: Int
      var x: [Float]
      var y: [Int32]
      var modes: [String: Mode]
    }

    var permutations: [[Int32]]
    var folds: [Folds]
    var weight, bias: [Float]
    var classifiers: [Case]
  }

  let fixture: Fixture

  init() throws {
    let path = Resources.fixture("evaluation/protocol.json")
    fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test("permutations are NumPy's, first weights are PyTorch's, bit for bit")
  func randomNumbers() {
    var numpy = MersenneTwister(seed: 1111)
    for expected in fixture.permutations { #expect(numpy.permutation(expected.count) == expected) }
    var torch = MersenneTwister(seed: 1111)
    let bound = Float(1 / 7.0.squareRoot())
    #expect(fixture.weight.indices.map { _ in torch.uniform(bound: bound) } == fixture.weight)
    #expect(fixture.bias.indices.map { _ in torch.uniform(bound: bound) } == fixture.bias)
  }

  @Test("folds are scikit-learn's, whatever class comes first")
  func folds() {
    for item in fixture.folds {
      let splits = StratifiedFolds.splits(item.labels, k: item.k, seed: 1111)
      #expect(splits.map(\.held) == item.held)
      for split in splits { #expect((split.train + split.held).sorted() == Array(0..<Int32(item.labels.count))) }
    }
  }

  private func table(_ item: Fixture.Case) -> FeatureTable {
    FeatureTable(width: item.width, labels: item.y, classes: item.classes) { row, target in
      for i in 0..<item.width { target[i] = item.x[row * item.width + i] }
    }
  }

  /// The weights of [classes, stride] without padding.
  private func values(_ classifier: TrainedClassifier, _ item: Fixture.Case, _ table: FeatureTable) -> [Float] {
    (0..<item.classes).flatMap { Array(classifier.weights[($0 * table.stride)...].prefix(item.width + 1)) }
  }

  @Test("a grid of classifiers ends as PyTorch's, in both modes", arguments: ["test", "dev"])
  func grids(mode: String) throws {
    for item in fixture.classifiers {
      let expected = try #require(item.modes[mode])
      let settings = TransferProtocol(try #require(EvaluationMode(rawValue: mode)))
      let table = table(item)
      let split = Split(train: Array(0..<200), held: Array(200..<260))
      var grid = ClassifierGrid(table, split, penalties: settings.penalties, settings: settings)
      let trained = grid.train()
      #expect(trained.map(\.devAccuracy) == expected.accuracies)
      for (found, wanted) in zip(trained.flatMap { values($0, item, table) }, expected.weights) {
        #expect(abs(found - wanted) < 2e-4, "\(found) instead of \(wanted)")
      }
      let rows = Array(0..<Int32(item.y.count))
      var refit = ClassifierGrid(table, rows: rows, penalty: 1e-3, settings: settings)
      let classifier = refit.train()[0]
      #expect(classifier.devAccuracy == expected.heldOut)
      #expect(classifier.predict(table, rows: rows) == expected.predicted)
    }
  }

  @Test("a classifier ends with the same bits alone and in company")
  func company() {
    let item = fixture.classifiers[0]
    let table = table(item)
    let settings = TransferProtocol(.test)
    let split = Split(train: Array(0..<200), held: Array(200..<260))
    // The heaviest penalty stops at another check than the lightest, so places in the row change on the way.
    let penalties = [1e-5, 3.0, 1e-3]
    var grid = ClassifierGrid(table, split, penalties: penalties, settings: settings)
    let together = grid.train()
    #expect(Set(together.map(\.passes)).count > 1, "all stopped together: nothing was tested")
    for (index, penalty) in penalties.enumerated() {
      var single = ClassifierGrid(table, split, penalties: [penalty], settings: settings)
      let alone = single.train()[0]
      #expect(alone.weights == together[index].weights && alone.passes == together[index].passes)
    }
  }

  @Test("nested cross-validation gives the reference's figures, on any number of threads", arguments: [1, 3])
  func nested(threads: Int) throws {
    let item = fixture.classifiers[0]
    let data = try SmallDownstream()
    // Rows of the same word count keep the order of the files; labels 0 come first, as in the reference's sort.
    let order = item.y.indices.sorted { (item.y[$0], $0) < (item.y[$1], $1) }
    for (file, label) in [("rt-polarity.pos", Int32(1)), ("rt-polarity.neg", 0)] {
      try data.write("MR/\(file)", order.filter { item.y[$0] == label }.map { "row\($0)\n" }.joined())
    }
    let task = try TransferTask.read(.mr, in: data.downstream)
    let table = SentenceTable.make(task.sentences) { name in
      let row = Int(name.dropFirst(3)) ?? 0
      return Array(item.x[(row * item.width)..<((row + 1) * item.width)])
    }
    let pool = ThreadPool(threads: threads)
    for (name, expected) in item.modes.sorted(by: { $0.key < $1.key }) {
      let mode = try #require(EvaluationMode(rawValue: name))
      let wanted = try #require(expected.nested)
      let score = TransferScorer(mode: mode, pool: pool).score(task, table)
      #expect(score.accuracy == wanted.accuracy && score.devAccuracy == wanted.devAccuracy, "\(name): \(score)")
    }
  }

  @Test("dev mode reports dev accuracy, the others test accuracy")
  func reported() {
    let score = TransferScore(name: "MR", accuracy: 70, devAccuracy: 80)
    #expect(score.reported(.test) == 70 && score.reported(.fasttest) == 70 && score.reported(.dev) == 80)
    var scores = EvaluationScores(mode: .dev)
    scores.transfer = [score, TransferScore(name: "CR", accuracy: 0, devAccuracy: 90)]
    #expect(scores.transferAverage == 85, "over those scored, not over seven")
    #expect(scores.stsAverage == nil)
  }

  @Test("pairs give |a - b| and a b; progress counts every training once")
  func pairFeatures() throws {
    let data = try SmallDownstream()
    let task = try TransferTask.read(.mrpc, in: data.downstream)
    // |a - b| alone tells the classes apart: equal sentences are paraphrases.
    let rows = (0..<60).map { "\($0 % 2)\t1\t1\ts\($0)\ts\($0 % 2 == 1 ? $0 : $0 + 100)\n" }.joined()
    for part in ["train", "test"] { try data.write("MRPC/msr_paraphrase_\(part).txt", "Quality\ta\tb\tc\td\n" + rows) }
    let equal = try TransferTask.read(.mrpc, in: data.downstream)
    #expect(task.sampleCounts == [60, 20] && equal.sampleCounts == [60, 60])
    let stream = RandomStream(seed: 4, name: "pairs")
    let table = SentenceTable.make(equal.sentences) { name in
      var vector = [Float](repeating: 0, count: 8)
      let number = UInt64(name.dropFirst()) ?? 0
      vector.withUnsafeMutableBufferPointer { stream.normal(step: number, offset: 0, into: $0) }
      return vector
    }
    var counted: [Int] = []
    let scorer = TransferScorer(mode: .fasttest, pool: ThreadPool(threads: 2)) { done, total in
      #expect(total == 6)
      counted.append(done)
    }
    let score = scorer.score(equal, table)
    #expect(score.accuracy > 90 && (score.f1 ?? 0) > 90, "\(score)")
    #expect(counted == Array(1...6))
  }
}
