// Triplet loss with a margin, on cosines.

import PluginKit

/// `mean_i max(0, m + s_ij - s_it)` for the nearest negative j, or the mean of that over all negatives.
///
/// Excluded cells are left out; the temperature has no part in it.
///
/// Source: Schroff et al., "FaceNet", CVPR 2015, equation 3; for sentences Reimers and Gurevych, "Sentence-BERT", EMNLP
/// 2019, section 3.
final class Triplet: Loss {
  enum Negatives: Int64, CaseIterable { case hardest, all }

  let name = "triplet"
  let summary = """
    the positive is nearer than a negative by a margin (FaceNet, CVPR 2015)
    mean_i max(0, m + s[i, negative] - s[i, positive])
    """

  let margin = Real(0.3, in: "[0,2]", live: true, "the margin m, a difference of cosines")
  let negatives = Choice(Negatives.hardest, "the nearest negative of each row, or the mean over all of them")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    let margin = Double(call[self.margin])
    let nearestOnly = call[negatives] == .hardest
    return try logits.meanOverRows(call) { row, weight, _ in
      let line = RowOfLogits(logits, row)
      let similarity = logits.similarities[row]
      let gradient = logits.similarityGradient?[row]
      let nearest = nearestOnly ? line.negatives.max { similarity[$0] < similarity[$1] } : nil
      let count = nearest == nil ? line.negatives.count : 1
      var sum = 0.0
      for k in line.negatives where nearest ?? k == k {
        let value = margin + Double(similarity[k]) - Double(similarity[line.target])
        guard value > 0 else { continue }
        sum += value
        guard let gradient else { continue }
        let share = Float(weight / Double(count))
        gradient[k] += share
        gradient[line.target] -= share
      }
      return count == 0 ? 0 : sum / Double(count)
    }
  }
}
