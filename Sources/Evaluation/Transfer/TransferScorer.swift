// Scores transfer tasks: frozen embeddings, logistic regressions, the reference's folds and stopping. Independent
// trainings run on all threads. Called by the evaluate command.

import CClassifier
package import Kernels
import Synchronization

/// The figures of one transfer task, in per cent.
package struct TransferScore: Sendable, Equatable {
  /// The task's name: `MR`.
  package var name: String
  /// On the test part, or the mean of the outer folds.
  package var accuracy: Double
  /// Of the chosen penalty: cross-validated, or on the dev part.
  package var devAccuracy: Double
  /// F1 of class 1, where the task is judged by it, too (MRPC).
  package var f1: Double?
  /// The penalty chosen; nil with nested folds, which choose one each.
  package var penalty: Double?
  /// Whether each scored sample was labelled right; with nested folds by the classifier that did not
  /// see it. Their mean is the accuracy but for rounding, and for folds that differ in size by one.
  package var isRight: [Bool] = []

  /// The scores of one task; accuracies and F1 x 100.
  package init(name: String, accuracy: Double, devAccuracy: Double, f1: Double? = nil, penalty: Double? = nil) {
    (self.name, self.accuracy, self.devAccuracy) = (name, accuracy, devAccuracy)
    (self.f1, self.penalty) = (f1, penalty)
  }

  /// The figure to report: dev mode has no test figures.
  package func reported(_ mode: EvaluationMode) -> Double { mode.isDev ? devAccuracy : accuracy }
}

