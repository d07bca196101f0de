// A batch on its way: all of it goes to every rank, which takes its part. Token ids are few bytes beside what else
// travels, and every rank learns which rows of the word table have gradients.

import Encoder

/// A batch with what is asked of it.
struct RankBatch {
  var batch: PackedBatch
  var request: LayerRequest
  var mode: EncoderMode

  /// What rank 0 says of it.
  var command: RankCommand.Forward {
    var forward = RankCommand.Forward(
      tokens: batch.tokens.count, sequences: batch.sequences, firstToken: batch.firstToken,
      layers: request.layers.count, firstTokenOnly: request.firstTokenOnly, meansAreEnough: request.meansAreEnough,
      hasRates: batch.dropout != nil, mode: .inference, step: 0, hiddenDropout: 0, attentionDropout: 0)
    switch mode {
    case .inference: break
    case .training(let step, let hidden, let attention):
      (forward.mode, forward.step) = (.training, step)
      (forward.hiddenDropout, forward.attentionDropout) = (hidden, attention)
    case .reading(let step, let hidden, let attention):
      (forward.mode, forward.step) = (.reading, step)
      (forward.hiddenDropout, forward.attentionDropout) = (hidden, attention)
    }
    return forward
  }

  /// Tokens, lengths, layers and rates, one after the other.
  var numbers: [Int32] {
    batch.tokens + batch.lengths + request.layers.map(Int32.init)
      + (batch.dropout ?? []).map { Int32(bitPattern: $0.bitPattern) }
  }

  init(_ batch: PackedBatch, _ request: LayerRequest, _ mode: EncoderMode) {
    (self.batch, self.request, self.mode) = (batch, request, mode)
  }

  /// How many numbers belong to a command.
  static func count(_ forward: RankCommand.Forward) -> Int {
    forward.tokens + forward.sequences + forward.layers + (forward.hasRates ? forward.sequences : 0)
  }

  init(_ forward: RankCommand.Forward, _ numbers: [Int32]) {
    var rest = numbers[...]
    func next(_ count: Int) -> ArraySlice<Int32> {
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
    let tokens = Array(next(forward.tokens))
    batch = PackedBatch(tokens: tokens, lengths: next(forward.sequences), firstToken: forward.firstToken)
    request = LayerRequest(
      layers: next(forward.layers).map(Int.init), firstTokenOnly: forward.firstTokenOnly,
      meansAreEnough: forward.meansAreEnough)
    if forward.hasRates {
      batch.dropout = next(forward.sequences).map { Float(bitPattern: UInt32(bitPattern: $0)) }
    }
    mode =
      switch forward.mode {
      case .inference: .inference
      case .training:
        .training(
          step: forward.step, hiddenDropout: forward.hiddenDropout, attentionDropout: forward.attentionDropout)
      case .reading:
        .reading(
          step: forward.step, hiddenDropout: forward.hiddenDropout, attentionDropout: forward.attentionDropout)
      }
  }

  /// The sequences of each of some shards.
  func parts(_ shards: Int) -> [Range<Int>] { RankShares.sequences(offsets: batch.offsets, ranks: shards) }

  /// The rows of a hidden state that belong to some sequences.
  func rows(_ part: Range<Int>) -> Range<Int> { request.rows(of: part, in: batch) }

  /// Where the rows of each rank begin in a hidden state of this width, in numbers; a rank has `each` of the parts.
  func starts(_ parts: [Range<Int>], each: Int, width: Int) -> [Int64] {
    [0] + stride(from: each - 1, to: parts.count, by: each).map { Int64(rows(parts[$0]).upperBound * width) }
  }
}

extension PackedBatch {
  /// Tokens of each sequence.
  var lengths: [Int32] { zip(offsets, offsets.dropFirst()).map { Int32($1 - $0) } }

  /// A batch from tokens and how many each sequence has.
  init(tokens: [Int32], lengths: ArraySlice<Int32>, firstToken: Int) {
    self.init(tokens: tokens, offsets: lengths.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int($1)) })
    self.firstToken = firstToken
  }
}
