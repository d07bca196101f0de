// Another order of the same tokens.

import PluginKit

/// The tokens of every sequence, special ones apart, in a random order; with `keep`, that share of the sequences stays.
///
/// Source: token shuffling of Yan et al., "ConSERT", ACL 2021, section 3.2, who shuffle the positions: the same for an
/// encoder that knows order by positions alone.
final class Shuffle: ViewEditor {
  let name = "shuffle"
  let summary = "the tokens in another order (ConSERT, ACL 2021)"

  let keep = Real(0, in: "[0,1]", live: true, "the share of texts that stay as they are")
  let edits = Choice(Edited.positive, "whose tokens")

  func augment(_ call: Call, _ edit: Edit) throws {
    let (draws, chosen) = try edit.draws(call)
    try edit.rewrite { sequence, tokens in
      if chosen[sequence] < call[keep] { return tokens.map { edit.id($0) } }
      var shuffled = edit.plain(tokens).sorted { (draws[$0], $0) < (draws[$1], $1) }[...]
      return tokens.map { edit.isSpecial($0) ? edit.id($0) : edit.id(shuffled.removeFirst()) }
    }
  }
}