/// The classifiers of one mode.
package struct TransferScorer {
  private let mode: EvaluationMode
  private let settings: TransferProtocol
  private let pool: ThreadPool
  /// The processes that share the trainings; nil where there is one.
  private let group: (any TransferGroup)?
  /// Called with the trainings done and the number of all; never by two threads at once.
  private let progress: (_ done: Int, _ total: Int) -> Void

  /// A scorer whose classifiers are shared out to the processes of `group`, and to `pool` in each of them.
  package init(
    mode: EvaluationMode, pool: ThreadPool, group: (any TransferGroup)? = nil,
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) {
    settings = TransferProtocol(mode)
    (self.mode, self.pool, self.group, self.progress) = (mode, pool, group, progress)
  }

  /// The accuracies of `task` on the embeddings of its sentences.
  package func score(_ task: TransferTask, _ table: SentenceTable) -> TransferScore {
    let tables = task.parts.map { features($0, classes: task.classes.count, table) }
    group?.announce(tables, mode)
    var result = score(tables, withF1: task.task == .mrpc)
    result.name = task.task.rawValue
    return result
  }

  /// Takes part in the task that rank 0 has just begun.
  package static func help(_ group: some TransferGroup, pool: ThreadPool) {
    let (tables, mode) = group.announced()
    _ = TransferScorer(mode: mode, pool: pool, group: group).score(tables, withF1: false)
  }

  /// The score of a task's parts, without its name: all, for nested folds; train and test; train, dev and test.
  private func score(_ tables: [FeatureTable], withF1: Bool) -> TransferScore {
    switch tables.count {
    case 1: nested(tables[0])
    case 2: trainTest(tables[0], tables[1], withF1: withF1)
    default: split(tables[0], tables[1], tables[2])
    }
  }

  /// The embedding, or |a - b| and a b of a pair.
  private func features(_ part: LabelledPart, classes: Int, _ table: SentenceTable) -> FeatureTable {
    let width = table.width
    return table.withRows(of: part.samples.map(\.first)) { first in
      guard part.samples.contains(where: { $0.second != nil }) else {
        return FeatureTable(width: width, labels: part.labels, classes: classes) {
          $1.update(from: first[$0], count: width)
        }
      }
      return table.withRows(of: part.samples.map { $0.second ?? "" }) { second in
        FeatureTable(width: 2 * width, labels: part.labels, classes: classes) { row, target in
          for i in 0..<width {
            target[i] = abs(first[row][i] - second[row][i])
            target[width + i] = first[row][i] * second[row][i]
          }
        }
      }
    }
  }

  // MARK: - Designs

  private func nested(_ table: FeatureTable) -> TransferScore {
    let k = settings.folds
    let outer = StratifiedFolds.splits(table.labels, k: k, seed: settings.seed)
    let inner = outer.map { searchSplits(table, rows: $0.train) }
    let grids = run(k * k, counted: 0..<k * k, of: k * k + k) { search(table, inner[$0 / k][$0 % k]) }
    let choices = (0..<k).map { choose(Array(grids[($0 * k)..<(($0 + 1) * k)])) }
    let folds = run(k, counted: k * k..<k * k + k, of: k * k + k) { fold in
      let classifier = refit(table, rows: outer[fold].train, choices[fold].penalty)
      return right(classifier, table, rows: outer[fold].held).map { $0 ? 1 : 0 }
    }.map { $0.map { $0 == 1 } }
    var score = TransferScore(
      name: "", accuracy: rounded(mean(folds.map { percent(share($0)) })),
      devAccuracy: rounded(mean(choices.map(\.accuracy))))
    score.isRight = Array(repeating: false, count: table.labels.count)
    for (split, found) in zip(outer, folds) {
      for (row, isRight) in zip(split.held, found) { score.isRight[Int(row)] = isRight }
    }
    return score
  }

  private func trainTest(_ train: FeatureTable, _ test: FeatureTable, withF1: Bool) -> TransferScore {
    let splits = searchSplits(train, rows: Array(0..<Int32(train.labels.count)))
    let grids = run(splits.count, counted: 0..<splits.count, of: splits.count + 1) { search(train, splits[$0]) }
    let choice = choose(grids)
    let rows = Array(0..<Int32(train.labels.count))
    let found = run(1, counted: splits.count..<splits.count + 1, of: splits.count + 1) { _ in
      refit(train, rows: rows, choice.penalty).numbers
    }
    return score(TrainedClassifier(found[0]), choice, test, withF1: withF1)
  }

  /// There is but one split, so each thread gets some members of the grid, which read its rows together. The reference
  /// trains the chosen one again, from the same seed on the same rows: that gives the same classifier, which is kept
  /// instead.
  private func split(_ train: FeatureTable, _ dev: FeatureTable, _ test: FeatureTable) -> TransferScore {
    let both = joined(train, dev)
    let count = train.labels.count
    let split = Split(
      train: Array(0..<Int32(count)), held: Array(Int32(count)..<Int32(count + dev.labels.count)))
    let all = settings.penalties.count
    // Processes agree on shares only where each has one.
    let shares = group == nil ? min(pool.threads, all) : all
    let grids = run(shares, counted: 0..<shares, of: shares) { share in
      let penalties = settings.penalties[share * all / shares..<(share + 1) * all / shares]
      var grid = ClassifierGrid(both, split, penalties: Array(penalties), settings: settings)
      return grid.train().flatMap(\.numbers)
    }
    let length = TrainedClassifier.numberCount(both)
    let members = grids.flatMap { numbers in
      stride(from: 0, to: numbers.count, by: length).map { TrainedClassifier(Array(numbers[$0..<$0 + length])) }
    }
    let choice = choose([members.map(\.devAccuracy)])
    return score(members[choice.index], choice, test, withF1: false)
  }

  private func joined(_ first: FeatureTable, _ second: FeatureTable) -> FeatureTable {
    let rows = first.labels.count
    return FeatureTable(width: first.width, labels: first.labels + second.labels, classes: first.classes) {
      $1.update(from: $0 < rows ? first.row($0) : second.row($0 - rows), count: first.width)
    }
  }

  // MARK: - Parts

  private struct Choice {
    var index: Int
    var penalty: Double
    /// Per cent.
    var accuracy: Double
  }

  /// The folds among `rows` that choose the penalty.
  private func searchSplits(_ table: FeatureTable, rows: [Int32]) -> [Split] {
    let labels = rows.map { table.labels[Int($0)] }
    return StratifiedFolds.splits(labels, k: settings.folds, seed: settings.seed).map { split in
      Split(train: split.train.map { rows[Int($0)] }, held: split.held.map { rows[Int($0)] })
    }
  }

  /// The dev accuracy of each penalty on one split.
  private func search(_ table: FeatureTable, _ split: Split) -> [Double] {
    var grid = ClassifierGrid(table, split, penalties: settings.penalties, settings: settings)
    return grid.train().map(\.devAccuracy)
  }

  /// The first penalty with the highest mean over the splits.
  private func choose(_ grids: [[Double]]) -> Choice {
    let means = settings.penalties.indices.map { index in percent(mean(grids.map { $0[index] })) }
    let best = means.indices.reduce(0) { means[$1] > means[$0] ? $1 : $0 }
    return Choice(index: best, penalty: settings.penalties[best], accuracy: means[best])
  }

  private func refit(_ table: FeatureTable, rows: [Int32], _ penalty: Double) -> TrainedClassifier {
    var grid = ClassifierGrid(table, rows: rows, penalty: penalty, settings: settings)
    return grid.train()[0]
  }

  /// Whether each of the rows is labelled right.
  private func right(_ classifier: TrainedClassifier, _ table: FeatureTable, rows: [Int32]) -> [Bool] {
    zip(classifier.predict(table, rows: rows), rows).map { $0 == table.labels[Int($1)] }
  }

  private func share(_ right: [Bool]) -> Double { Double(right.count(where: \.self)) / Double(right.count) }

  private func score(
    _ classifier: TrainedClassifier, _ choice: Choice, _ test: FeatureTable, withF1: Bool
  ) -> TransferScore {
    let predicted = classifier.predict(test, rows: Array(0..<Int32(test.labels.count)))
    let right = zip(predicted, test.labels).map { $0 == $1 }
    var score = TransferScore(
      name: "", accuracy: percent(share(right)), devAccuracy: choice.accuracy,
      f1: withF1 ? percent(f1(predicted, test.labels)) : nil, penalty: choice.penalty)
    score.isRight = right
    return score
  }

  /// 2 TP / (2 TP + FP + FN) of class 1; 0 where nothing is or is called class 1.
  private func f1(_ predicted: [Int32], _ labels: [Int32]) -> Double {
    let hits = zip(predicted, labels).count { $0 == 1 && $1 == 1 }
    let called = predicted.count { $0 == 1 } + labels.count { $0 == 1 }
    return called > 0 ? 2 * Double(hits) / Double(called) : 0
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// Runs `count` trainings, of which this process has every so many, on the pool; `counted` are their places among the
  /// `total` of the task.
  /// - Returns: the numbers that `body` gave for each.
  private func run(_ count: Int, counted: Range<Int>, of total: Int, _ body: (Int) -> [Double]) -> [[Double]] {
    let (rank, size) = (group?.rank ?? 0, group?.size ?? 1)
    let own = Array(stride(from: rank, to: count, by: size))
    let done = Mutex(counted.lowerBound)
    var results = [[Double]](repeating: [], count: own.count)
    results.withUnsafeMutableBufferPointer { results in
      pool.parallelFor(own.count, grain: 1) { range, _ in
        for index in range {
          results[index] = body(own[index])
          done.withLock {
            // The others are about as far.
            $0 = min($0 + size, counted.upperBound)
            progress($0, total)
          }
        }
      }
    }
    return group?.shared(results, of: count) ?? results
  }
}
