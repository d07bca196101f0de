// A further encoding of a view's texts, as a plan asks for it: read from cse_encoding and checked. Computed by whoever
// drives the objective, since the objective has no encoder.

import PluginAPI

/// What a sampler or a loss wants to know of a view beside the embeddings it is trained on; equal ones are computed
/// once.
package struct PlannedEncoding: Sendable, Hashable, CustomStringConvertible {
  /// Who encodes.
  package enum Source: Sendable, Hashable {
    /// The run's own encoder, poolers and head. `dropout`: nil for the run's own, 0 for none.
    case encoder(dropout: Float?)
    /// Their moving average.
    case average(decay: Float, dropout: Float?)
    /// Frozen encoder `index` of the run.
    case guide(Int)
  }

  /// The view: 0 anchor, 1 positive, 2 hard negative.
  package let view: Int
  /// Who encodes.
  package let source: Source

  /// An encoding by its parts.
  package init(view: Int, by source: Source) {
    self.view = view
    self.source = source
  }

  /// `z2 by the moving average (decay 0.995) without dropout`, for messages.
  package var description: String {
    func masks(_ dropout: Float?) -> String {
      dropout.map { $0 == 0 ? " without dropout" : " with dropout \($0)" } ?? " with dropout"
    }
    return switch source {
    case .encoder(let dropout): "z\(view + 1) by the encoder\(masks(dropout))"
    case .average(let decay, let dropout): "z\(view + 1) by the moving average (decay \(decay))\(masks(dropout))"
    case .guide(let index): "z\(view + 1) by guide \(index + 1)"
    }
  }

  /// The width of its vectors.
  package func width(_ limits: PluginLimits) -> Int {
    if case .guide(let index) = source { limits.guideWidths[index] } else { limits.width }
  }

  /// Reads and checks encoding `index` of a plan.
  init(_ raw: cse_encoding, index: Int, limits: PluginLimits) throws {
    let title = "encodings[\(index)]"
    guard raw.view >= 0, Int(raw.view) < limits.viewCount else {
      throw PlanRefusal("\(title): view is \(raw.view), but this run has views 0 to \(limits.viewCount - 1)")
    }
    view = Int(raw.view)
    guard raw.dropout == -1 || (0..<1).contains(raw.dropout) else {
      throw PlanRefusal("\(title): dropout is \(raw.dropout), expected 0 to below 1, or -1 for the run's own")
    }
    let dropout = raw.dropout == -1 ? nil : raw.dropout
    switch Int(raw.by) {
    case Int(CSE_BY_ENCODER): source = .encoder(dropout: dropout)
    case Int(CSE_BY_AVERAGE):
      guard (0...1).contains(raw.decay) else {
        throw PlanRefusal("\(title): decay is \(raw.decay), expected 0 to 1")
      }
      source = .average(decay: raw.decay, dropout: dropout)
    case Int(CSE_BY_GUIDE):
      guard view < limits.viewCount - limits.addedViews else {
        throw PlanRefusal(
          "\(title): it wants view z\(view + 1) by a guide, which reads texts; an augmenter of this run made that view "
            + "of tokens: leave one of the two out")
      }
      let count = limits.guideWidths.count
      guard Int(raw.guide) < count else {
        throw PlanRefusal(
          "it reads guide \(raw.guide + 1), and this run has \(count == 0 ? "none" : "\(count)"): name "
            + "\(count == 0 ? "one" : "another") with --guide, a model folder or a .npy file with a vector for each row"
        )
      }
      source = .guide(Int(raw.guide))
    default: throw PlanRefusal("\(title): by is \(raw.by), expected CSE_BY_ENCODER, CSE_BY_AVERAGE or CSE_BY_GUIDE")
    }
  }
}
