// Means over sets as metrics of their own: which there are without being asked for, and how one is written. Made by
// ComparisonPlan, computed by ScoreTable.

/// What the scores of a set are.
package enum Measure: String, Sendable {
  /// Spearman x 100 of cosines against gold scores.
  case spearman = "Spearman x 100"
  /// Samples that a classifier on frozen embeddings labels right, in per cent.
  case accuracy = "accuracy in per cent"
}

/// A mean over sets, all with equal weight.
package struct MeanMetric: Sendable, Equatable {
  /// `STS mean`, or `mean(STS12,STS13)`.
  package var name: String
  /// Two or more, as the report names them.
  package var sets: [String]

  /// A mean by its parts.
  package init(name: String, sets: [String]) { (self.name, self.sets) = (name, sets) }

  /// The seven STS sets, by the names of the reports.
  package static let stsSets = ["STS12", "STS13", "STS14", "STS15", "STS16", "STS-B", "SICK-R"]
  /// The seven transfer tasks.
  package static let transferTasks = ["MR", "CR", "SUBJ", "MPQA", "SST2", "TREC", "MRPC"]
  /// The mean that papers report.
  package static let stsMean = "STS mean"
  /// The mean of the transfer tasks.
  package static let transferMean = "transfer mean"

  /// The means over test sets that stand in every report: of the seven STS sets and of the seven transfer tasks where
  /// they are there, else of all sets of a measure, where there are several.
  package static func usual(_ sets: [(name: String, measure: Measure)]) -> [MeanMetric] {
    let known: [(Measure, String, [String])] = [
      (.spearman, stsMean, stsSets), (.accuracy, transferMean, transferTasks),
    ]
    return known.compactMap { measure, name, members in
      let found = sets.filter { $0.measure == measure }.map(\.name)
      if members.allSatisfy(found.contains) { return MeanMetric(name: name, sets: members) }
      let unit = measure == .spearman ? "sets" : "tasks"
      return found.count > 1 ? MeanMetric(name: "mean of \(found.count) \(unit)", sets: found) : nil
    }
  }

  /// The sets of `mean(STS12,STS13)`; nil for any other text.
  package static func members(_ text: String) -> [String]? {
    guard let match = text.wholeMatch(of: /\s*mean\s*\((.*)\)\s*/) else { return nil }
    return match.output.1.split(separator: ",", omittingEmptySubsequences: false).map { name in
      String(name).trimmed
    }
  }
}

extension String {
  fileprivate var trimmed: String {
    let start = drop { $0.isWhitespace }
    return String(start.reversed().drop { $0.isWhitespace }.reversed())
  }
}
