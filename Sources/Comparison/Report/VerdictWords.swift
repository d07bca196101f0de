// Numbers of the verdicts as text, the same in every kind of report. Called by VerdictTable and VerdictSection.

import Foundation
import Training

/// Differences, intervals and p-values as text.
enum VerdictWords {
  /// A number with its sign: `+0.59`.
  static func signed(_ value: Double, _ digits: Int = 2) -> String { String(format: "%+.\(digits)f", value) }

  /// `-0.32 to +0.91`.
  static func interval(_ interval: ClosedRange<Double>) -> String {
    "\(signed(interval.lowerBound)) to \(signed(interval.upperBound))"
  }

  /// Three decimals; `< 0.001` below them.
  static func probability(_ value: Double) -> String { value < 0.001 ? "< 0.001" : fixed(value, 3) }

  /// How many more seeds, in a table's cell.
  static func seeds(_ needed: SeedsNeeded) -> String {
    switch needed {
    case .more(let count): "\(count)"
    case .tooMany: "more than \(SeedsNeeded.most)"
    case .pairsTooFew: "more pairs needed"
    }
  }
}
