// Several processes that train the classifiers of a task: rank 0 sends them its features once; then all do the same,
// each trains its share, and all know what came of every training. So all decide alike.

/// Processes that share the trainings of transfer tasks. Each call is made by all of them, in the same order.
package protocol TransferGroup {
  /// Number of this process, from 0.
  var rank: Int { get }
  /// How many there are.
  var size: Int { get }
  /// Has the others call `TransferScorer.help`; for rank 0.
  func askForHelp()
  /// Numbers of rank 0 to all, in place.
  func broadcast<Number: BitwiseCopyable>(_ numbers: inout [Number])
  /// The same for memory.
  func broadcast(_ values: UnsafeMutablePointer<Float>, count: Int)
  /// Waits until all are here, however long one takes.
  func meet()
  /// Each rank's part, which lies between `starts[rank]` and `starts[rank + 1]`, to all.
  func collect(_ values: UnsafeMutablePointer<Float>, _ starts: [Int64])
}

extension TransferGroup {
  /// Gives the others the parts of a task.
  func announce(_ tables: [FeatureTable], _ mode: EvaluationMode) {
    askForHelp()
    var head = [Int64(tables.count), Int64(EvaluationMode.allCases.firstIndex(of: mode) ?? 0)]
    broadcast(&head)
    for table in tables {
      var (sizes, labels) = ([table.width, table.classes, table.labels.count], table.labels)
      broadcast(&sizes)
      broadcast(&labels)
      broadcast(table.values.pointer, count: table.values.count)
    }
  }

  /// What rank 0 announces.
  func announced() -> (tables: [FeatureTable], mode: EvaluationMode) {
    var head: [Int64] = [0, 0]
    broadcast(&head)
    let tables = (0..<head[0]).map { _ in
      var sizes = [0, 0, 0]
      broadcast(&sizes)
      var labels = [Int32](repeating: 0, count: sizes[2])
      broadcast(&labels)
      let table = FeatureTable(width: sizes[0], labels: labels, classes: sizes[1]) { _, _ in }
      broadcast(table.values.pointer, count: table.values.count)
      return table
    }
    return (tables, EvaluationMode.allCases[Int(head[1])])
  }

  /// The results of all ranks, of which this one has number `rank` and every `size`th behind it.
  func shared(_ own: [[Double]], of count: Int) -> [[Double]] {
    // A rank may take long: its processors are slower, or its classifiers learn longer.
    meet()
    let ranks = (0..<count).map { $0 % size }
    let counts = (0..<size).map { rank in ranks.count { $0 == rank } }
    let lengths = collected(own.map { Double($0.count) }, counts: counts)
    var first = 0
    let numbers = counts.map { count in
      defer { first += count }
      return Int(lengths[first..<first + count].reduce(0, +))
    }
    let all = collected(Array(own.joined()), counts: numbers)
    // By rank, and in each by number.
    var (results, at, place) = ([[Double]](repeating: [], count: count), 0, 0)
    for rank in 0..<size {
      for number in stride(from: rank, to: count, by: size) {
        let length = Int(lengths[place])
        results[number] = Array(all[at..<at + length])
        (at, place) = (at + length, place + 1)
      }
    }
    return results
  }

  /// The numbers of all ranks, one after the other; rank r has `counts[r]`. Bits travel as they are.
  private func collected(_ own: [Double], counts: [Int]) -> [Double] {
    let starts = counts.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    var all = [Double](repeating: 0, count: starts[size])
    all.replaceSubrange(starts[rank]..<starts[rank + 1], with: own)
    all.withUnsafeMutableBufferPointer { numbers in
      numbers.withMemoryRebound(to: Float.self) { floats in
        if let first = floats.baseAddress { collect(first, starts.map { Int64(2 * $0) }) }
      }
    }
    return all
  }
}

extension TrainedClassifier {
  /// All that there is to know of it.
  var numbers: [Double] { [devAccuracy, Double(passes)] + weights.map(Double.init) }

  /// How many numbers a classifier of that table has.
  static func numberCount(_ table: FeatureTable) -> Int { 2 + table.classes * table.stride }

  /// The classifier that has these numbers.
  init(_ numbers: [Double]) {
    self.init(devAccuracy: numbers[0], weights: numbers.dropFirst(2).map { Float($0) }, passes: Int(numbers[1]))
  }
}
