// A semantic similarity task: one or several sets of pairs, scored as one. Headline figure: all sub-datasets
// concatenated, never their mean. Called by the trainer (STS-B dev) and the evaluate command.

/// A task and its sub-datasets.
package struct STSTask: Sendable, Equatable {
  package var name: String
  package var subsets: [PairSet]

  package init(name: String, subsets: [PairSet]) {
    self.name = name
    self.subsets = subsets
  }

  package var warnings: [String] { subsets.flatMap(\.warnings) }

  /// Embeds each sub-dataset and scores it, and all of them concatenated.
  package func score(_ embed: Embed) throws -> STSTaskScore {
    var predicted: [Double] = []
    var scores: [(name: String, score: SimilarityScore)] = []
    for subset in subsets {
      let similarities = subset.similarities(embeddings: try embed(subset.sentences))
      scores.append((subset.name, SimilarityScore(predicted: similarities, gold: subset.gold)))
      predicted += similarities
    }
    let all = SimilarityScore(predicted: predicted, gold: subsets.flatMap(\.gold))
    return STSTaskScore(name: name, all: all, subsets: scores)
  }
}

/// What a task's embeddings reach.
package struct STSTaskScore: Sendable {
  package var name: String
  /// Over all pairs of the task together: the figure to report.
  package var all: SimilarityScore
  package var subsets: [(name: String, score: SimilarityScore)]

  /// The plain mean of the sub-datasets' Spearman; for comparison only.
  package var meanSpearman: Double {
    subsets.reduce(0) { $0 + $1.score.spearman } / Double(subsets.count)
  }

  /// The mean of the sub-datasets' Spearman weighted by pairs; for comparison only.
  package var weightedMeanSpearman: Double {
    subsets.reduce(0) { $0 + $1.score.spearman * Double($1.score.pairs) } / Double(all.pairs)
  }
}
