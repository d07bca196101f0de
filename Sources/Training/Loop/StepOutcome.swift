// The loss and the metrics of one optimiser step: the mean over its batches. Used by TrainingRun.

import Objective

struct StepOutcome {
  private(set) var loss = 0.0
  /// Whether any row of any batch was compared with a negative, or was to move for another reason: what is left where
  /// all negatives are masked is below this.
  private(set) var hasContrast = false
  private static let noGradient = 1e-3
  private var names: [String] = []
  private var sums: [String: Double] = [:]
  private var counts: [String: Int] = [:]
  private var batches = 0

  /// Takes in the report of a batch, and what plugins reported of it until they had taken it into their states.
  mutating func add(_ report: StepReport, committed: [(name: String, value: Double)]) {
    batches += 1
    hasContrast =
      hasContrast || report.blocks.contains { $0.count > 0 } || report.gradientNorms.contains { $0 > Self.noGradient }
    loss += (report.loss - loss) / Double(batches)
    for (name, value) in report.figures + committed + report.metrics { add(name, value) }
  }

  /// The means by name, in the order of the first batch; NaN where no batch had a value.
  var metrics: [(name: String, value: Double)] {
    names.map { ($0, (sums[$0] ?? 0) / Double(counts[$0] ?? 0)) }
  }

  private mutating func add(_ name: String, _ value: Double) {
    if sums[name] == nil {
      names.append(name)
      sums[name] = 0
      counts[name] = 0
    }
    guard value.isFinite else { return }
    sums[name, default: 0] += value
    counts[name, default: 0] += 1
  }
}
