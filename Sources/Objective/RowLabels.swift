// Scores and classes of a batch's rows, for supervised samplers and losses. Part of a TokenBatch, or given with
// embeddings; what a plugin sees of it is in cse_batch.

package import Host

/// What is known of each row beside its texts.
package struct RowLabels: Sendable, Equatable {
  /// How much anchor and positive belong together, in the data's own units; nil where the data has none.
  package var scores: [Float]?
  /// Equal exactly where the rows' labels are equal; nil where the data has none.
  package var classes: [Int64]?

  /// Labels by their parts.
  package init(scores: [Float]? = nil, classes: [Int64]? = nil) {
    self.scores = scores
    self.classes = classes
  }

  /// Which of them there are.
  package var supervision: Supervision {
    var known: Supervision = []
    if scores != nil { known.insert(.scores) }
    if classes != nil { known.insert(.classes) }
    return known
  }

  /// - Throws: `ObjectiveError.shape` where there is not one for each row.
  func check(rows: Int) throws {
    for (what, count) in [("scores", scores?.count), ("classes", classes?.count)] {
      guard let count, count != rows else { continue }
      throw ObjectiveError.shape(what: what, expected: "\(rows), one for each row", found: "\(count)")
    }
  }
}
