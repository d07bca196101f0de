// MixCSE's sampler: hard negatives made by mixing the features of positives and negatives.

import PluginKit

/// Negatives mixed from a positive and the next row's vector.
///
/// With indices modulo N, share `lambda` and stop-gradient sg:
/// `m_j = sg(lambda z2_j + (1 - lambda) z2_{j+1})` joins the candidates of every anchor, and
/// `n_i = sg(lambda z1_i + (1 - lambda) z1_{i+1})` adds the comparisons of mixed anchors with every positive.
/// The cell whose mixture holds `1 - lambda` of the row's own positive (or anchor) is masked.
///
/// Source: Zhang et al., "Unsupervised Sentence Representation via Contrastive Learning with Mixing Negatives",
/// AAAI 2022; defaults as in the released code.
final class MixCSE: Sampler {
  enum Mask: Int64, CaseIterable { case zero, exclude }
  enum Direction: Int64, CaseIterable { case both, anchor }
  enum Neighbour: Int64, CaseIterable { case roll, random }

  let name = "mixcse"
  let summary = """
    negatives mixed from each positive and its neighbour (MixCSE, AAAI 2022)
    m_j = sg(lambda z2_j + (1 - lambda) z2_{j+1}) for the anchors, the same of z1 against the positives
    """

  let lambda = Real(0.2, in: "[0,1]", live: true, "share of the row's own vector in its mixture")
  let hardWeight = Real(0, live: true, "logit added to each row's own mixture")
  let mask = Choice(Mask.zero, "the cell that holds the row's own positive: its logit becomes 0, or it is left out")
  let direction = Choice(Direction.both, "anchor: mix positives only; both: mix anchors, too")
  let normalize = Flag(false, "mix unit vectors instead of raw ones")
  let ownMixOnly = Flag(false, "each anchor meets its own mixture only")
  let neighbour = Choice(Neighbour.roll, "roll: the next row; random: another row, drawn again at each step")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    let own = call[ownMixOnly]
    try plan.block(
      rows: .anchor, columns: .new(0), own ? [.detachColumns, .perRow] : .detachColumns, perRow: own ? 1 : 0,
      label: "mixed")
    if call[direction] == .both && !own {
      try plan.block(rows: .new(1), columns: .positive, .detachRows, label: "mixed-anchor")
    }
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let share = call[lambda]
    for side in 0..<(out.blockCount - out.firstOwn) {
      let block = out.firstOwn + side
      let source = try call[normalize] ? batch.unit(1 - side) : batch.view(1 - side)
      let (mixed, gain, bias) = try (out.vectors(side), out.gain(block), out.bias(block))
      for row in 0..<batch.rows {
        let other = try partner(of: row, call, batch.rows)
        mixed[row].setMix(source[row], source[other], share: share)
        if out.columns(block) == 1 {
          if other == row { hide(call, gain, bias, row, 0) }  // a batch of one row: its mixture is its positive
          bias[row, 0] += call[hardWeight]
        } else {
          side == 0 ? hide(call, gain, bias, other, row) : hide(call, gain, bias, row, other)
          bias[row, row] += call[hardWeight]
        }
      }
    }
  }

  private func hide(_ call: Call, _ gain: Matrix, _ bias: Matrix, _ row: Int, _ column: Int) {
    gain[row, column] = 0
    if call[mask] == .exclude { bias[row, column] += -.infinity }
  }

  /// The row that is mixed into `row`; never itself, unless it is alone.
  private func partner(of row: Int, _ call: Call, _ rows: Int) throws -> Int {
    guard call[neighbour] == .random, rows > 1 else { return (row + 1) % rows }
    var number: Float = 0
    try call.random(.uniform, offset: row, into: &number, count: 1)
    return (row + 1 + min(Int(number * Float(rows - 1)), rows - 2)) % rows
  }
}
