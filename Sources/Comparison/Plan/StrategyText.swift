// The strategies of a command line as texts: grids expanded, labels made distinct, before any name is looked up. Called
// by ComparisonPlan.

import Host

/// A strategy by its texts.
package struct StrategyText: Sendable, Equatable {
  /// What it is called: the label given, else the text; distinct in a comparison.
  package var label: String
  /// Without the label, a grid's values filled in.
  package var text: String

  /// A strategy by its texts.
  package init(label: String, text: String) {
    self.label = label
    self.text = text
  }

  /// All strategies of a command line in order; the second use of a label becomes `simcse#2`.
  /// - Throws: `UsageError.badText`.
  package static func expand(_ texts: [String]) throws -> [StrategyText] {
    var used = Set<String>()
    return try texts.flatMap(StrategyGrid.expand).map { text in
      let (name, rest) = StrategyGrid.splitLabel(text)
      var (label, count) = (name ?? text, 1)
      while !used.insert(label).inserted {
        count += 1
        label = "\(name ?? text)#\(count)"
      }
      return StrategyText(label: label, text: rest)
    }
  }
}
