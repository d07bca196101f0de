// A mean in which rare words count more.

import Glibc
import PluginKit

/// `out_s = sum_t w_t h_t / sum_t w_t` of the last layer, `w_t = -log max(p(t), smallest)`, `p(t)` the share of the
/// training texts that hold token t; where all weights are 0, the mean.
///
/// Special tokens stand in every text: they count nothing. The shares are a state that exported models keep.
///
/// Source: Sparck Jones, "A statistical interpretation of term specificity", 1972, as the weights of word vectors in
/// sentence-transformers' `WordWeights` (Reimers and Gurevych, EMNLP 2019), here on contextual ones.
final class InverseDocumentFrequency: Pooler {
  let name = "idf"
  let summary = "the mean of the last layer, each token weighted by how few of the training texts hold it"

  let smallest = Real(1e-6, in: "(0,1]", log: true, "the share of a token that no text holds")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    guard let vocabulary = limits.vocabulary else {
      throw PluginError.unsupported("idf stands on tokens, so it comes first, and the host has to know the vocabulary")
    }
    try plan.read(layers: [-1])
    try plan.state("shares", shape: [vocabulary], initial: .documentFrequencies)
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let (states, shares) = try (tokens.layer(0), call.state(0))
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        out[s].fill(0)
        for (t, weight) in weights(call, tokens, s, shares) { out[s].add(states[t], times: weight) }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let dStates = tokens.layerGradient(0) else { return }
    let shares = try call.state(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        for (t, weight) in weights(call, tokens, s, shares) { dStates[t].add(gradient[s], times: weight) }
      }
    }
  }

  /// The tokens of a sequence with their weights, which add up to 1.
  private func weights(_ call: Call, _ tokens: Tokens, _ s: Int, _ shares: Matrix) -> [(token: Int, weight: Float)] {
    let range = tokens.tokens(of: s)
    let raw = range.map { token -> Float in
      guard let id = tokens.id(of: token), id < shares.rows * shares.columns else { return 0 }
      return -logf(max(shares.pointer[id], call[smallest]))
    }
    let total = raw.reduce(0, +)
    return zip(range, raw).map { ($0, total > 0 ? $1 / total : 1 / Float(range.count)) }
  }
}
