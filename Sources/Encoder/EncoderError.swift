// What can be wrong with a batch: one case per kind, each with what was expected, what was found, where, and what to
// do. Thrown by the encoder, printed by the command.

/// A batch that the encoder cannot compute.
package enum EncoderError: Error, Equatable {
  /// A sequence of a batch with no token or with more than the model has positions for.
  case sequenceLength(sequence: Int, tokens: Int, maximum: Int)
  /// A token id of a batch outside the vocabulary.
  case tokenOutOfRange(sequence: Int, position: Int, token: Int32, vocabularySize: Int)
}

extension EncoderError {
  /// Which sequence of the batch it is about.
  package var sequence: Int {
    switch self {
    case .sequenceLength(let sequence, _, _), .tokenOutOfRange(let sequence, _, _, _): sequence
    }
  }
}

extension EncoderError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .sequenceLength(let sequence, let tokens, let maximum):
      return "sequence \(sequence) of the batch: expected 1 to \(maximum) tokens, found \(tokens). "
        + "Cut sequences to the model's maximum length"
    case .tokenOutOfRange(let sequence, let position, let token, let vocabularySize):
      return "sequence \(sequence) of the batch, position \(position): expected a token id from 0 to "
        + "\(vocabularySize - 1), found \(token). Does the tokenizer belong to this model?"
    }
  }

  /// The exit code of the command for this error: bad data.
  package var exitCode: Int32 { 65 }
}
