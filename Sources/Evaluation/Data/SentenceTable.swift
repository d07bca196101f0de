// The distinct sentences of everything that a run scores, each embedded once, and the embeddings by sentence. Filled by
// the evaluate command and the trainer, read by all scorers.

package import Kernels

/// Distinct sentences in the order they were first met.
package struct SentenceCollection: Sendable {
  /// Every distinct sentence, in the order of its first use.
  package private(set) var sentences: [String] = []
  fileprivate var rows: [String: Int] = [:]

  /// Without any sentence.
  package init() {}

  /// Adds what is new.
  package mutating func add(_ more: [String]) {
    for sentence in more where rows[sentence] == nil {
      rows[sentence] = sentences.count
      sentences.append(sentence)
    }
  }
}

/// Embeddings of a collection's sentences.
package final class SentenceTable {
  /// Numbers of an embedding.
  package let width: Int
  private let matrix: Matrix
  /// What owns the memory of `matrix`.
  private let owner: AnyObject
  private let rows: [String: Int]

  /// `matrix: [sentences, width]`, in the collection's order, is valid as long as `owner` lives.
  package init(_ collection: SentenceCollection, matrix: Matrix, owner: AnyObject) {
    precondition(matrix.rows == collection.sentences.count, "a row a sentence")
    self.matrix = matrix
    self.owner = owner
    rows = collection.rows
    width = matrix.columns
  }

  /// Calls `body` with the embeddings of `sentences`, all of which must be in the collection.
  package func withRows<Result>(
    of sentences: [String], _ body: ([UnsafeMutablePointer<Float>]) throws -> Result
  ) rethrows -> Result {
    let pointers = sentences.map { sentence in
      guard let row = rows[sentence] else { preconditionFailure("a sentence that was never embedded: \(sentence)") }
      return matrix.row(row)
    }
    return try withExtendedLifetime(owner) { try body(pointers) }
  }
}
