// A sampler in Swift: negatives on the arc between neighbouring positives. The kit is compiled in beside this file.

import Glibc
import PluginAPI

/// `m_i = sg((sin(lambda w) u2_i + sin((1 - lambda) w) u2_{i+1}) / sin w)` with `cos w = u2_i . u2_{i+1}`, unit vectors
/// u2.
final class Spherical: Sampler {
  let name = "spherical"
  let summary = "negatives on the arc between each positive and its neighbour"
  let lambda = Real(0.2, in: "[0,1]", live: true, "share of the arc that lies at the row's own positive")
  let angle = Metric()

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    try plan.block(rows: .anchor, columns: .new(0), .detachColumns, label: "spherical")
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    let (units, vectors, gain) = try (batch.unit(1), out.vectors(0), out.gain(out.firstOwn))
    var sum = 0.0
    for row in 0..<batch.rows {
      let next = (row + 1) % batch.rows
      let cosine = max(-1, min(1, units[row].dot(units[next])))
      let (w, share) = (acos(cosine), call[lambda])
      // Nearly the same direction, or opposite ones, are no arc: fall back to the line.
      let isArc = sin(w) > 1e-4
      let (own, other) = isArc ? (sin(share * w) / sin(w), sin((1 - share) * w) / sin(w)) : (share, 1 - share)
      vectors[row].fill(0)
      vectors[row].add(units[row], times: own)
      vectors[row].add(units[next], times: other)
      // Its largest part is the next row's positive, so the next row does not meet it.
      gain[next, row] = 0
      sum += Double(w)
    }
    call.report(angle, sum / Double(batch.rows))
  }
}

private let library = Library(id: "org.example.spherical", version: "1.0.0", [Spherical()])

@c @implementation
public func cse_library_entry_v1(_ host: UnsafePointer<cse_host>?) -> UnsafePointer<cse_library>? { library.entry }
