// Masked language modelling beside the contrastive objective (`--mlm`): its own masked copy of the batch, its own
// pass, gradients added to the same weights. Used by SentenceModel.

package import Encoder
import Kernels
import Objective
import Tokenizer

/// What `--mlm` adds to a step.
package final class MaskedLanguageObjective {
  let head: MaskedLanguageHead
  private let masking: TokenMasking
  private let weight: Double
  private var gradient = FloatBuffer(count: 0)

  /// - Parameters:
  ///   - weight: what the loss is multiplied by before it is added.
  ///   - probability: the share of tokens to guess.
  package init(
    encoder: TransformerEncoder, head: MaskedLanguageHead, maskID: Int32, vocabularySize: Int, weight: Double,
    probability: Double, seed: UInt64
  ) {
    self.head = head
    self.weight = weight
    masking = TokenMasking(
      probability: probability, maskID: maskID,
      vocabularySize: min(vocabularySize, encoder.configuration.vocabularySize),
      seed: seed)
  }

  /// One pass of the encoder over the masked batch; adds `scale * weight` times the gradients.
  /// - Returns: the loss before its weight, and after it; nil where no token was chosen.
  func accumulate(
    _ batch: TokenBatch, through encoder: any SentenceEncoder, batchNumber: UInt64, scale: Double,
    hiddenDropout: Float, attentionDropout: Float
  ) throws -> (loss: Double, weighted: Double)? {
    let masked = masking.mask(batch.packed.tokens, flags: batch.tokenFlags, batch: batchNumber)
    guard !masked.positions.isEmpty else { return nil }
    // The upper half of the step numbers: dropout masks of their own.
    let hidden = try encoder.forward(
      PackedBatch(tokens: masked.tokens, offsets: batch.offsets),
      request: LayerRequest(layers: [encoder.layerCount - 1], firstTokenOnly: false),
      mode: .training(
        step: batchNumber | 1 << 63, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout))
    let count = hidden[0].rows * hidden[0].columns
    if gradient.count < count { gradient = FloatBuffer(count: count) }
    let dHidden = gradient.matrix(rows: hidden[0].rows, columns: hidden[0].columns)
    let loss = head.train(
      hidden: hidden[0], positions: masked.positions, labels: masked.labels, scale: scale * weight, dHidden: dHidden)
    try encoder.backward([dHidden])
    return (loss, loss * weight)
  }
}
