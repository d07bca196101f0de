// Words that are left out or hidden.

import PluginKit

/// Every word is left out with probability `rate`; of a text at least one word stays.
///
/// Source: Wu et al., "CLEAR: Contrastive Learning for Sentence Representation", 2020; among the augmentations of Wu et
/// al., "PCL: Peer-Contrastive Learning with Diverse Augmentations", EMNLP 2022.
final class Deletion: ViewEditor {
  let name = "delete"
  let summary = "some words are left out (CLEAR, 2020; PCL, EMNLP 2022)"

  let rate = Real(0.1, in: "[0,1]", live: true, "the probability of a word")
  let edits = Choice(Edited.positive, "whose tokens")

  func augment(_ call: Call, _ edit: Edit) throws {
    let (draws, _) = try edit.draws(call)
    try edit.rewrite { _, tokens in
      // The number of a word's first token is the word's.
      var first: [Int: Int] = [:]
      for token in edit.plain(tokens) { first[edit.word(token)] = first[edit.word(token)] ?? token }
      var kept = Set(first.filter { draws[$0.value] >= call[rate] }.map(\.key))
      if kept.isEmpty, let last = first.max(by: { draws[$0.value] < draws[$1.value] }) { kept = [last.key] }
      return tokens.filter { edit.isSpecial($0) || kept.contains(edit.word($0)) }.map { edit.id($0) }
    }
  }
}

/// Every token is hidden behind the tokenizer's mask token with probability `rate`.
///
/// Source: token cutoff of Yan et al., "ConSERT: A Contrastive Framework for Self-Supervised Sentence Representation
/// Transfer", ACL 2021, section 3.2, who set the token's embedding to zero; tokens are all that is edited here.
final class Cutoff: ViewEditor {
  let name = "cutoff"
  let summary = "some tokens are hidden behind the mask token (after ConSERT's token cutoff, ACL 2021)"

  let rate = Real(0.15, in: "[0,1]", live: true, "the probability of a token")
  let edits = Choice(Edited.positive, "whose tokens")

  func augment(_ call: Call, _ edit: Edit) throws {
    guard let mask = edit.maskID else { throw PluginError.unsupported("cutoff needs a tokenizer with a mask token") }
    let (draws, _) = try edit.draws(call)
    try edit.rewrite { _, tokens in
      tokens.map { !edit.isSpecial($0) && draws[$0] < call[rate] ? mask : edit.id($0) }
    }
  }
}
