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
    let activations: RandomStream
    let output: RandomStream
  }

  init(seed: UInt64, layers count: Int) {
    embeddings = RandomStream(seed: seed, name: "encoder.embeddings.dropout")
    layers = (0..<count).map { layer in
      let root = "encoder.layer.\(layer)."
      return Layer(
        probabilities: RandomStream(seed: seed, name: root + "attention.probabilities"),
        attentionOutput: RandomStream(seed: seed, name: root + "attention.output"),
        activations: RandomStream(seed: seed, name: root + "activations"),
        output: RandomStream(seed: seed, name: root + "output"))
    }
  }
}

extension EncoderPass {
  /// The masks of a hidden-state site in this pass.
  func hidden(_ site: RandomStream) -> ck_dropout {
    site.dropout(rate: ck_rate(hiddenDropout), rates: rates?.ofTokens, step: step, first: firstToken)
  }

  /// The same for a site whose rate the architecture decides.
  func hidden(_ site: RandomStream, _ rate: Architecture.DropoutRate) -> ck_dropout {
    switch rate {
    case .none: site.dropout(rate: 0, step: 0)
    case .hidden: hidden(site)
    case .attention:
      site.dropout(rate: ck_rate(attentionDropout), rates: rates?.ofTokensInAttention, step: step, first: firstToken)
    }
  }

  /// The masks of a sequence's attention probabilities in this pass.
  func attention(_ site: RandomStream, sequence: Int) -> ck_dropout {
    site.dropout(rate: rates?.attention[sequence] ?? ck_rate(attentionDropout), step: step, first: firstToken)
  }
}

/// Dropout of a pass whose sequences have rates of their own.
final class SequenceRates {
  /// Of hidden states, by token.
  let ofTokens: UnsafePointer<ck_rate>
  /// Of what attention's rate applies to, by token.
  let ofTokensInAttention: UnsafePointer<ck_rate>
  /// Of attention probabilities, by sequence.
  let attention: [ck_rate]
  private let memory: UnsafeMutablePointer<ck_rate>

  /// - Parameters:
  ///   - rates: by sequence; negative: `hidden` and `attention`.
  ///   - offsets: where each sequence starts, and the end.
  init(_ rates: [Float], offsets: [Int], hidden: Float, attention: Float) {
    precondition(rates.count == offsets.count - 1, "one rate for each sequence")
    self.attention = rates.map { ck_rate($0 < 0 ? attention : $0) }
    let tokens = offsets.last ?? 0
    memory = .allocate(capacity: max(2 * tokens, 1))
    for (sequence, rate) in rates.enumerated() {
      let (start, count) = (memory + offsets[sequence], offsets[sequence + 1] - offsets[sequence])
      start.initialize(repeating: ck_rate(rate < 0 ? hidden : rate), count: count)
      (start + tokens).initialize(repeating: self.attention[sequence], count: count)
    }
    ofTokens = UnsafePointer(memory)
    ofTokensInAttention = UnsafePointer(memory + tokens)
  }

  deinit { memory.deallocate() }
}
