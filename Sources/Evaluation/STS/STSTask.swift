// A semantic similarity task: one or several sets of pairs, scored as one. Headline figure: all sub-datasets
// concatenated, never their mean. Called by the trainer (STS-B dev) and the evaluate command.

/// A task and its sub-datasets.
package struct STSTask: Sendable, Equatable {
  /// The task's name: `STS12`, `SICKRelatedness`.
  package var name: String
  /// The sub-datasets, each scored alone and together.
  package var subsets: [PairSet]

  /// A task of these sub-datasets.
  package init(name: String, subsets: [PairSet]) {
    self.name = name
    self.subsets = subsets
  }

  /// What was odd in its files, with file and line.
  package var warnings: [String] { subsets.flatMap(\.warnings) }
  /// All its sentences, as often as they occur.
  package var sentences: [String] { subsets.flatMap(\.sentences) }

  /// - Throws: `EvaluationError.noRanking` where its gold scores rank nothing.
  package func checkRanking(path: String) throws {
    guard let problem = SimilarityScore.problem(gold: subsets.flatMap(\.gold)) else { return }
    throw EvaluationError.noRanking(path: path, found: problem)
  }

  /// Scores each sub-dataset, and all of them concatenated.
  package func score(_ table: SentenceTable) -> STSTaskScore {
    let similarities = subsets.map { $0.similarities(table) }
    var numbering = SentenceNumbering()
    return STSTaskScore(
      name: name,
      all: SimilarityScore(predicted: similarities.flatMap(\.self), gold: subsets.flatMap(\.gold)),
      subsets: zip(subsets, similarities).map { set, predicted in
        (set.name, SimilarityScore(predicted: predicted, gold: set.gold))
      },
      samples: zip(subsets, similarities).map { set, predicted in
        ScoredPairs(predicted: predicted, gold: set.gold, sentences: numbering.number(set))
      })
  }
}

/// Predictions and gold scores of one sub-dataset.
package struct ScoredPairs: Sendable {
  /// Cosines.
  package var predicted: [Double]
  /// The gold scores, on the scale of the task.
  package var gold: [Double]
  /// Which sentences, by numbers that all sub-datasets of the task share.
  package var sentences: [SentencePair]

  /// The three lists are equally long.
  package init(predicted: [Double], gold: [Double], sentences: [SentencePair]) {
    (self.predicted, self.gold, self.sentences) = (predicted, gold, sentences)
  }
}

/// What a task's embeddings reach.
package struct STSTaskScore: Sendable {
  /// The task's name: `STS12`, `SICKRelatedness`.
  package var name: String
  /// Over all pairs of the task together: the figure to report.
  package var all: SimilarityScore
  /// Each sub-dataset's score, by name.
  package var subsets: [(name: String, score: SimilarityScore)]
  /// What intervals are computed from, by sub-dataset.
  package var samples: [ScoredPairs]

  /// The plain mean of the sub-datasets' Spearman; for comparison only.
  package var meanSpearman: Double {
    subsets.reduce(0) { $0 + $1.score.spearman } / Double(subsets.count)
  }

  /// The mean of the sub-datasets' Spearman weighted by pairs; for comparison only.
  package var weightedMeanSpearman: Double {
    subsets.reduce(0) { $0 + $1.score.spearman * Double($1.score.pairs) } / Double(all.pairs)
  }
}
