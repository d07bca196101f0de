// The verdicts in plain words, the same in every kind of report. Called by VerdictTable and the sections of the page.

import Foundation
import Training

/// Sentences about one strategy against the first.
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

  /// What can be said of `label` against `first`, as a sentence.
  static func sentence(_ item: StrategyComparison, label: String, first: String) -> String {
    guard let mean = item.mean else {
      return "\(label) and \(first) have no seed in common: not compared."
    }
    guard let found = item.correctedInterval else {
      return "No difference shown between \(label) and \(first): there are too few pairs for an interval."
    }
    switch item.verdict {
    case .better, .worse:
      return """
        \(label) is \(item.verdict.rawValue) than \(first) by \(fixed(abs(mean), 2)) (95 % interval \(interval(found))).
        """
    case .noClaim:
      return """
        \(label) and \(first) have one seed in common. These two models differ by \(signed(mean)) (95 % interval over pairs \
        only \(interval(found))); another seed may turn it round, so no claim about the methods is possible.
        """
    case .noDifferenceShown, .notCompared:
      let start = "No difference shown between \(label) and \(first): \(signed(mean)), interval \(interval(found))"
      if item.basis == .pairsOnly {
        return start + " over pairs only, from one common seed; no claim about the methods is possible."
      }
      return start + "." + (item.seedsNeeded.map { " " + advice($0) } ?? "")
    }
  }

  /// What more seeds could do, as a sentence.
  static func advice(_ needed: SeedsNeeded) -> String {
    switch needed {
    case .more(1): "If this difference is real, 1 more seed would probably show it."
    case .more(let count): "If this difference is real, about \(count) more seeds would probably show it."
    case .tooMany: "To show a difference this small would take more than \(SeedsNeeded.most) more seeds."
    case .pairsTooFew: "More seeds cannot show a difference this small: there are too few sentence pairs."
    }
  }

  /// `3 up, 0 down`: in how many seeds it was better and worse.
  static func signs(_ item: StrategyComparison) -> String { "\(item.positive) up, \(item.negative) down" }
}
