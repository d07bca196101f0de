// CLS pooling: the state of the first token stands for the sentence.

import PluginKit

/// The last layer's state of the first token ([CLS] or <s>).
///
/// Source: Devlin et al., "BERT", NAACL 2019; the pooling of unsupervised SimCSE and MixCSE.
final class FirstToken: Pooler {
  let name = "cls"
  let summary = "the last layer's state of the first token"
  let pooling: Pooling? = Pooling(.first, head: .mlp)

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.readFirstTokenOnly()
    try plan.read(layers: [-1])
  }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let states = try tokens.layer(0)
    for s in 0..<tokens.sequences { out[s].set(states[tokens.tokens(of: s).lowerBound]) }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let states = tokens.layerGradient(0) else { return }
    for s in 0..<tokens.sequences { states[tokens.tokens(of: s).lowerBound].add(gradient[s]) }
  }
}
