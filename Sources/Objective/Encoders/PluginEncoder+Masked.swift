// Masked language modelling by an encoder that computes elsewhere, with the head there, too.

package import Encoder
import Host
import Kernels
import PluginAPI

extension PluginEncoder: MaskedWords {
  /// A pass forward and backward: adds the gradients of `factor` times the summed cross-entropy at the positions.
  /// - Returns: that sum.
  /// - Throws: `EncoderError` for a batch that no encoder can compute; `EncoderFailure`.
  package func learn(_ batch: MaskedBatch) throws -> Double {
    try batch.batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    var pass = EncoderPass(
      tokens: batch.batch.tokens, offsets: batch.batch.offsets, layers: [shape.layerCount], rows: .all,
      hiddenDropout: batch.hiddenDropout, attentionDropout: batch.attentionDropout, batch: batch.step, isKept: false)
    pass.firstToken = batch.batch.firstToken
    let masking = EncoderMasking(
      positions: batch.positions.map(Int64.init), labels: batch.labels, factor: batch.factor)
    return try pool.profile.measure("encoder masked words/plugin") { try calls.learn(pass, masking) }
  }
}

extension cse_encoder_source {
  /// Says which head for masked words is wanted.
  mutating func askForHead(of configuration: EncoderConfiguration) {
    let biases = [
      (configuration.biases.head, CSE_MASKED_DENSE_BIAS), (configuration.biases.norms, CSE_MASKED_NORM_BIAS),
      (configuration.biases.words, CSE_MASKED_WORD_BIAS),
    ]
    masked_head = biases.filter(\.0).reduce(UInt32(CSE_MASKED_HEAD)) { $0 | UInt32($1.1) }
    masked_activation = configuration.maskedActivation.number
  }
}

extension EncoderConfiguration.Activation {
  /// As the header names it.
  var number: UInt32 {
    switch self {
    case .gelu: UInt32(CSE_GELU_ERF)
    case .geluTanh: UInt32(CSE_GELU_TANH)
    case .relu: UInt32(CSE_RELU)
    }
  }
}
