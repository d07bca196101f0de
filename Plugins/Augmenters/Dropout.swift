// Another dropout for a view: the tokens stay, the network that reads them is thinned otherwise.

import PluginKit

/// Every text is read with a dropout of its own, drawn evenly from `rate - spread` to `rate + spread`; its tokens stay.
///
/// With the model's rate and no spread, training is that without this augmenter, to the bit.
///
/// Source: Zhang and Lan, "S-SimCSE: Sampled Sub-networks for Contrastive Learning of Sentence Embedding", 2021, who
/// draw a rate for each pass and a mask for each sentence.
final class ViewDropout: ViewEditor {
  let name = "dropout"
  let summary = "texts are read with a dropout of their own, the same for all or drawn (S-SimCSE, 2021)"

  let rate = Real(0.2, in: "[0,0.9]", live: true, "the probability")
  let spread = Real(0, in: "[0,0.9]", live: true, "how far a text's may be from it")
  let edits = Choice(Edited.positive, "whose texts")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try declare(call, plan)
    try plan.setsDropout()
  }

  func augment(_ call: Call, _ edit: Edit) throws {
    let (_, draws) = try edit.draws(call)
    for sequence in 0..<edit.sequences {
      let rate = call[rate] + call[spread] * (2 * draws[sequence] - 1)
      try edit.setDropout(sequence, min(max(rate, 0), 0.99))
    }
    try edit.rewrite { _, tokens in tokens.map { edit.id($0) } }
  }
}
