// Max pooling: the largest value of each feature over the tokens.

import PluginKit

/// `out_s[k] = max_{t in s} h_t[k]` of the last layer; the gradient goes to the first token that holds the maximum.
///
/// Source: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
final class Maximum: Pooler {
  let name = "max"
  let summary = "the largest value of each feature of the last layer over all tokens"
  let pooling: Pooling? = Pooling(.max)

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try plan.read(layers: [-1]) }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let states = try tokens.layer(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        let range = tokens.tokens(of: s)
        out[s].set(states[range.lowerBound])
        for t in range.dropFirst() {
          for k in 0..<out.columns { out[s, k] = max(out[s, k], states[t, k]) }
        }
      }
    }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let dStates = tokens.layerGradient(0) else { return }
    let states = try tokens.layer(0)
    try call.parallelFor(tokens.sequences, grain: 16) { range in
      for s in range {
        for k in 0..<out.columns {
          guard let t = tokens.tokens(of: s).first(where: { states[$0, k] == out[s, k] }) else { continue }
          dStates[t, k] += gradient[s, k]
        }
      }
    }
  }
}
