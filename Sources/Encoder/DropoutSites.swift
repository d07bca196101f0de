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
  func hidden(_ site: RandomStream) -> ck_dropout {
    site.dropout(rate: ck_rate(hiddenDropout), rates: rates?.ofTokens, step: step, first: firstToken)
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
  /// Of attention probabilities, by sequence.
  let attention: [ck_rate]
  private let memory: UnsafeMutablePointer<ck_rate>

  /// - Parameters:
  ///   - rates: by sequence; negative: `hidden` and `attention`.
  ///   - offsets: where each sequence starts, and the end.
  init(_ rates: [Float], offsets: [Int], hidden: Float, attention: Float) {
    precondition(rates.count == offsets.count - 1, "one rate for each sequence")
    self.attention = rates.map { ck_rate($0 < 0 ? attention : $0) }
    memory = .allocate(capacity: max(offsets.last ?? 0, 1))
    for (sequence, rate) in rates.enumerated() {
      let count = offsets[sequence + 1] - offsets[sequence]
      (memory + offsets[sequence]).initialize(repeating: ck_rate(rate < 0 ? hidden : rate), count: count)
    }
    ofTokens = UnsafePointer(memory)
  }

  deinit { memory.deallocate() }
}
