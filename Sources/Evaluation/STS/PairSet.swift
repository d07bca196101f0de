// Sentence pairs with gold similarities, and how well embeddings agree with them. Read by PairFile, grouped to tasks by
// STSTask, scored by the trainer and the evaluate command.

/// How well cosine similarities agree with gold scores.
package struct SimilarityScore: Sendable, Equatable {
  /// In [-1, 1]; NaN where undefined (fewer than two pairs, or one side constant).
  package var spearman: Double
  /// Pearson's correlation, x 100.
  package var pearson: Double
  /// The number of pairs.
  package var pairs: Int
  /// Why there is no correlation; nil where there is one.
  package var problem: String?

  /// Correlates predictions with gold scores.
  package init(predicted: [Double], gold: [Double]) {
    spearman = Correlation.spearman(predicted, gold)
    pearson = Correlation.pearson(predicted, gold)
    pairs = gold.count
    guard !spearman.isFinite else { return }
    problem =
      Self.problem(gold: gold) ?? predicted.first.map { "all cosines are \($0)" }
      ?? "there are no cosines"
  }

  /// Why gold scores rank nothing; nil where they do.
  package static func problem(gold: [Double]) -> String? {
    guard gold.count > 1 else { return gold.isEmpty ? "there are no pairs" : "there is one pair only" }
    return gold.allSatisfy { $0 == gold[0] } ? "all \(gold.count) gold scores are \(gold[0]): nothing is ranked" : nil
  }
}

/// A list of sentence pairs with gold similarities.
package struct PairSet: Sendable, Equatable {
  /// The file or sub-dataset the pairs come from.
  package var name: String
  /// The first sentence of each pair.
  package var first: [String]
  /// The second sentence of each pair.
  package var second: [String]
  /// One gold score a pair, on the scale of the data set (0 to 5 for STS).
  package var gold: [Double]
  /// What was odd about the file without being wrong: empty lines, an unexpected number of pairs.
  package var warnings: [String] = []

  /// The three lists are equally long.
  package init(name: String, first: [String] = [], second: [String] = [], gold: [Double] = []) {
    precondition(first.count == gold.count && second.count == gold.count, "a score a pair")
    self.name = name
    self.first = first
    self.second = second
    self.gold = gold
  }

  /// The number of pairs.
  package var count: Int { gold.count }

  /// All first sentences, then all second ones.
  package var sentences: [String] { first + second }

  /// The cosine of each pair.
  package func similarities(_ table: SentenceTable) -> [Double] {
    table.withRows(of: first) { first in
      table.withRows(of: second) { second in zip(first, second).map { cosine($0, $1, count: table.width) } }
    }
  }

  /// How well the embeddings agree with the gold scores.
  package func score(_ table: SentenceTable) -> SimilarityScore {
    SimilarityScore(predicted: similarities(table), gold: gold)
  }
}
