// A strategy as it is compared: its text and the flags that make it differ from the others. Made from a request, or by
// the tuning that chose its values; looked up by ComparisonPlan.

/// One row of a comparison, before it is looked up.
package struct StrategyVariant: Sendable, Equatable {
  /// Text and label; the label says what differs.
  package var text: StrategyText
  /// Flags of its own.
  package var values: [Variation.Value]

  /// A row by its parts.
  package init(text: StrategyText, values: [Variation.Value]) { (self.text, self.values) = (text, values) }

  /// Every strategy of a request with every combination of what varies.
  /// - Throws: `UsageError`, `ComparisonError.usage`
  package static func all(_ request: ComparisonRequest) throws -> [StrategyVariant] {
    let combinations = try Variation.combinations(try request.vary.map { try Variation(parsing: $0) })
    return try StrategyText.expand(request.strategies).flatMap { text in
      combinations.map { values in
        let label = ([text.label] + values.map(\.label)).joined(separator: " ")
        return StrategyVariant(text: StrategyText(label: label, text: text.text), values: values)
      }
    }
  }
}
