// Logistic regressions trained side by side: same rows, same batches, same first weights, one penalty each. One thread;
// TransferScorer runs many of them at once.

import CClassifier
import Kernels

/// A classifier at its best check.
package struct TrainedClassifier: Sendable {
  /// Share of the dev rows it labelled right.
  package var devAccuracy: Double
  /// [classes, stride], the bias in the column behind the features.
  package var weights: [Float]
  /// Passes over the training rows until it stopped.
  package var passes: Int
}

/// The training of one classifier per penalty.
///
/// Classifiers that have stopped leave the row of those that still run; the sums of the others do not change by that.
package struct ClassifierGrid {
  private let table: FeatureTable
  private let settings: TransferProtocol
  private let split: Split
  private var generator: MersenneTwister
  private let size: Int
  private let weights, gradient, firstMoment, secondMoment, scratch: FloatBuffer
  private var steps = 0
  private var running: [Member]
  private var finished: [TrainedClassifier?]

  private struct Member {
    var index: Int
    var penalty: Float
    var misses = 0
    var best = TrainedClassifier(devAccuracy: -1, weights: [], passes: 0)
  }

  /// Trains on `split.train` and stops by `split.held`.
  package init(_ table: FeatureTable, _ split: Split, penalties: [Double], settings: TransferProtocol) {
    self.init(table, split, penalties, settings, MersenneTwister(seed: settings.seed))
  }

  /// Trains on the table's rows but for a random share of them, which stops the training.
  package init(_ table: FeatureTable, rows: [Int32], penalty: Double, settings: TransferProtocol) {
    var generator = MersenneTwister(seed: settings.seed)
    let order = generator.permutation(rows.count).map { rows[Int($0)] }
    let held = Int(settings.heldOutShare * Double(rows.count))
    self.init(table, Split(train: Array(order[held...]), held: Array(order[..<held])), [penalty], settings, generator)
  }

  private init(
    _ table: FeatureTable, _ split: Split, _ penalties: [Double], _ settings: TransferProtocol,
    _ generator: MersenneTwister
  ) {
    (self.table, self.split, self.settings, self.generator) = (table, split, settings, generator)
    size = table.classes * table.stride
    running = penalties.enumerated().map { Member(index: $0.offset, penalty: Float($0.element)) }
    finished = Array(repeating: nil, count: penalties.count)
    func buffer() -> FloatBuffer { FloatBuffer(count: penalties.count * table.classes * table.stride) }
    (weights, gradient, firstMoment, secondMoment) = (buffer(), buffer(), buffer(), buffer())
    scratch = FloatBuffer(count: max(settings.batchSize, Self.scoredRows) * penalties.count * table.classes)
    initialise()
  }

  /// torch.nn.Linear under its own generator: weights, then biases, uniform within 1 / sqrt(width).
  private func initialise() {
    var torch = MersenneTwister(seed: settings.seed)
    let bound = Float(1 / Double(table.width).squareRoot())
    for row in 0..<table.classes {
      for column in 0..<table.width { weights.pointer[row * table.stride + column] = torch.uniform(bound: bound) }
    }
    for row in 0..<table.classes { weights.pointer[row * table.stride + table.width] = torch.uniform(bound: bound) }
    for member in running.indices.dropFirst() {
      (weights.pointer + member * size).update(from: weights.pointer, count: size)
    }
  }

  /// Runs to the end; one result per penalty, in their order.
  package mutating func train() -> [TrainedClassifier] {
    var passes = 0
    while !running.isEmpty, passes <= settings.maximumPasses {
      for _ in 0..<settings.passesPerCheck { pass() }
      passes += settings.passesPerCheck
      check(passes)
    }
    for member in running { finished[member.index] = member.best }
    return finished.compactMap(\.self)
  }

  private var shape: cc_shape {
    cc_shape(members: Int64(running.count), classes: Int64(table.classes), stride: Int64(table.stride))
  }

  private mutating func pass() {
    let order = generator.permutation(split.train.count).map { split.train[Int($0)] }
    var start = 0
    while start < order.count {
      let end = min(start + settings.batchSize, order.count)
      table.withRows(order[start..<end]) {
        cc_gradient(shape, $0, weights.pointer, gradient.pointer, scratch.pointer)
      }
      step()
      start = end
    }
  }

  private mutating func step() {
    steps += 1
    for (position, member) in running.enumerated() {
      let offset = position * size
      let (w, g, v) = (weights.pointer + offset, gradient.pointer + offset, secondMoment.pointer + offset)
      switch settings.optimizer {
      case .adam:
        cc_adam_step(Int64(size), adam(penalty: member.penalty), w, g, firstMoment.pointer + offset, v)
      case .rmsprop:
        let rmsprop = cc_rmsprop(rate: settings.learningRate, alpha: 0.99, epsilon: 1e-8, penalty: member.penalty)
        cc_rmsprop_step(Int64(size), rmsprop, w, g, v)
      }
    }
  }

  private func adam(penalty: Float) -> cc_adam {
    let (first, second) = (1 - power(0.9, steps), 1 - power(0.999, steps))
    return cc_adam(
      rate: Float(Double(settings.learningRate) / first), inverse_root_bias2: Float(1 / second.squareRoot()),
      beta1: 0.9, beta2: 0.999, epsilon: 1e-8, penalty: penalty)
  }

  // MARK: - Early stopping

  private static let scoredRows = 256

  /// Scores the dev rows; who has not improved once too often leaves.
  private mutating func check(_ passes: Int) {
    let accuracies = scores()
    for position in running.indices.reversed() {
      running[position].best.passes = passes
      if accuracies[position] > running[position].best.devAccuracy {
        let block = UnsafeBufferPointer(start: weights.pointer + position * size, count: size)
        running[position].best = TrainedClassifier(
          devAccuracy: accuracies[position], weights: Array(block), passes: passes)
      } else if running[position].misses >= settings.tenacity {
        leave(position)
      } else {
        running[position].misses += 1
      }
    }
  }

  /// The last member takes the place of the one that leaves.
  private mutating func leave(_ position: Int) {
    finished[running[position].index] = running[position].best
    let last = running.count - 1
    if position != last {
      for buffer in [weights, firstMoment, secondMoment] {
        (buffer.pointer + position * size).update(from: buffer.pointer + last * size, count: size)
      }
    }
    running.swapAt(position, last)
    running.removeLast()
  }

  private func scores() -> [Double] {
    var right = [Int64](repeating: 0, count: running.count)
    var start = 0
    while start < split.held.count {
      let end = min(start + Self.scoredRows, split.held.count)
      table.withRows(split.held[start..<end]) {
        cc_count_right(shape, $0, weights.pointer, &right, scratch.pointer)
      }
      start = end
    }
    return right.map { Double($0) / Double(split.held.count) }
  }
}

extension TrainedClassifier {
  /// The class of each of the rows.
  package func predict(_ table: FeatureTable, rows: [Int32]) -> [Int32] {
    var predicted = [Int32](repeating: 0, count: rows.count)
    let shape = cc_shape(members: 1, classes: Int64(table.classes), stride: Int64(table.stride))
    let scratch = FloatBuffer(count: max(1, rows.count * table.classes))
    withExtendedLifetime(scratch) {
      table.withRows(rows[...]) { cc_predict(shape, $0, weights, &predicted, scratch.pointer) }
    }
    return predicted
  }
}

/// base^exponent by repeated squaring: no rounding surprises of `pow` between systems.
private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, square, left) = (1.0, base, exponent)
  while left > 0 {
    if left & 1 == 1 { result *= square }
    square *= square
    left >>= 1
  }
  return result
}
