// What one step tells: the loss and its parts, metrics of the plugins, mean logits by kind of candidate. All of it
// comes from the forward pass that was trained on; nothing is computed twice and no random number is drawn for it.

/// One block of candidates, as reports and `mixcse probe` show it.
package struct BlockReport: Sendable, Equatable {
  /// `in-batch`, `hard-negative`, or what the sampler calls it.
  package var label: String
  /// The sampler instance that declared it; empty for the host's own blocks.
  package var sampler: String
  /// `z1`, `new[0]`, `state[0]`
  package var rows: String
  /// The same for the columns.
  package var columns: String
  /// Where no gradient goes: `none`, `rows`, `columns` or `both`.
  package var detached: String
  /// 0, or the number of another group of rows.
  package var group: Int
  /// Negatives compared: cells that are neither excluded, nor multiplied by 0, nor positives.
  package var count: Int
  /// Mean logit of these; NaN where there are none.
  package var meanLogit: Double
  /// Mean over rows of the softmax probability that the block's negatives take, masked ones included; nil if not asked
  /// for.
  package var softmaxShare: Double?
  /// The block's part of the sum of |dL/dsim|; nil if not asked for.
  package var gradientShare: Double?
}

/// The outcome of one forward (and backward) pass of the objective.
package struct StepReport: Sendable {
  /// The weighted sum of all losses, a mean over rows; not multiplied by `lossScale`.
  package var loss: Double = 0
  /// Each loss by itself, before its weight.
  package var losses: [(name: String, weight: Double, value: Double)] = []
  /// Learned temperatures, `temperature.infonce`, and what shadows made of the batch; from `EmbeddingObjective` also
  /// what plugins reported, `mixcse.lambda`, which in training `ContrastiveModel.commit` gives.
  package var metrics: [(name: String, value: Double)] = []
  /// The positives: mean logit, and the shares where they were asked for.
  package var positive = BlockReport(
    label: "positive", sampler: "", rows: "z1", columns: "z2", detached: "none", group: 0, count: 0, meanLogit: .nan)
  /// Every block's negatives.
  package var blocks: [BlockReport] = []
  /// Frobenius norm of the gradient with respect to each view's embeddings; empty without gradients.
  package var gradientNorms: [Double] = []
  /// The loss of each row; NaN where a loss does not report it. Empty if not asked for.
  package var rowLosses: [Double] = []
  /// The cells in detail; nil if not asked for.
  package var probe: CellProbeReport?

  /// A report to be filled.
  package init() {}

  /// Mean logits, and the losses where there are several, by the names they have in metrics.jsonl.
  package var figures: [(name: String, value: Double)] {
    var figures = [("positiveLogit", positiveLogit), ("mixedLogit", mixedLogit), ("otherLogit", otherLogit)]
    if mixedLogits.count > 1 { figures += mixedLogits.map { ("mixedLogit.\($0.label)", $0.value) } }
    if losses.count > 1 { figures += losses.map { ("loss.\($0.name)", $0.value) } }
    return figures
  }

  /// Mean logit of the positives.
  package var positiveLogit: Double { positive.meanLogit }

  /// Mean logit of the samplers' candidates by label, blocks of one label together.
  package var mixedLogits: [(label: String, value: Double)] {
    var labels: [String] = []
    for block in blocks where !block.sampler.isEmpty && !labels.contains(block.label) { labels.append(block.label) }
    return labels.map { label in (label, Self.mean(blocks.filter { $0.label == label && !$0.sampler.isEmpty })) }
  }

  /// Mean logit of all candidates of all samplers together; NaN without samplers.
  package var mixedLogit: Double { Self.mean(blocks.filter { !$0.sampler.isEmpty }) }

  /// Mean logit of the other negatives: other rows' positives, and real hard negatives.
  package var otherLogit: Double { Self.mean(blocks.filter(\.sampler.isEmpty)) }

  private static func mean(_ blocks: [BlockReport]) -> Double {
    let counted = blocks.filter { $0.count > 0 }
    let cells = counted.reduce(0) { $0 + $1.count }
    return counted.reduce(0) { $0 + $1.meanLogit * Double($1.count) } / Double(cells)
  }
}
