// How many of the training texts hold each token: what a pooler's state may start with (CSE_INIT_DOCUMENTS). Counted
// when the first plan asks for it, since that reads all of the text.

import Synchronization

/// Of each token id the share of texts that hold it.
package final class DocumentFrequencies: Sendable, Equatable {
  private let count: @Sendable () throws -> [Float]
  private let counted = Mutex<[Float]?>(nil)

  /// - Parameter count: gives a share for each id of the vocabulary; called once at most, and again after it threw.
  package init(count: @escaping @Sendable () throws -> [Float]) { self.count = count }

  /// The shares, counted where they are not yet.
  /// - Throws: what counting throws.
  package func shares() throws -> [Float] {
    try counted.withLock { shares in
      let known = try shares ?? count()
      shares = known
      return known
    }
  }

  /// The same object.
  package static func == (a: DocumentFrequencies, b: DocumentFrequencies) -> Bool { a === b }
}

/// Where a pooler's document frequencies come from.
package enum DocumentSource: Sendable, Equatable {
  /// Nowhere: a pooler that needs them is refused.
  case none
  /// The model folder keeps them; who opens it puts them into the state.
  case folder
  /// The text of the run.
  case text(DocumentFrequencies)
}
