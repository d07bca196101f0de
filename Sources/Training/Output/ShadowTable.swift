// What shadows (`--shadow`) were like over a run, as a small table on standard error. Called by the models at the run's
// end.

import Files
import Objective

/// Means over the run, a line a shadow.
enum ShadowTable {
  /// `seconds`: what all of it took in this process.
  static func lines(_ shadows: [ShadowSummary], seconds: Double) -> [String] {
    let width = max(6, shadows.map(\.label.count).max() ?? 0)
    let title = ["batches", "loss", "leader's", "grad norm", "leader's", "cosine"]
    var lines = [
      "shadows: means over batches; gradients with respect to the embeddings; \(fixed(seconds, 2)) s in all",
      row(left("", width), title),
    ]
    for shadow in shadows {
      let mean = shadow.mean
      let numbers = [mean.loss, mean.leaderLoss, mean.gradNorm, mean.leaderNorm, mean.cosine].map(short)
      lines.append(
        row(left(shadow.label, width), ["\(shadow.batches)"] + numbers) + (shadow.isDropped ? "  dropped" : ""))
    }
    return lines
  }

  private static func row(_ name: String, _ cells: [String]) -> String {
    cells.reduce(name) { $0 + String(repeating: " ", count: max(2, 11 - $1.count)) + $1 }
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Four significant digits; `-` where there is no number.
  private static func short(_ value: Double) -> String { value.isNaN ? "-" : String(format: "%.4g", value) }
}
