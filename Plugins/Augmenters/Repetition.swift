// Repeated tokens: the positive says the same and is longer.

import PluginKit

/// In every sequence of N tokens, special ones apart, `d` of them stand twice, `d` drawn from 0 to `max(2, rate N)`.
///
/// With dropout alone a text and its positive have the same length, and the encoder learns that length means likeness.
///
/// Source: Wu et al., "ESimCSE: Enhanced Sample Building Method for Contrastive Learning of Unsupervised Sentence
/// Embedding", COLING 2022, equations 2 and 3.
final class Repetition: ViewEditor {
  let name = "repeat"
  let summary = "some tokens stand twice, so that length says nothing (ESimCSE, COLING 2022)"

  let rate = Real(0.32, in: "[0,1]", live: true, "the most tokens that are repeated, as a share of a text's")
  let edits = Choice(Edited.positive, "whose tokens")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try declare(call, plan)
    // Of a text of one token, two may be repeated: it is one then.
    plan.grow(2)
  }

  func augment(_ call: Call, _ edit: Edit) throws {
    let (draws, lengths) = try edit.draws(call)
    try edit.rewrite { sequence, tokens in
      let plain = edit.plain(tokens)
      let most = min(plain.count, max(2, Int(call[rate] * Float(plain.count))))
      let count = min(Int(lengths[sequence] * Float(most + 1)), max(0, edit.maximumTokens - tokens.count))
      let repeated = Set(plain.sorted { (draws[$0], $0) < (draws[$1], $1) }.prefix(count))
      return tokens.flatMap { repeated.contains($0) ? [edit.id($0), edit.id($0)] : [edit.id($0)] }
    }
  }
}
