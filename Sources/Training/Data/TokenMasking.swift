// Which tokens a masked language model has to guess, and what it sees in their place. Used by training with --mlm, on a
// copy of the batch: the contrastive views keep their text.

import Kernels

/// A batch with some tokens hidden.
package struct MaskedTokens: Equatable {
  /// All tokens, the chosen ones replaced.
  package var tokens: [Int32]
  /// Which were chosen, ascending, and what they were.
  package var positions: [Int]
  /// The tokens that were at these positions.
  package var labels: [Int32]
}

/// Chooses tokens at random; 8 of 10 become the mask, 1 of 10 any token, 1 of 10 stays.
///
/// Source: Devlin et al., "BERT", 2019, section 3.1; special tokens are never chosen, as in Hugging Face's collator.
package struct TokenMasking {
  private let probability: Float
  private let maskID: Int32
  private let vocabularySize: Int
  private let stream: RandomStream

  /// - Parameters:
  ///   - probability: how likely a token is chosen, 0 to 1.
  package init(probability: Double, maskID: Int32, vocabularySize: Int, seed: UInt64) {
    self.probability = Float(probability)
    self.maskID = maskID
    self.vocabularySize = vocabularySize
    stream = RandomStream(seed: seed, name: "mlm")
  }

  /// The same for the same batch number, whatever else draws random numbers.
  package func mask(_ tokens: [Int32], flags: [UInt8], batch: UInt64) -> MaskedTokens {
    var result = MaskedTokens(tokens: tokens, positions: [], labels: [])
    let drawn = FloatBuffer(count: 3 * tokens.count)
    defer { withExtendedLifetime(drawn) {} }
    stream.uniform(
      step: batch, offset: 0, into: UnsafeMutableBufferPointer(start: drawn.pointer, count: 3 * tokens.count))
    for (index, token) in tokens.enumerated() where flags[index] == 0 {
      let (choice, fate, word) = (drawn.pointer[3 * index], drawn.pointer[3 * index + 1], drawn.pointer[3 * index + 2])
      guard choice < probability else { continue }
      result.positions.append(index)
      result.labels.append(token)
      if fate < 0.8 {
        result.tokens[index] = maskID
      } else if fate < 0.9 {
        result.tokens[index] = Int32(min(vocabularySize - 1, Int(word * Float(vocabularySize))))
      }
    }
    return result
  }
}
