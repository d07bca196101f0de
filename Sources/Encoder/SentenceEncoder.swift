// What stands between the encoder and the rest of the house: a packed batch goes in, hidden states come out,
// their gradients go back. Implemented by TransformerEncoder; called by training and by evaluation.

package import Kernels

/// Token ids of several sequences, one after the other without padding.
package struct PackedBatch: Sendable {
  /// The ids of all sequences.
  package var tokens: [Int32]
  /// Where each sequence starts in `tokens`, and the end: sequences + 1 numbers, the first 0.
  package var offsets: [Int]
  /// Of each sequence its probability of dropout where a pass has any, of hidden states and attention alike; negative:
  /// that of the pass. Nil: that of the pass for all.
  package var dropout: [Float]?
  /// Of a part of a batch the number of its first token in the whole; dropout masks belong to places in the whole.
  package var firstToken = 0

  /// A batch that is packed already; `offsets` start with 0 and end with the number of tokens.
  package init(tokens: [Int32], offsets: [Int]) {
    self.tokens = tokens
    self.offsets = offsets
  }

  /// The sequences in the given order.
  package init(_ sequences: [[Int32]]) {
    tokens = Array(sequences.joined())
    offsets = sequences.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
  }

  /// The number of sequences.
  package var sequences: Int { offsets.count - 1 }

  /// Some of the sequences, with the dropout masks that they have in this batch.
  package func part(_ range: Range<Int>) -> PackedBatch {
    let (first, end) = (offsets[range.lowerBound], offsets[range.upperBound])
    var part = PackedBatch(
      tokens: Array(tokens[first..<end]), offsets: offsets[range.lowerBound...range.upperBound].map { $0 - first })
    part.dropout = dropout.map { Array($0[range]) }
    part.firstToken = firstToken + first
    return part
  }

  /// Looks whether an encoder can compute it.
  /// - Throws: `EncoderError` naming sequence and position where a sequence is empty or too long, or an id is no token.
  package func check(maximumTokens: Int, vocabularySize: Int) throws {
    precondition(offsets.first == 0 && offsets.last == tokens.count, "offsets must span the tokens")
    for sequence in 0..<sequences {
      let (start, end) = (offsets[sequence], offsets[sequence + 1])
      guard end > start, end - start <= maximumTokens else {
        throw EncoderError.sequenceLength(sequence: sequence, tokens: end - start, maximum: maximumTokens)
      }
      for at in start..<end where !(0..<vocabularySize).contains(Int(tokens[at])) {
        throw EncoderError.tokenOutOfRange(
          sequence: sequence, position: at - start, token: tokens[at], vocabularySize: vocabularySize)
      }
    }
  }
}

/// Which hidden states a caller reads; nothing above or beside them is computed.
package struct LayerRequest: Sendable, Equatable {
  /// 0 is the embedding layer, `k` the output of transformer layer k.
  package var layers: [Int]
  /// Whether only the first token of each sequence is read: hidden states then have one row per sequence.
  package var firstTokenOnly: Bool
  /// Whether the mean over each sequence's tokens is all that is read. An encoder with `givesMeans` then hands out
  /// these, one row per sequence; any other hands out all tokens.
  package var meansAreEnough: Bool

  /// A request for at least one layer, 0 to `layerCount` - 1, in the order they are wanted.
  package init(layers: [Int], firstTokenOnly: Bool, meansAreEnough: Bool = false) {
    self.layers = layers
    self.firstTokenOnly = firstTokenOnly
    self.meansAreEnough = meansAreEnough
  }

  /// As `encoder` answers it: means are asked for where it gives them.
  package func answered(by encoder: any SentenceEncoder) -> LayerRequest {
    var request = self
    request.meansAreEnough = meansAreEnough && encoder.givesMeans
    return request
  }
}

/// Whether a forward pass is for reading only or prepares a backward pass, with dropout.
package enum EncoderMode: Sendable {
  /// No dropout; nothing is kept.
  case inference
  /// Keeps what backward needs. Masks depend on seed, layer, `step`, the token's index in the batch and feature only.
  case training(step: UInt64, hiddenDropout: Float, attentionDropout: Float)
  /// The same numbers as in training, with nothing kept: no backward can follow.
  case reading(step: UInt64, hiddenDropout: Float, attentionDropout: Float)
}

/// An encoder of token sequences with its backward pass.
package protocol SentenceEncoder: AnyObject {
  /// The width of a hidden state.
  var hiddenSize: Int { get }
  /// The number of hidden states: transformer layers + 1 for the embeddings.
  var layerCount: Int { get }
  /// The longest sequence the encoder has positions for.
  var maximumTokens: Int { get }
  /// Token ids are below it.
  var vocabularySize: Int { get }
  /// Everything that learns, in a fixed order, by Hugging Face's names.
  var parameters: [Parameter] { get }
  /// Where the parameters live on a device, of which `parameters` are mirrors; nil where they are here.
  var device: (any DeviceWeights)? { get }
  /// Whether it hands out means over tokens where these are enough.
  var givesMeans: Bool { get }
  /// Its head for masked words, where that is on a device with the parameters; nil: there is none, or it is here.
  var maskedWords: (any MaskedWords)? { get }

  /// The requested hidden states in the order of `request.layers`: `[tokens, hiddenSize]`, or
  /// `[sequences, hiddenSize]` for first tokens and means. They are valid until the next forward.
  /// - Throws: an error that names sequence and value where a sequence is empty or too long or an id is no token.
  func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix]

  /// Adds to the parameters' gradients what the gradients of the last forward's hidden states cause.
  func backward(_ gradients: [Matrix]) throws
}

extension SentenceEncoder {
  /// None: the parameters are here.
  package var device: (any DeviceWeights)? { nil }
  /// All tokens, which are here, so that poolers make what they want of them.
  package var givesMeans: Bool { false }
  /// None: a head is here, above the hidden states (`MaskedLanguageHead`).
  package var maskedWords: (any MaskedWords)? { nil }
}
