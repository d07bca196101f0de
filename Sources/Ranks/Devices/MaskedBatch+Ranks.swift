// A batch with hidden tokens on its way to all ranks: each takes its sequences and the positions in them.

import Encoder

extension MaskedBatch {
  /// What rank 0 says of it.
  var command: RankCommand.Masked {
    RankCommand.Masked(
      tokens: batch.tokens.count, sequences: batch.sequences, firstToken: batch.firstToken, positions: positions.count,
      step: step, factor: factor, hiddenDropout: hiddenDropout, attentionDropout: attentionDropout)
  }

  /// Tokens, lengths, positions and words, one after the other.
  var numbers: [Int32] { batch.tokens + batch.lengths + positions.map(Int32.init) + labels }

  /// How many numbers belong to a command.
  static func count(_ masked: RankCommand.Masked) -> Int { masked.tokens + masked.sequences + 2 * masked.positions }

  init(_ masked: RankCommand.Masked, _ numbers: [Int32]) {
    let (positions, labels) = (masked.tokens + masked.sequences, masked.tokens + masked.sequences + masked.positions)
    self.init(
      PackedBatch(
        tokens: Array(numbers[..<masked.tokens]), lengths: numbers[masked.tokens..<positions],
        firstToken: masked.firstToken),
      positions: numbers[positions..<labels].map(Int.init), labels: Array(numbers[labels...]), factor: masked.factor,
      step: masked.step, hiddenDropout: masked.hiddenDropout, attentionDropout: masked.attentionDropout)
  }
}
