// The rows that may be among the best of a query, as far as bounds tell. One for each query and thread.

/// Rows in question, and the largest lower bounds of their scores.
struct Shortlist {
  /// A row and bounds of its score.
  struct Entry {
    var row: Int
    var upper: Float
  }

  /// How many are wanted.
  let count: Int
  private(set) var entries: [Entry] = []
  /// A heap of the `count` largest lower bounds, the smallest first.
  private(set) var lower: [Float] = []
  /// What a row's upper bound must reach to be in question.
  private(set) var limit: Float

  /// - Parameter threshold: scores below it are of no interest.
  init(count: Int, threshold: Float) {
    (self.count, limit) = (count, threshold)
    lower.reserveCapacity(count)
  }

  /// Takes a row whose upper bound reaches the limit.
  mutating func add(row: Int, upper: Float, lower bound: Float) {
    entries.append(Entry(row: row, upper: upper))
    insert(bound)
  }

  /// Takes what another thread found.
  mutating func add(_ other: Shortlist) {
    entries += other.entries
    for bound in other.lower { insert(bound) }
  }

  /// Those that are still in question, by falling bounds.
  func ranked() -> [Entry] {
    entries.filter { $0.upper >= limit }.sorted { ($1.upper, $0.row) < ($0.upper, $1.row) }
  }

  private mutating func insert(_ bound: Float) {
    if lower.count < count {
      lower.append(bound)
      rise()
    } else if bound > lower[0] {
      lower[0] = bound
      sink()
    }
    // `count` rows score at least this much.
    if lower.count == count { limit = max(limit, lower[0]) }
  }

  private mutating func rise() {
    var child = lower.count - 1
    while child > 0, case let parent = (child - 1) / 2, lower[child] < lower[parent] {
      lower.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sink() {
    var parent = 0
    while case var child = 2 * parent + 1, child < lower.count {
      if child + 1 < lower.count, lower[child + 1] < lower[child] { child += 1 }
      guard lower[child] < lower[parent] else { return }
      lower.swapAt(child, parent)
      parent = child
    }
  }
}
