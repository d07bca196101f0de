// False negatives, found by a frozen encoder beside the one that is trained.

import PluginKit

/// Excludes every candidate that the guide finds nearer to the row's text than its positive is, and lets anchors
/// compete with anchors and positives with positives, too.
///
/// Row i has the candidates of its anchor among all positives, among all anchors, and of its positive among all
/// positives; one is excluded where `g > g(anchor i, positive i) - margin`, or with `relative` where
/// `g > g(anchor i, positive i) (1 - margin)`. Nothing is compared with itself.
///
/// Source: Solatorio, "GISTEmbed: Guided In-sample Selection of Training Negatives for Text Embedding Fine-tuning",
/// 2024, equations 1 and 2; margins as in Moreira et al., "NV-Retriever", 2024.
final class Gist: Sampler {
  let name = "gist"
  let summary = """
    candidates that a guide finds nearer than the positive are excluded (GISTEmbed, 2024); needs --guide
    excluded where g[i,j] > g[i, positive] - margin
    """

  let margin = Real(0, in: "[-2,2]", live: true, "how far behind the positive a negative has to be for the guide")
  let relative = Flag(false, live: true, "margin is a share of the positive's similarity")
  let sides = Flag(true, "anchors are compared with anchors, and positives with positives, too")

  let excluded = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    for view in 0..<limits.views { try plan.encode(view: view, by: .guide(0)) }
    guard call[sides] else { return }
    try plan.block(rows: .anchor, columns: .anchor, label: "anchors")
    try plan.block(rows: .positive, columns: .positive, label: "positives")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let guide = try (0..<batch.views).map { try batch.encoding($0) }
    var views = [(block: 0, rows: 0, columns: 1)]
    for block in 1..<max(1, out.firstOwn) where out.holdsHardNegatives(block) { views.append((block, 0, 2)) }
    if call[sides] { views += [(out.firstOwn, 0, 0), (out.firstOwn + 1, 1, 1)] }
    var (count, cells) = (0, 0)
    for (block, rows, columns) in views {
      let bias = try out.bias(block)
      for row in 0..<batch.rows {
        let positive = guide[0][row].dot(guide[1][row])
        let bound = call[relative] ? positive * (1 - call[margin]) : positive - call[margin]
        for column in 0..<batch.rows {
          let isPositive = block == 0 && column == row
          let isSelf = rows == columns && column == row
          if isPositive { continue }
          if !isSelf { cells += 1 }
          guard isSelf || guide[rows][row].dot(guide[columns][column]) > bound else { continue }
          bias[row, column] += -.infinity
          if !isSelf { count += 1 }
        }
      }
    }
    call.report(excluded, Double(count) / Double(max(1, cells)))
  }
}
