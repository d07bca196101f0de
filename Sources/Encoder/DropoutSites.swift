// The random streams of the encoder's dropout, one per site, named so that no other consumer shifts them.

import CKernels
import Kernels

/// The dropout streams of an encoder.
struct DropoutSites {
  let embeddings: RandomStream
  let layers: [Layer]

  struct Layer {
    let probabilities: RandomStream
    let attentionOutput: RandomStream
    let output: RandomStream
  }

  init(seed: UInt64, layers count: Int) {
    embeddings = RandomStream(seed: seed, name: "encoder.embeddings.dropout")
    layers = (0..<count).map { layer in
      let root = "encoder.layer.\(layer)."
      return Layer(
        probabilities: RandomStream(seed: seed, name: root + "attention.probabilities"),
        attentionOutput: RandomStream(seed: seed, name: root + "attention.output"),
        output: RandomStream(seed: seed, name: root + "output"))
    }
  }
}

extension EncoderPass {
  /// The masks of a hidden-state site in this pass.
  func hidden(_ site: RandomStream) -> ck_dropout { site.dropout(rate: hiddenDropout, step: step) }

  /// The masks of attention probabilities in this pass.
  func attention(_ site: RandomStream) -> ck_dropout { site.dropout(rate: attentionDropout, step: step) }
}
