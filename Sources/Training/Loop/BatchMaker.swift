// Rows of text to one packed batch: all anchors, then all positives, then all hard negatives. Used by the training
// loop.

import Encoder
import Files
package import Host
import Kernels
package import Objective
package import Tokenizer

/// Tokenizes rows of a training file.
package final class BatchMaker {
  private let data: TrainingData
  private let tokenizer: any Tokenizer
  private let maximumLength: Int
  private let threads: Int
  private let isSpecial: [Bool]
  /// Edits the tokens; nil where they stay as they are. Another strategy may bring another one.
  package internal(set) var augmentation: Augmentation?
  private var prepared: ReadRows?

  /// Rows of the file: the identifiers of their first columns, and the tokens of all columns.
  private struct ReadRows {
    let rows: [Int]
    let textIDs: [Int64]
    let sequences: [[Int32]]
  }

  /// - Parameter maximumLength: tokens of a sentence, special tokens among them.
  package init(
    data: TrainingData, tokenizer: any Tokenizer, maximumLength: Int, threads: Int, augmentation: Augmentation? = nil
  ) {
    self.augmentation = augmentation
    self.data = data
    self.tokenizer = tokenizer
    self.maximumLength = maximumLength
    self.threads = threads
    let special = tokenizer.specialIDs
    isSpecial = (0..<tokenizer.vocabularySize).map { special.contains(Int32($0)) }
  }

  /// The same with other augmenters.
  func with(_ augmentation: Augmentation?) -> BatchMaker {
    BatchMaker(
      data: data, tokenizer: tokenizer, maximumLength: maximumLength, threads: threads, augmentation: augmentation)
  }

  /// The number of views a batch has, those that augmenters add among them.
  package var views: Int { max(2, data.columns) + (augmentation?.addedViews ?? 0) }

  /// The batch of the given rows, as a step at `position` sees it. Sentences alone are their own positives: the same
  /// tokens twice, told apart by dropout.
  /// - Throws: `TrainingError` where the file has changed, `PluginFailure` of an augmenter.
  package func batch(rows: [Int], at position: StepPosition) throws -> TokenBatch {
    let lines = if let prepared, prepared.rows == rows { prepared } else { try read(rows) }
    prepared = nil
    var sequences = lines.sequences
    if data.columns == 1 { sequences += sequences }
    var dropout: [Float]?
    if let augmentation { (sequences, dropout) = try augmentation.edit(sequences, rows: rows, at: position) }
    var packed = PackedBatch(sequences)
    packed.dropout = dropout
    return TokenBatch(
      packed, tokenFlags: packed.tokens.map { isSpecial[Int($0)] ? 1 : 0 }, views: views, rowIDs: rows.map(Int64.init),
      textIDs: lines.textIDs, labels: data.labels(of: rows))
  }

  /// Reads and tokenizes the rows of the batch that comes next, while a device computes. What fails here fails again
  /// when that batch is made.
  package func prepare(rows: [Int]) { prepared = try? read(rows) }

  private func read(_ rows: [Int]) throws -> ReadRows {
    let texts = try data.texts(of: rows)
    let lines = (0..<data.columns).flatMap { column in texts.map { $0[column] } }
    let sequences = tokenizer.encodeAll(lines, maximumLength: maximumLength, threads: threads).map(\.ids)
    return ReadRows(rows: rows, textIDs: texts.map { Self.identifier(of: $0[0]) }, sequences: sequences)
  }

  /// The first 63 bits of the text's SHA-256: the same for the same text in every run.
  static func identifier(of text: [UInt8]) -> Int64 {
    var hash = SHA256()
    text.withUnsafeBytes { hash.update($0) }
    let bits = hash.finish().prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return Int64(bits >> 1)
  }
}
