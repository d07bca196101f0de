// Words whose first letter changes its case.

import PluginKit

/// The first letter of each word is switched from lower to upper case, or back, with probability `rate`; that word
/// alone is made into tokens again.
///
/// A cased tokenizer makes other tokens of it, often several, and the meaning stays.
///
/// Source: Wang et al., "Improving Contrastive Learning of Sentence Embeddings with Case-Augmented Positives and
/// Retrieved Negatives" (CARDS), SIGIR 2022, section 3.1.
final class SwitchedCase: ViewEditor {
  let name = "switch-case"
  let summary = "the first letter of some words changes its case (CARDS, SIGIR 2022); needs a cased tokenizer"

  let rate = Real(0.1, in: "[0,1]", live: true, "the probability of a word")
  let edits = Choice(Edited.positive, "whose tokens")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try declare(call, plan)
    // A word may become its letters.
    plan.grow(2)
    let vocabulary = try call.vocabulary()
    let isCased = try "aeinorst".contains {
      try vocabulary.tokens(of: String($0)) != vocabulary.tokens(of: $0.uppercased())
    }
    guard isCased else {
      throw PluginError.unsupported(
        "switch-case needs a cased tokenizer; this one makes the same tokens of upper and lower case, so that nothing "
          + "would change: leave it out, or take a cased model")
    }
  }

  func augment(_ call: Call, _ edit: Edit) throws {
    let ((draws, _), vocabulary) = (try edit.draws(call), try call.vocabulary())
    try edit.rewrite { _, tokens in
      var (ids, place) = ([Int32](), tokens.lowerBound)
      let most = min(edit.maximumTokens, 2 * tokens.count)
      while place < tokens.upperBound {
        var end = place + 1
        while end < tokens.upperBound, edit.word(end) == edit.word(place), !edit.isSpecial(place) { end += 1 }
        let word = (place..<end).map { edit.id($0) }
        // The number of a word's first token is the word's.
        let isSwitched = !edit.isSpecial(place) && draws[place] < call[rate]
        let other = isSwitched ? try switched(word, vocabulary) : word
        ids += ids.count + other.count + tokens.upperBound - end <= most ? other : word
        place = end
      }
      return ids
    }
  }

  /// The tokens of a word with its first letter in the other case; the same where it has no letter with two cases.
  private func switched(_ word: [Int32], _ vocabulary: Vocabulary) throws -> [Int32] {
    guard let text = try vocabulary.text(of: word), let place = text.firstIndex(where: \.isLetter) else { return word }
    let letter = text[place]
    let other = letter.isUppercase ? letter.lowercased() : letter.uppercased()
    guard other.count == 1, other != String(letter) else { return word }
    let tokens = try vocabulary.tokens(of: text[..<place] + other + text[text.index(after: place)...])
    return tokens.isEmpty ? word : tokens
  }
}
