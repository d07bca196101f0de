// A batch as a model takes it: all anchors, then all positives, then all hard negatives. Made by BatchMaker.

package import Encoder

/// Token sequences of several views of the same rows, without padding.
package struct TrainingBatch: Sendable {
  /// View by view: sequence `v * rows + i` is view v of row i.
  package var sequences: PackedBatch
  /// 1 for a special token, one entry a token.
  package var tokenFlags: [UInt8]
  /// 2, or 3 with hard negatives.
  package var views: Int
  package var rows: Int
  /// Where the rows stand in the training file.
  package var rowIDs: [Int64]
  /// Equal exactly where the anchors' texts are equal.
  package var textIDs: [Int64]

  package init(
    sequences: PackedBatch, tokenFlags: [UInt8], views: Int, rows: Int, rowIDs: [Int64], textIDs: [Int64]
  ) {
    self.sequences = sequences
    self.tokenFlags = tokenFlags
    self.views = views
    self.rows = rows
    self.rowIDs = rowIDs
    self.textIDs = textIDs
  }
}
