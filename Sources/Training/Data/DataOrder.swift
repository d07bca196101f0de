// The order in which rows are visited: a permutation for each epoch that depends on the seed only and is computed row
// by row, so that it needs no memory and a resumed run finds its place at once. Used by the training loop.

import Kernels

/// Which row comes at which position of which epoch.
package struct DataOrder: Sendable {
  /// Rows of the training file.
  package let rows: Int
  /// Whether each epoch has an order of its own.
  package let isShuffled: Bool
  private let stream: RandomStream
  /// Half the bits of the domain the network permutes.
  private let halfBits: UInt64

  private static let rounds: UInt64 = 8

  /// An order over `rows` rows, from the seeded stream `data.order`; in file order where `isShuffled` is false.
  package init(rows: Int, seed: UInt64, isShuffled: Bool) {
    self.rows = rows
    self.isShuffled = isShuffled
    stream = RandomStream(seed: seed, name: "data.order")
    let bits = UInt64(UInt64.bitWidth - UInt64(max(rows - 1, 1)).leadingZeroBitCount)
    halfBits = max(1, (bits + 1) / 2)
  }

  /// The row at `position` (in `0..<rows`) of `epoch` (from 0).
  ///
  /// A Feistel network over the next even power of two, repeated until it lands below `rows` (cycle walking).
  /// Source: Black and Rogaway, "Ciphers with arbitrary finite domains", 2002.
  package func row(epoch: Int, position: Int) -> Int {
    guard isShuffled, rows > 1 else { return position }
    var value = UInt64(position)
    repeat { value = permuted(value, epoch: UInt64(epoch)) } while value >= UInt64(rows)
    return Int(value)
  }

  /// The rows of the batch that starts at `position`; shorter at the end of an epoch.
  package func batch(epoch: Int, position: Int, size: Int) -> [Int] {
    (min(position, rows)..<min(position + size, rows)).map { row(epoch: epoch, position: $0) }
  }

  private func permuted(_ value: UInt64, epoch: UInt64) -> UInt64 {
    let mask = (UInt64(1) << halfBits) - 1
    var (left, right) = (value >> halfBits, value & mask)
    for round in 0..<Self.rounds {
      let mixed = stream.bits(step: epoch, index: round << 40 | right) & mask
      (left, right) = (right, left ^ mixed)
    }
    return left << halfBits | right
  }
}
