// A batch of rows as tokens: packed by training or by an embedder, read by the encoder, pooled by the objective. The
// one value that these pass on; what of it a plugin sees is in cse_tokens and cse_batch.

package import Encoder

/// Token sequences of several views of the same rows, without padding.
package struct TokenBatch: Sendable {
  /// View by view: sequence `v * rows + i` is view v of row i.
  package var packed: PackedBatch
  /// 1 (CSE_TOKEN_SPECIAL) for a special token, else 0; one entry a token.
  package var tokenFlags: [UInt8]
  /// In training 2, or 3 with hard negatives; 1 where sentences are only embedded.
  package var views: Int
  /// Where the rows stand in the training file; empty where sentences are only embedded.
  package var rowIDs: [Int64]
  /// Equal exactly where the anchors' texts are equal; empty where sentences are only embedded.
  package var textIDs: [Int64]
  /// What the data says of the rows beside their texts.
  package var labels = RowLabels()

  /// A batch for a training step, one id of each kind a row.
  package init(
    _ packed: PackedBatch, tokenFlags: [UInt8], views: Int, rowIDs: [Int64], textIDs: [Int64],
    labels: RowLabels = RowLabels()
  ) {
    self.packed = packed
    self.tokenFlags = tokenFlags
    self.views = views
    self.rowIDs = rowIDs
    self.textIDs = textIDs
    self.labels = labels
  }

  /// Sentences that are embedded and nothing else.
  package init(_ packed: PackedBatch, tokenFlags: [UInt8]) {
    self.init(packed, tokenFlags: tokenFlags, views: 1, rowIDs: [], textIDs: [])
  }

  /// The number of rows.
  package var rows: Int { packed.sequences / views }
  /// The number of sequences: views * rows.
  package var sequences: Int { packed.sequences }
  /// Where each sequence starts in the tokens; sequences + 1 numbers.
  package var offsets: [Int] { packed.offsets }

  /// Whether two views hold the same tokens in every row.
  package func hasSameTokens(_ first: Int, _ second: Int) -> Bool {
    (0..<rows).allSatisfy { packed.tokens[tokens(first, $0)] == packed.tokens[tokens(second, $0)] }
  }

  /// The same rows in some of the views, in this order.
  package func views(_ wanted: [Int]) -> TokenBatch {
    let sequences = wanted.flatMap { view in (0..<rows).map { tokens(view, $0) } }
    return TokenBatch(
      PackedBatch(sequences.map { Array(packed.tokens[$0]) }), tokenFlags: sequences.flatMap { tokenFlags[$0] },
      views: wanted.count, rowIDs: rowIDs, textIDs: textIDs, labels: labels)
  }

  private func tokens(_ view: Int, _ row: Int) -> Range<Int> {
    offsets[view * rows + row]..<offsets[view * rows + row + 1]
  }

  /// Checks that the parts fit each other for a training step.
  /// - Throws: `ObjectiveError.shape`.
  func checkForTraining() throws {
    guard (2...16).contains(views), sequences > 0, sequences % views == 0 else {
      throw ObjectiveError.shape(
        what: "the batch", expected: "a whole number of rows in 2 to 16 views",
        found: "\(sequences) sequences in \(views) views")
    }
    guard rowIDs.count == rows, textIDs.count == rows else {
      throw ObjectiveError.shape(
        what: "row and text ids", expected: "\(rows) each", found: "\(rowIDs.count) and \(textIDs.count)")
    }
    try labels.check(rows: rows)
  }
}
