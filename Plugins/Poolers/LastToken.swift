// Last-token pooling: the state of the last token stands for the sentence.

import PluginKit

/// The last layer's state of the last token of a sentence, special ones included ([SEP], </s>), never padding: what
/// transformers and sentence-transformers call last-token pooling.
///
/// It suits decoders, whose last token alone has seen all others; in BERT it is the state of [SEP].
///
/// Source: Neelakantan et al., "Text and Code Embeddings by Contrastive Pre-Training", 2022, section 2.
final class LastToken: Pooler {
  let name = "last"
  let summary = "the last layer's state of the last token, special ones included"

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws { try plan.read(layers: [-1]) }

  func pool(_ call: Call, _ tokens: Tokens, into out: Matrix) throws {
    let states = try tokens.layer(0)
    for s in 0..<tokens.sequences { out[s].set(states[tokens.tokens(of: s).upperBound - 1]) }
  }

  func poolBackward(_ call: Call, _ tokens: Tokens, out: Matrix, gradient: Matrix) throws {
    guard let states = tokens.layerGradient(0) else { return }
    for s in 0..<tokens.sequences { states[tokens.tokens(of: s).upperBound - 1].add(gradient[s]) }
  }
}
