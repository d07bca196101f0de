// Masked language modelling beside the contrastive objective (`--mlm`): its own masked copy of the batch, its own
// pass, gradients added to the same weights. Used by SentenceModel.

package import Encoder
import Kernels
import Objective
import Tokenizer

/// What `--mlm` adds to a step.
package final class MaskedLanguageObjective {
  /// Where words are guessed: here, above the hidden states, or where an encoder computes elsewhere.
  package enum Head {
    /// By this program.
    case here(MaskedLanguageHead)
    /// By the encoder, with `MaskedWords`.
    case there(any MaskedWords)

    /// What learns in it; mirrors of what is elsewhere.
    var parameters: [Parameter] {
      switch self {
      case .here(let head): head.parameters
      case .there(let words): words.headParameters
      }
    }

    /// Whether the checkpoint had it.
    var isPretrained: Bool {
      switch self {
      case .here(let head): head.isPretrained
      case .there(let words): words.hasPretrainedHead
      }
    }
  }

  /// The head of the run's encoder.
  let head: Head
  private let masking: TokenMasking
  private let weight: Double
  private var gradient = FloatBuffer(count: 0)

  /// - Parameters:
  ///   - maskID: the token that hides others.
  ///   - vocabularySize: ids of tokens that may stand in another's place are below it.
  ///   - weight: what the loss is multiplied by before it is added.
  ///   - probability: the share of tokens to guess.
  package init(
    head: Head, maskID: Int32, vocabularySize: Int, weight: Double, probability: Double, seed: UInt64
  ) {
    self.head = head
    self.weight = weight
    masking = TokenMasking(probability: probability, maskID: maskID, vocabularySize: vocabularySize, seed: seed)
  }

  /// One pass of the encoder over the masked batch; adds `scale * weight` times the gradients.
  /// - Parameter encoder: as batches go through it, with the head that this was made with.
  /// - Returns: the loss before its weight, and after it; nil where no token was chosen.
  func accumulate(
    _ batch: TokenBatch, through encoder: any SentenceEncoder, batchNumber: UInt64, scale: Double,
    hiddenDropout: Float, attentionDropout: Float
  ) throws -> (loss: Double, weighted: Double)? {
    let masked = masking.mask(batch.packed.tokens, flags: batch.tokenFlags, batch: batchNumber)
    guard !masked.positions.isEmpty else { return nil }
    let packed = PackedBatch(tokens: masked.tokens, offsets: batch.offsets)
    // The upper half of the step numbers: dropout masks of their own.
    let step = batchNumber | 1 << 63
    let loss: Double
    switch head {
    case .here(let head):
      let hidden = try encoder.forward(
        packed, request: LayerRequest(layers: [encoder.layerCount - 1], firstTokenOnly: false),
        mode: .training(step: step, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout))[0]
      let count = hidden.rows * hidden.columns
      if gradient.count < count { gradient = FloatBuffer(count: count) }
      let dHidden = gradient.matrix(rows: hidden.rows, columns: hidden.columns)
      loss = head.train(
        hidden: hidden, positions: masked.positions, labels: masked.labels, scale: scale * weight, dHidden: dHidden)
      try encoder.backward([dHidden])
    case .there:
      guard let words = encoder.maskedWords else { preconditionFailure("another encoder than the head's") }
      let count = Double(masked.positions.count)
      loss =
        try words.learn(
          MaskedBatch(
            packed, positions: masked.positions, labels: masked.labels, factor: scale * weight / count, step: step,
            hiddenDropout: hiddenDropout, attentionDropout: attentionDropout)) / count
    }
    return (loss, loss * weight)
  }
}
