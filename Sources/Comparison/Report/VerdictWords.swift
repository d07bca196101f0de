// Numbers of the verdicts as text, the same in every kind of report. Called by VerdictTable and VerdictSection.

import Files
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

  /// How many seeds show a difference with 50 and with 80 per cent, in a table's cell.
  static func seeds(_ needed: SeedsToShow) -> String {
    switch (needed.half, needed.most) {
    case (.never, _): "+-\(fixed(needed.staysOpen, 2)) stays open"
    case (let half, let most): "\(seeds(half)) / \(seeds(most))"
    }
  }

  private static func seeds(_ answer: SeedsToShow.Answer) -> String {
    switch answer {
    case .seeds(let count): "\(count)"
    case .tooMany: "> \(SeedsToShow.most)"
    case .never: "never"
    }
  }

  /// The shortest text of a size that was asked for: `0.5`.
  static func size(_ value: Double) -> String { "\(value)" }

  /// What the corrected intervals of a comparison are called.
  static func intervalName(_ family: Family) -> String {
    let isCorrected = family.comparisons > 1 || family.looks.contains { $0.divisor > 1 }
    return isCorrected ? "simultaneous 95 %" : "95 % interval"
  }
}
