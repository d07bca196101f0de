// A table of mean scores, a row a strategy.

import Comparison
import Evaluation
import Training

/// Mean Spearman x 100 over seeds by strategy and metric.
struct MeansTable {
  let text: String

  init(_ results: ComparisonResults) {
    let metrics = results.runs.first { !$0.scores.isEmpty }?.scores.map(\.metric) ?? []
    let rows = results.strategies.indices.map { index in
      let runs = results.runs.filter { $0.strategy == index && $0.outcome == .finished }
      let cells = metrics.map { metric in
        let values = runs.compactMap { run in
          run.scores.first { $0.metric == metric }.map {
            100 * SimilarityScore(predicted: $0.predicted, gold: $0.gold).spearman
          }
        }
        return values.isEmpty ? "-" : fixed(values.reduce(0, +) / Double(values.count), 2)
      }
      return [results.strategies[index].label, "\(runs.count)"] + cells
    }
    text = ([["strategy", "seeds"] + metrics] + rows).map { $0.joined(separator: "\t") }.joined(separator: "\n")
  }
}
