// Lists of similarities: every anchor with all positives, as the embeddings say and as a frozen encoder says. What the
// losses of this folder compare.

import PluginKit

/// The similarities that a guide gives to every anchor with all positives.
struct GuideLists {
  /// Encodings of anchors and of positives, and the share of their similarities; one or two guides.
  let parts: [(anchors: Matrix, positives: Matrix, share: Double)]

  /// Asks for both views by guide 1, and by guide 2 where there are `guides` = 2.
  static func declare(_ plan: Plan, guides: Int = 1) throws {
    for guide in 0..<guides { for view in 0...1 { try plan.encode(view: view, by: .guide(guide)) } }
  }

  /// - Parameter alpha: guide 1's share of the similarities where there are two.
  init(_ batch: Batch, guides: Int = 1, alpha: Double = 1) throws {
    parts = try (0..<guides).map { guide in
      (
        try batch.encoding(2 * guide), try batch.encoding(2 * guide + 1),
        guides == 1 ? 1 : guide == 0 ? alpha : 1 - alpha
      )
    }
  }

  /// Anchor `row` with every positive.
  func list(_ row: Int) -> [Double] {
    (0..<parts[0].positives.rows).map { column in
      parts.reduce(0) { $0 + $1.share * Double($1.anchors[row].dot($1.positives[column])) }
    }
  }
}

extension Batch {
  /// The mean over rows of a loss on the list of each; its gradient goes to the unit vectors.
  ///
  /// - Parameter body: the loss of a row and its gradient at the row's list, anchor `row` with every positive. Called
  ///   on several threads.
  func meanOverLists(
    _ call: Call, _ body: (_ row: Int, _ list: [Double]) -> (loss: Double, gradient: [Double])
  ) throws -> Double {
    let (anchors, positives) = try (unit(0), unit(1))
    let slopes = UnsafeMutableBufferPointer<Double>.allocate(capacity: rows * rows)
    let losses = UnsafeMutableBufferPointer<Double>.allocate(capacity: rows)
    defer {
      slopes.deallocate()
      losses.deallocate()
    }
    try call.parallelFor(rows, grain: 4) { range in
      for row in range {
        let (loss, gradient) = body(row, (0..<rows).map { Double(anchors[row].dot(positives[$0])) })
        losses[row] = loss
        for column in 0..<rows { slopes[row * rows + column] = gradient[column] / Double(rows) }
      }
    }
    if let (first, second) = gradients {
      try call.parallelFor(rows, grain: 4) { range in
        for row in range {
          for other in 0..<rows {
            first[row].add(positives[other], times: Float(slopes[row * rows + other]))
            second[row].add(anchors[other], times: Float(slopes[other * rows + row]))
          }
        }
      }
    }
    return losses.reduce(0, +) / Double(rows)
  }

  private var gradients: (Matrix, Matrix)? {
    guard let first = unitGradient(0), let second = unitGradient(1) else { return nil }
    return (first, second)
  }
}
