// Regression of the cosine on the score.

import PluginKit

/// `mean_i (cos(z1_i, z2_i) - y_i / highest)^2`, `y` the scores.
///
/// Source: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019, section 3, the regression objective.
final class CosineRegression: EmbeddingLoss {
  let name = "cosine"
  let summary = """
    the cosine of a pair is its score (Sentence-BERT, EMNLP 2019); needs scores
    mean_i (cos(z1, z2) - y / highest)^2
    """

  let highest = Real(5, in: "(0,)", "the score of a pair that means the same: 5 in STS, 1 where scores are shares")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { plan.needScores() }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (first, second, scores) = try (batch.unit(0), batch.unit(1), batch.scores())
    let weight = 1 / Double(batch.rows)
    var loss = 0.0
    for row in 0..<batch.rows {
      let cosine = (0..<batch.width).reduce(0.0) { $0 + Double(first[row, $1]) * Double(second[row, $1]) }
      let error = cosine - Double(scores[row]) / Double(call[highest])
      loss += weight * error * error
      batch.unitGradient(0)?[row].add(second[row], times: Float(2 * weight * error))
      batch.unitGradient(1)?[row].add(first[row], times: Float(2 * weight * error))
    }
    return loss
  }
}
