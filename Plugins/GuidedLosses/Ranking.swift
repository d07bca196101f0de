// Learning to rank the other rows as a frozen encoder ranks them.

import Glibc
import PluginKit

/// `mean_i sum_j -q_ij log p_ij`, `p` the softmax of an anchor's list of similarities, `q` that of the guide's.
///
/// Its gradient is that of the KL divergence (`distill`), which differs by the entropy of `q` alone.
///
/// Source: Liu et al., "RankCSE: Unsupervised Sentence Representations Learning via Learning to Rank", ACL 2023,
/// equation 8; the ranking of Cao et al., "Learning to Rank", ICML 2007. By default the guide's list is twice as
/// sharp.
final class ListNet: EmbeddingLoss {
  let name = "listnet"
  let summary = """
    the other rows in the order in which a guide has them, by their first places (RankCSE, ACL 2023); needs --guide
    mean_i sum_j -softmax_j(guide similarities / guide_temperature) log softmax_j(similarities / temperature)
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "divides the similarities")
  let guideTemperature = Real(0.025, in: "(0,)", live: true, log: true, "divides the guide's similarities")
  let guides = Whole(1, in: "[1,2]", "guides that are read")
  let alpha = Real(0.33, in: "[0,1]", live: true, "share of guide 1's similarities where two are read")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try GuideLists.declare(plan, guides: call[guides])
  }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let lists = try GuideLists(batch, guides: call[guides], alpha: Double(call[alpha]))
    let (temperature, sharp) = (Double(call[temperature]), Double(call[guideTemperature]))
    return try batch.meanOverLists(call) { row, list in
      let (p, q) = (Softmax(list, temperature: temperature), Softmax(lists.list(row), temperature: sharp))
      let loss = zip(q.shares, p.logarithms).reduce(0) { $0 - $1.0 * $1.1 }
      return (loss, zip(p.shares, q.shares).map { ($0 - $1) / temperature })
    }
  }
}

/// `mean_i sum_k (log sum_{l >= k} exp(s_il) - s_ik)`, the similarities `s` of an anchor, divided by the temperature,
/// in the order in which the guide's fall: the likelihood of that order.
///
/// Source: Liu et al., "RankCSE", ACL 2023, equation 9; Xia et al., "Listwise Approach to Learning to Rank", ICML 2008.
/// Equal similarities of the guide stay in the batch's order, where the released code draws one.
final class ListMLE: EmbeddingLoss {
  let name = "listmle"
  let summary = """
    the likelihood of a guide's whole order of the other rows (RankCSE, ACL 2023); needs --guide
    mean_i sum_k ( log sum_{l >= k} exp(s_il / temperature) - s_ik / temperature ), in the guide's falling order
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "divides the similarities")
  let guides = Whole(1, in: "[1,2]", "guides that are read")
  let alpha = Real(0.33, in: "[0,1]", live: true, "share of guide 1's similarities where two are read")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try GuideLists.declare(plan, guides: call[guides])
  }

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let lists = try GuideLists(batch, guides: call[guides], alpha: Double(call[alpha]))
    let temperature = Double(call[temperature])
    return try batch.meanOverLists(call) { row, list in
      let guide = lists.list(row)
      let order = guide.indices.sorted { guide[$0] > guide[$1] || guide[$0] == guide[$1] && $0 < $1 }
      return likelihood(list.map { $0 / temperature }, order, temperature)
    }
  }

  /// From the end of the order to its start: each rest's sum of powers holds the one before it.
  private func likelihood(
    _ scores: [Double], _ order: [Int], _ temperature: Double
  ) -> (loss: Double, gradient: [Double]) {
    let peak = scores.reduce(-.infinity, max)
    var (rest, loss) = (0.0, 0.0)
    var rests = [Double](repeating: 0, count: order.count)
    for k in order.indices.reversed() {
      rest += exp(scores[order[k]] - peak)
      rests[k] = rest
      loss += log(rest) + peak - scores[order[k]]
    }
    var gradient = [Double](repeating: 0, count: order.count)
    var inverse = 0.0
    for k in order.indices {
      inverse += 1 / rests[k]
      gradient[order[k]] = (exp(scores[order[k]] - peak) * inverse - 1) / temperature
    }
    return (loss, gradient)
  }
}

/// `mean_i JS(p_i, q_i)`: `p` the softmax of the similarities of anchor i with all positives, `q` of positive i with
/// all anchors. Needs no guide; it stands here beside the losses it is used with.
///
/// Source: Liu et al., "RankCSE", ACL 2023, equation 5.
final class Consistency: EmbeddingLoss {
  let name = "consistency"
  let summary = """
    both views have the other rows in the same order: Jensen-Shannon divergence (RankCSE, ACL 2023)
    mean_i JS(softmax_j(u1_i . u2_j / temperature), softmax_j(u2_i . u1_j / temperature))
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "divides the similarities")

  func score(_ call: Call, _ batch: Batch) throws -> Double {
    let (anchors, positives) = try (batch.unit(0), batch.unit(1))
    let (count, temperature) = (batch.rows, Double(call[temperature]))
    var sum = 0.0
    for row in 0..<count {
      let p = Softmax((0..<count).map { Double(anchors[row].dot(positives[$0])) }, temperature: temperature)
      let q = Softmax((0..<count).map { Double(positives[row].dot(anchors[$0])) }, temperature: temperature)
      // m is half of p, and of q, at least: its logarithm stays near theirs.
      let beyondP = zip(p.logarithms, q.logarithms).map { $0 - Self.logMean($0, $1) }
      let beyondQ = zip(p.logarithms, q.logarithms).map { $1 - Self.logMean($0, $1) }
      for other in 0..<count { sum += (p.shares[other] * beyondP[other] + q.shares[other] * beyondQ[other]) / 2 }
      guard let first = batch.unitGradient(0), let second = batch.unitGradient(1) else { continue }
      let dp = p.gradient(beyondP.map { $0 / 2 }, temperature: temperature)
      let dq = q.gradient(beyondQ.map { $0 / 2 }, temperature: temperature)
      for other in 0..<count {
        let (a, b) = (Float(dp[other] / Double(count)), Float(dq[other] / Double(count)))
        first[row].add(positives[other], times: a)
        second[other].add(anchors[row], times: a)
        second[row].add(anchors[other], times: b)
        first[other].add(positives[row], times: b)
      }
    }
    return sum / Double(count)
  }

  /// `log((exp(a) + exp(b)) / 2)`
  private static func logMean(_ a: Double, _ b: Double) -> Double {
    max(a, b) + log1p(exp(-abs(a - b))) - log(2)
  }
}
