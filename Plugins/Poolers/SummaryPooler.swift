// Poolers that are one summary of the last layer's tokens.

import PluginKit

/// A summary of the last layer over all tokens, special ones included.
final class SummaryPooler: Pooler {
  let name: String
  let summary: String
  private let kind: TokenSummary

  private init(_ kind: TokenSummary, name: String, summary: String) {
    (self.kind, self.name, self.summary) = (kind, name, summary)
  }

  /// `1/sqrt(n) sum_t h_t`. It points where the mean points, so cosines are those of `avg`; lengths differ, for what
  /// reads them: a head, a dot product, mixtures of raw vectors.
  ///
  /// Source: `pooling_mode_mean_sqrt_len_tokens` of sentence-transformers (Reimers and Gurevych, EMNLP 2019).
  static let rootOfLength = SummaryPooler(
    .sqrt, name: "sqrt_len", summary: "the sum of the last layer over all tokens by the square root of their number")

  /// `sum_t t h_t / sum_t t`.
  ///
  /// Source: Muennighoff, "SGPT: GPT Sentence Embeddings for Semantic Search", 2022, equation 2;
  /// `pooling_mode_weightedmean_tokens` of sentence-transformers.
  static let ramp = SummaryPooler(
    .ramp, name: "ramp", summary: "the mean of the last layer over all tokens, each weighted with its place")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try plan.read(layers: [-1]) }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let states = try tokens.layer(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range { self.kind.write(states, tokens.tokens(of: s), into: out[s]) }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let dStates = tokens.layerGradient(0) else { return }
    let states = try tokens.layer(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        self.kind.writeBack(states, tokens.tokens(of: s), out: out[s], gradient: gradient[s], into: dStates)
      }
    }
  }
}
