// Sum pooling, tempered: the sum over the tokens by the square root of their number.

import Glibc
import PluginKit

/// `out_s = 1/sqrt(|s|) sum_{t in s} h_t` of the last layer, special tokens included.
///
/// It points where the mean points, so cosines are those of `avg`; lengths differ, for what reads them: a head, a dot
/// product, mixtures of raw vectors.
///
/// Source: `pooling_mode_mean_sqrt_len_tokens` of sentence-transformers (Reimers and Gurevych, EMNLP 2019).
final class RootOfLength: Pooler {
  let name = "sqrt_len"
  let summary = "the sum of the last layer over all tokens by the square root of their number"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try plan.read(layers: [-1]) }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let states = try tokens.layer(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        out[s].fill(0)
        for t in range { out[s].add(states[t]) }
        out[s].scale(by: 1 / sqrtf(Float(range.count)))
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let dStates = tokens.layerGradient(0) else { return }
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        for t in range { dStates[t].add(gradient[s], times: 1 / sqrtf(Float(range.count))) }
      }
    }
  }
}
