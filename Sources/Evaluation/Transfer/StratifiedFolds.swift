// Stratified k-fold cross-validation, shuffled, with scikit-learn's folds. Called by TransferScorer.

/// Which rows train and which are scored.
package struct Split: Sendable, Equatable {
  /// Rows to learn from.
  package var train: [Int32]
  /// Rows to score on.
  package var held: [Int32]

  /// A fold of these rows.
  package init(train: [Int32], held: [Int32]) { (self.train, self.held) = (train, held) }
}

/// Splits for cross-validation.
package enum StratifiedFolds {
  /// The k splits of `labels`; every class is spread over the folds as evenly as it can be.
  ///
  /// Classes count by first appearance; each class's fold numbers are shuffled by one generator seeded with `seed`.
  /// Source: scikit-learn, `StratifiedKFold(n_splits=k, shuffle=True, random_state=seed)`.
  package static func splits(_ labels: [Int32], k: Int, seed: UInt32) -> [Split] {
    let folds = self.folds(labels, k: k, seed: seed)
    return (0..<k).map { fold in
      var split = Split(train: [], held: [])
      for (row, number) in folds.enumerated() {
        if number == fold { split.held.append(Int32(row)) } else { split.train.append(Int32(row)) }
      }
      return split
    }
  }

  private static func folds(_ labels: [Int32], k: Int, seed: UInt32) -> [Int] {
    var numbers: [Int32: Int] = [:]
    let classes = labels.map { label in
      let next = numbers.count
      return numbers[label, default: next, assigning: next]
    }
    var members = [Int](repeating: 0, count: numbers.count)
    for number in classes { members[number] += 1 }
    // How many of each class go to each fold: every k-th of the sorted labels, starting at the fold's number.
    let sorted = members.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
    var generator = MersenneTwister(seed: seed)
    var result = [Int](repeating: 0, count: labels.count)
    var allocation = [[Int]](repeating: [Int](repeating: 0, count: numbers.count), count: k)
    for (index, number) in sorted.enumerated() { allocation[index % k][number] += 1 }
    for number in members.indices {
      var folds = (0..<k).flatMap { Array(repeating: $0, count: allocation[$0][number]) }
      generator.shuffle(&folds)
      var next = 0
      for row in labels.indices where classes[row] == number {
        result[row] = folds[next]
        next += 1
      }
    }
    return result
  }
}

extension Dictionary {
  /// The value of `key`; `assigning` becomes it where there is none.
  fileprivate subscript(key: Key, default fallback: Value, assigning value: Value) -> Value {
    mutating get {
      if let old = self[key] { return old }
      self[key] = value
      return fallback
    }
  }
}
