// The loss of SimCSE: softmax cross-entropy of each anchor against everything it is compared with.

import PluginKit

/// `mean_i (logsumexp_j logits[i, :] - logits[i, target_i])`, the gradient being `(softmax - onehot) / rows`.
///
/// The temperature divides the similarities in the host, which can also learn it.
///
/// Source: van den Oord et al., 2018, equation 4; Gao et al., "SimCSE", EMNLP 2021, equation 1.
final class InfoNCE: Loss {
  let name = "infonce"
  let summary = """
    softmax cross-entropy over the candidates of each row (SimCSE, EMNLP 2021)
    mean_i ( logsumexp_j logits[i,j] - logits[i, positive of i] )
    """

  let temperature = Real(0.05, in: "(0,)", live: true, log: true, "softmax temperature")

  func score(_ call: Call, _ logits: Logits) throws -> Double {
    try logits.meanOverRows(call) { row, weight, gradient in
      logits.crossEntropy(row: row, gradient, weight: weight)
    }
  }
}
