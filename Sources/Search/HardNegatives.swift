// Which of the sentences near an anchor make good hard negatives: near, but neither its positive nor too much like it.
// The choices are those of sentence-transformers' mine_hard_negatives and of FlagEmbedding.

import Kernels

/// What is asked of hard negatives.
package struct MiningOptions: Sendable, Equatable {
  /// Their places among the candidates, from 1, the nearest first; the anchor and its positives have none.
  package var ranks = 1...100
  /// For each pair at most.
  package var count = 1
  /// How far their score stays below the positive's, at least.
  package var margin: Float?
  /// The same as a share of the positive's score.
  package var relativeMargin: Float?
  /// What their scores may be.
  package var lowest: Float?, highest: Float?
  /// Any of those that are left with equal chances; otherwise the nearest.
  package var isRandom = false
  /// Decides which, with the number of the pair.
  package var seed: UInt64 = 42

  /// The nearest of the first hundred, with no further demands.
  package init() {}

  /// Chooses among sentences.
  /// - Parameters:
  ///   - found: the nearest to the anchor, by falling score; at least `ranks.upperBound` that are not excluded.
  ///   - excluded: rows that are the anchor or positives of it.
  ///   - positive: the score of the pair.
  ///   - pair: its number.
  /// - Returns: at most `count`, by falling score.
  package func choose(from found: [SearchHit], excluding excluded: Set<Int>, positive: Float, pair: Int) -> [SearchHit]
  {
    let ceiling = [
      highest, margin.map { positive - $0 }, relativeMargin.map { positive - $0 * abs(positive) },
    ].compactMap(\.self).min()
    var left = found.filter { !excluded.contains($0.row) }.dropFirst(ranks.lowerBound - 1).prefix(ranks.count).filter {
      $0.score <= ceiling ?? .infinity && $0.score >= lowest ?? -.infinity
    }
    guard isRandom, left.count > count else { return Array(left.prefix(count)) }
    // The first `count` places of a shuffle.
    let stream = RandomStream(seed: seed, name: "mine")
    for place in 0..<count {
      let other = stream.bits(step: UInt64(pair), index: UInt64(place)) % UInt64(left.count - place)
      left.swapAt(place, place + Int(other))
    }
    return left.prefix(count).sorted { ($1.score, $0.row) < ($0.score, $1.row) }
  }
}
