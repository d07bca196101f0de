// MixCSE's sampler: hard negatives made by mixing the features of positives and negatives.

import Glibc
import PluginKit

/// Negatives mixed from a positive and the next row's vector.
///
/// With indices modulo N, share `lambda` and stop-gradient sg:
/// `m_j = sg(lambda z2_j + (1 - lambda) z2_{j+1})` joins the candidates of every anchor, and
/// `n_i = sg(lambda z1_i + (1 - lambda) z1_{i+1})` adds the comparisons of mixed anchors with every positive.
/// The cell whose mixture holds `1 - lambda` of the row's own positive (or anchor) is masked.
///
/// Variants: along the arc between unit vectors at angle w, `(sin(lambda w) a + sin((1 - lambda) w) b) / sin w`, in
/// place of the line; a share drawn for each mixture from Beta(alpha, alpha); as the neighbour of j the row whose
/// vector is nearest to j's other side, `argmax_k cos(z1_j, z2_k)` for z2 and `argmax_k cos(z1_k, z2_j)` for z1.
///
/// Source: Zhang et al., "Unsupervised Sentence Representation via Contrastive Learning with Mixing Negatives",
/// AAAI 2022; defaults as in the released code. Arc: Shoemake, SIGGRAPH 1985. Beta: Zhang et al., "mixup", ICLR 2018.
final class MixCSE: Sampler {
  enum Mask: Int64, CaseIterable { case zero, exclude }
  enum Direction: Int64, CaseIterable { case both, anchor }
  enum Neighbour: Int64, CaseIterable { case roll, random, hardest }
  enum Along: Int64, CaseIterable { case line, arc }

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
  let neighbour = Choice(
    Neighbour.roll,
    "roll: the next row; random: another row, drawn again at each step; hardest: the nearest in-batch negative")
  let along = Choice(Along.line, "mix along the line, or along the arc between unit vectors")
  let alpha = Real(0, in: "[0,)", live: true, "above 0: each mixture's share is drawn from Beta(alpha, alpha)")

  let meanShare = Metric()

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
    let sides = out.blockCount - out.firstOwn
    var sum = 0.0
    for side in 0..<sides {
      let block = out.firstOwn + side
      let source = try call[normalize] || call[along] == .arc ? batch.unit(1 - side) : batch.view(1 - side)
      let (mixed, gain, bias) = try (out.vectors(side), out.gain(block), out.bias(block))
      for row in 0..<batch.rows {
        let other = try partner(of: row, side, call, batch.rows, out)
        let part = try share(of: row, side, call, batch.rows)
        sum += Double(part)
        mix(source[row], source[other], part, call[along], into: mixed[row])
        if out.columns(block) == 1 {
          if other == row { hide(call, gain, bias, row, 0) }  // a batch of one row: its mixture is its positive
          bias[row, 0] += call[hardWeight]
        } else {
          side == 0 ? hide(call, gain, bias, other, row) : hide(call, gain, bias, row, other)
          bias[row, row] += call[hardWeight]
        }
      }
    }
    if call[alpha] > 0 { call.report(meanShare, sum / Double(sides * batch.rows)) }
  }

  private func hide(_ call: Call, _ gain: Matrix, _ bias: Matrix, _ row: Int, _ column: Int) {
    gain[row, column] = 0
    if call[mask] == .exclude { bias[row, column] += -.infinity }
  }

  /// The row that is mixed into `row`; never itself, unless it is alone.
  private func partner(of row: Int, _ side: Int, _ call: Call, _ rows: Int, _ out: Candidates) throws -> Int {
    guard rows > 1, call[neighbour] != .roll else { return (row + 1) % rows }
    if call[neighbour] == .hardest {
      let similarity = try out.similarities(0)
      func cosine(_ other: Int) -> Float { side == 0 ? similarity[row, other] : similarity[other, row] }
      let first = row == 0 ? 1 : 0
      return (0..<rows).reduce(first) { $1 != row && cosine($1) > cosine($0) ? $1 : $0 }
    }
    var number: Float = 0
    try call.random(.uniform, offset: row, into: &number, count: 1)
    return (row + 1 + min(Int(number * Float(rows - 1)), rows - 2)) % rows
  }

  /// The share of a row's own vector: `lambda`, or drawn from Beta(alpha, alpha).
  ///
  /// With u and v uniform and c = cos(2 pi v), `1/2 + sign(c) / (2 sqrt(1 + 1 / ((u^(-1/alpha) - 1) c^2)))` is Beta
  /// distributed: Devroye, "Random Variate Generation in One Line of Code", 1996. Two numbers a mixture, so that draws
  /// need no loop; they lie behind those of the neighbours.
  private func share(of row: Int, _ side: Int, _ call: Call, _ rows: Int) throws -> Float {
    guard call[alpha] > 0 else { return call[lambda] }
    var numbers: [Float] = [0, 0]
    try call.random(.uniform, offset: rows + 2 * (side * rows + row), into: &numbers, count: 2)
    let (u, c) = (max(Double(numbers[0]), 0x1p-32), cos(2 * Double.pi * Double(numbers[1])))
    let odds = (pow(u, -1 / Double(call[alpha])) - 1) * c * c
    // Beyond what a double holds the share is that of the limit, 0 or 1; at odds of 0 it is 1/2.
    return Float(0.5 + (c < 0 ? -0.5 : 0.5) / (1 + 1 / odds).squareRoot())
  }

  private func mix(_ own: Vector, _ other: Vector, _ share: Float, _ along: Along, into mixed: Vector) {
    guard along == .arc else { return mixed.setMix(own, other, share: share) }
    let cosine = max(-1, min(1, Double(own.dot(other))))
    let (angle, sine) = (acos(cosine), (1 - cosine * cosine).squareRoot())
    // Nearly the same direction, or opposite ones: the arc is a point, or not one arc.
    guard sine > 1e-4 else { return mixed.setMix(own, other, share: share) }
    let (first, second) = (sin(Double(share) * angle) / sine, sin((1 - Double(share)) * angle) / sine)
    for k in 0..<mixed.count { mixed[k] = Float(first) * own[k] + Float(second) * other[k] }
  }
}
