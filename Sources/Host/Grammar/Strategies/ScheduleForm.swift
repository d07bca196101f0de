// The course of a number over a run, as it is written: `linear(0.1,0.4)`, `cosine(1,0,500)`. This file alone knows the
// syntax: SpecParser and StrategyGrid ask where such a value ends, `--schedule` of training reads and follows it.

import Glibc

/// A number that goes from one value to another over the steps of a run, and stays there.
package struct ScheduleForm: Sendable, Equatable {
  /// The way between the two values.
  package enum Curve: String, Sendable, CaseIterable {
    /// A straight line.
    case linear
    /// Half a cosine: slow at both ends, fast between.
    case cosine
  }

  /// How it gets from one number to the other.
  package let curve: Curve
  /// The number at the first step and at the last.
  package let from, to: Double
  /// How many steps it takes, at least 1; nil for all of the run.
  package let steps: Int?

  /// How the form of a curve is written, for messages.
  package static func syntax(_ curve: Curve) -> String {
    "\(curve.rawValue)(from,to) or \(curve.rawValue)(from,to,steps) with steps of at least 1"
  }

  /// The curve that `text` begins to write; nil where it is no form at all.
  package static func curve(of text: String) -> Curve? {
    text.firstIndex(of: "(").flatMap { Curve(rawValue: String(text[..<$0])) }
  }

  /// Reads `linear(0.1,0.4)`, `cosine(1,0,500)`; nil for anything else, numbers that are not finite included.
  package init?(_ text: String) {
    guard let curve = Self.curve(of: text), text.hasSuffix(")") else { return nil }
    let inner = text.dropFirst(curve.rawValue.count + 1).dropLast()
    let numbers = inner.split(separator: ",", omittingEmptySubsequences: false).map { Double(trimmed(String($0))) }
    guard (2...3).contains(numbers.count), let from = numbers[0], let to = numbers[1], from.isFinite, to.isFinite else {
      return nil
    }
    var steps: Int?
    if numbers.count == 3 {
      guard let count = numbers[2].flatMap({ Int(exactly: $0) }), count >= 1 else { return nil }
      steps = count
    }
    (self.curve, self.from, self.to, self.steps) = (curve, from, to, steps)
  }

  /// The length of the form that a value starts with, up to its closing parenthesis; 0 where it starts with none. The
  /// commas inside separate no settings.
  static func length(at value: ArraySlice<Character>) -> Int {
    guard Curve.allCases.contains(where: { value.starts(with: $0.rawValue + "(") }), let end = value.firstIndex(of: ")")
    else { return 0 }
    return end + 1 - value.startIndex
  }

  /// Whether all of `value` has the form of a schedule, be its numbers right or wrong.
  package static func isForm(_ value: String) -> Bool {
    !value.isEmpty && length(at: Array(value)[...]) == value.count
  }

  /// The number for `step`, from 0 to `total` - 1.
  package func value(step: Int, total: Int) -> Double {
    let last = steps ?? total - 1
    let share = last < 1 ? 1 : min(1, Double(step) / Double(last))
    switch curve {
    case .linear: return (1 - share) * from + share * to
    case .cosine: return to + (from - to) * (1 + cos(.pi * share)) / 2
    }
  }
}
