// The vectors of earlier batches: what `queue` and `cross-batch` remember.

import PluginKit

/// The last `size` unit vectors of a view, as two states of a sampler: the vectors, and how many there have been. A new
/// one takes the oldest one's place, so that a batch of N rows writes N rows, however many are kept.
enum Ring {
  /// State 0, the vectors; only the first `filled` of them were ever written.
  static let vectors = 0
  private static let written = 1

  static func declare(_ plan: Plan, size: Int, width: Int) throws {
    try plan.state("vectors", shape: [size, width])
    try plan.counters("written")
  }

  /// How many vectors are there.
  static func filled(_ call: Call) throws -> Int {
    min(Int(try call.counters(written)[0]), try call.state(vectors).rows)
  }

  /// Takes in the rows of a batch, scaled to length one; called in `commit`.
  static func push(_ rows: Matrix, _ call: Call) throws {
    let (ring, count) = try (call.state(vectors), call.counters(written))
    for row in 0..<rows.rows {
      let place = ring[Int(count[0]) % ring.rows]
      place.set(rows[row])
      place.scale(by: 1 / max(place.dot(place).squareRoot(), 1e-8))
      count[0] += 1
    }
  }

  /// Whose vectors are kept.
  enum View: Int64, CaseIterable {
    case positive, anchor

    /// The index of the view.
    var index: Int { self == .anchor ? 0 : 1 }
  }
}
