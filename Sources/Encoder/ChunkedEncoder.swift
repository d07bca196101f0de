// Batches larger than memory: an encoder that computes some sequences at a time. Forward keeps the hidden states that
// are read and nothing else; backward computes each part once more, with the same masks, before its gradients go back.
// Source: Gao, Zhang, Han and Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (2021).

package import Kernels

/// An encoder that never holds the activations of more than some sequences.
package final class ChunkedEncoder: SentenceEncoder {
  private let encoder: any SentenceEncoder
  /// Sequences at a time.
  private let size: Int
  /// The hidden states of the last batch, whole.
  private let states = WholeStates()
  /// What backward has to compute again: all but the last part.
  private var pending: Pending?

  private struct Pending {
    var batch: PackedBatch
    var request: LayerRequest
    var mode: EncoderMode
    var parts: [Range<Int>]
  }

  /// `encoder` in parts of `size` sequences; itself where there is no size.
  package static func of(_ encoder: any SentenceEncoder, size: Int?) -> any SentenceEncoder {
    size.map { ChunkedEncoder(encoder, size: $0) } ?? encoder
  }

  /// - Parameter size: sequences at a time, at least 1.
  package init(_ encoder: any SentenceEncoder, size: Int) {
    precondition(size > 0, "parts of \(size) sequences")
    (self.encoder, self.size) = (encoder, size)
  }

  package var hiddenSize: Int { encoder.hiddenSize }
  package var layerCount: Int { encoder.layerCount }
  package var maximumTokens: Int { encoder.maximumTokens }
  package var vocabularySize: Int { encoder.vocabularySize }
  package var parameters: [Parameter] { encoder.parameters }
  package var device: (any DeviceWeights)? { encoder.device }
  package var givesMeans: Bool { encoder.givesMeans }
  package var maskedWords: (any MaskedWords)? { encoder.maskedWords.map { MaskedParts($0, size: size) } }

  package func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix] {
    pending = nil
    guard batch.sequences > size else { return try encoder.forward(batch, request: request, mode: mode) }
    // What is wrong with a sequence is said with its number in the whole batch.
    try batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    let parts = stride(from: 0, to: batch.sequences, by: size).map { $0..<min($0 + size, batch.sequences) }
    let request = request.answered(by: encoder)
    let whole = states.matrices(batch, request, width: hiddenSize)
    for (number, part) in parts.enumerated() {
      // The last part's activations are there for backward.
      let states = try encoder.forward(
        batch.part(part), request: request, mode: number < parts.count - 1 ? mode.withoutKeeping : mode)
      for (target, states) in zip(whole, states) {
        target.rows(of: part, in: batch, request).pointer.update(
          from: states.pointer, count: states.rows * states.columns)
      }
    }
    if case .training = mode { pending = Pending(batch: batch, request: request, mode: mode, parts: parts) }
    return whole
  }

  package func backward(_ gradients: [Matrix]) throws {
    guard let pending else { return try encoder.backward(gradients) }
    self.pending = nil
    for part in pending.parts.reversed() {
      if part.upperBound < pending.batch.sequences {
        _ = try encoder.forward(pending.batch.part(part), request: pending.request, mode: pending.mode)
      }
      try encoder.backward(gradients.map { $0.rows(of: part, in: pending.batch, pending.request) })
    }
  }
}

extension EncoderMode {
  /// The same numbers with nothing kept.
  fileprivate var withoutKeeping: EncoderMode {
    guard case .training(let step, let hidden, let attention) = self else { return self }
    return .reading(step: step, hiddenDropout: hidden, attentionDropout: attention)
  }
}
