// Who computes what: sequences by tokens, weights by chunks. The same on every rank, from numbers that all know.

import Encoder
import Kernels

/// How a batch and the weights are shared out.
package enum RankShares {
  /// For each rank its sequences, one range after the other, of about as many tokens each.
  package static func sequences(offsets: [Int], ranks: Int) -> [Range<Int>] {
    let (count, total) = (offsets.count - 1, offsets.last ?? 0)
    var borders = [0]
    for rank in 1..<max(ranks, 1) {
      let wanted = total * rank / ranks
      var border = borders[rank - 1]
      while border < count, offsets[border] < wanted { border += 1 }
      // The border before may lie nearer.
      if border > borders[rank - 1], wanted - offsets[border - 1] < offsets[border] - wanted { border -= 1 }
      borders.append(border)
    }
    borders.append(count)
    return zip(borders, borders.dropFirst()).map { $0..<$1 }
  }

  /// Where the part of each rank begins among `sizes.count` pieces of these sizes, and their end: by piece, so that
  /// each has about as much.
  package static func borders(sizes: [Int], ranks: Int) -> [Int] {
    let offsets = sizes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    return [0] + sequences(offsets: offsets, ranks: ranks).map(\.upperBound)
  }
}
