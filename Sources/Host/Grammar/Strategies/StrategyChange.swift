// Strategies one after the other: `500:mixcse:lambda=0.3` of `--then`, and `simcse then 500:mixcse:lambda=0.3` of a
// comparison. Texts in, texts out: the strategies themselves are read where they are looked up.

/// What is wrong with a change of strategy.
package struct ChangeProblem: Error, Equatable {
  /// What was expected, and what was found.
  package let expected, found: String
}

/// A strategy that takes over after a step, as it is written.
package struct StrategyChange: Sendable, Equatable {
  /// Optimiser steps done when it takes over, 1 or more: its first step is the one after.
  package let step: Int
  /// Written as in a comparison, or in the canonical form of records.
  package let strategy: String

  /// The form it is typed in.
  package var text: String { "\(step):\(strategy)" }

  /// A change by its parts.
  package init(step: Int, strategy: String) { (self.step, self.strategy) = (step, strategy) }

  /// Reads `STEP:STRATEGY`.
  package init(parsing text: String) throws(ChangeProblem) {
    let form = "STEP:STRATEGY, such as 500:mixcse:lambda=0.3"
    guard let colon = text.firstIndex(of: ":") else { throw ChangeProblem(expected: form, found: "'\(text)'") }
    let number = trimmed(String(text[..<colon]))
    guard !number.isEmpty, number.allSatisfy({ $0.isASCII && $0.isNumber }) else {
      throw ChangeProblem(expected: form, found: "'\(text)'")
    }
    guard let step = Int(number), step >= 1 else {
      throw ChangeProblem(expected: "a step of 1 or more in '\(text)'", found: number)
    }
    let sequence = StrategySequence(String(text[text.index(after: colon)...]))
    guard sequence.changes.isEmpty else {
      throw ChangeProblem(expected: "one strategy in '\(text)'", found: "several with 'then' between them")
    }
    guard !sequence.first.isEmpty else { throw ChangeProblem(expected: "a strategy after '\(number):'", found: "none") }
    (self.step, strategy) = (step, sequence.first)
  }

  /// Reads the changes of a run, whose steps rise.
  package static func all(_ texts: [String]) throws(ChangeProblem) -> [StrategyChange] {
    var changes: [StrategyChange] = []
    for text in texts {
      let change = try StrategyChange(parsing: text)
      if let last = changes.last, change.step <= last.step {
        throw ChangeProblem(
          expected: "steps that rise from one change to the next",
          found: change.step == last.step ? "\(last.step) twice" : "\(change.step) after \(last.step)")
      }
      changes.append(change)
    }
    return changes
  }

  /// Looks whether the step lies before the last one of a run of `total` steps.
  package func check(totalSteps total: Int) throws(ChangeProblem) {
    guard step >= total else { return }
    throw ChangeProblem(
      expected: "a step below \(total), the last one of the run, so that the strategy has steps to train",
      found: "\(step)")
  }
}

/// A whole course of strategies in one text: `simcse then 500:mixcse:lambda=0.3 then 800:simcse`.
package struct StrategySequence: Sendable, Equatable {
  /// The strategy that a run begins with, its label in front.
  package let first: String
  /// What follows, `STEP:STRATEGY` each.
  package let changes: [String]

  /// Cuts a text where ` then ` stands outside quotes.
  package init(_ text: String) {
    var parts = [""]
    var isQuoted = false
    var rest = Substring(text)
    while let character = rest.first {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted, rest.hasPrefix(Self.joint) {
        parts.append("")
        // The blank behind may be the one before the next joint.
        rest = rest.dropFirst(Self.joint.count - 1)
      } else {
        parts[parts.count - 1].append(character)
        rest = rest.dropFirst()
      }
    }
    first = trimmed(parts[0])
    changes = parts.dropFirst().map(trimmed)
  }

  /// Between a strategy and the next.
  private static let joint = " then "

  /// A course by its parts.
  package init(first: String, changes: [String]) { (self.first, self.changes) = (first, changes) }

  /// The form it is typed in.
  package var text: String { ([first] + changes).joined(separator: Self.joint) }
}
