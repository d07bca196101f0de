// Pairs that share a sentence are not independent: which pairs hang together, by union-find over their texts. Used by
// SpearmanInterval and by the comparison of strategies.

/// The sentences of pairs as numbers: equal texts have equal numbers, over all sets that one numbering has seen.
package struct SentenceNumbering: Sendable {
  private var numbers: [String: Int] = [:]

  /// Without any sentence.
  package init() {}

  /// The pair's sentences by their numbers; new texts get the next ones.
  package mutating func number(_ set: PairSet) -> [SentencePair] {
    zip(set.first, set.second).map { number($0, $1) }
  }

  /// Two sentences by their numbers.
  mutating func number(_ first: String, _ second: String) -> SentencePair {
    SentencePair(first: number(first), second: number(second))
  }

  private mutating func number(_ text: String) -> Int {
    if let known = numbers[text] { return known }
    numbers[text] = numbers.count
    return numbers.count - 1
  }
}

/// Two sentences by their numbers.
package struct SentencePair: Sendable, Hashable {
  /// The number of the first sentence.
  package var first: Int
  /// The number of the second sentence.
  package var second: Int

  /// A pair by its numbers.
  package init(first: Int, second: Int) { (self.first, self.second) = (first, second) }

  /// The same pair whichever sentence stands first.
  package var unordered: SentencePair { first <= second ? self : SentencePair(first: second, second: first) }
}

/// Pairs joined where they share a sentence, also over several others.
package struct SentenceComponents: Sendable, Equatable {
  /// The component of each pair: 0, 1, ... in the order of their first pairs.
  package private(set) var indices: [Int] = []
  /// How many there are.
  package private(set) var count = 0

  /// The components of `pairs`.
  package init(_ pairs: [SentencePair]) {
    var parents: [Int: Int] = [:]
    func root(_ sentence: Int) -> Int {
      var (at, parent) = (sentence, parents[sentence] ?? sentence)
      while parent != at {
        let grandparent = parents[parent] ?? parent
        parents[at] = grandparent
        (at, parent) = (grandparent, parents[grandparent] ?? grandparent)
      }
      return at
    }
    for pair in pairs {
      let (first, second) = (root(pair.first), root(pair.second))
      if first != second { parents[second] = first }
    }
    var named: [Int: Int] = [:]
    indices = pairs.map { pair in
      let place = root(pair.first)
      if let known = named[place] { return known }
      named[place] = named.count
      return named.count - 1
    }
    count = named.count
  }

  /// Every pair by itself, where nothing is known of the sentences.
  package init(independent count: Int) { (indices, self.count) = (Array(0..<count), count) }

  /// `values`, one a pair, added up within each component.
  package func sums(_ values: [Double]) -> [Double] {
    var sums = [Double](repeating: 0, count: count)
    for (component, value) in zip(indices, values) { sums[component] += value }
    return sums
  }

  /// By how much the sum of squares over the components that were drawn falls short of the variance over others.
  package var correction: Double { count > 1 ? Double(count) / Double(count - 1) : .infinity }
}
