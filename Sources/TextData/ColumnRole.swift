// What a column is to whoever reads it, and the names by which headers and JSON keys say so. The one table of names:
// training data and pairs to score are read by it.

/// What a column holds.
package enum ColumnRole: String, Sendable, CaseIterable {
  /// The sentence, or the first of a pair.
  case anchor
  /// What belongs to the anchor; the second of a pair.
  case positive
  /// What does not belong to it.
  case negative
  /// How much the two of a pair belong together.
  case score
  /// What kind of text the anchor is; rows of one label belong together.
  case label

  /// Whether it holds sentences.
  package var isText: Bool { self != .score && self != .label }

  /// The role that must be there beside it.
  package var needs: ColumnRole? {
    switch self {
    case .anchor: nil
    case .positive, .label: .anchor
    case .negative, .score: .positive
    }
  }

  /// The names that are understood, in lower case; blanks and dashes stand for underscores.
  ///
  /// Those of SimCSE, sentence-transformers, GLUE (STS-B, MRPC, QQP, MNLI, RTE), SICK and SNLI. Pairs to score have
  /// their scores under names that are labels to whoever asks for labels.
  package var names: [String] {
    switch self {
    case .anchor:
      [
        "anchor", "sent0", "sentence", "sentence1", "sentence_1", "sentence_a", "text", "text1", "text_1", "text_a",
        "query", "question", "question1", "premise", "#1_string",
      ]
    case .positive:
      [
        "positive", "pos", "sent1", "sentence2", "sentence_2", "sentence_b", "text2", "text_2", "text_b", "answer",
        "question2", "hypothesis", "#2_string",
      ]
    case .negative: ["negative", "neg", "hard_neg", "hard_negative"]
    case .score:
      [
        "score", "label", "gold", "gold_score", "gold_label", "similarity", "similarity_score", "relatedness_score",
        "is_duplicate", "quality",
      ]
    case .label: ["label", "class", "gold_label"]
    }
  }

  private static let roles = Dictionary(
    allCases.flatMap { role in role.names.map { ($0, [role]) } }, uniquingKeysWith: { $1 + $0 })

  /// The role of a name to a reader of `wanted`; nil for one that is not understood there.
  package static func named(_ name: String, among wanted: [ColumnRole] = allCases) -> ColumnRole? {
    (roles[name] ?? roles[normal(name)])?.first { wanted.contains($0) }
  }

  /// A name as the table holds it.
  private static func normal(_ name: String) -> String {
    String(name.lowercased().trimmingBlanks.map { $0 == " " || $0 == "-" ? "_" : $0 })
  }

  /// The role and its names, for messages.
  var description: String { "\(rawValue) (\(names.joined(separator: ", ")))" }
}

extension String {
  /// The text without spaces and tabs at its ends.
  var trimmingBlanks: String {
    var text = self[...]
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text.drop { $0 == " " || $0 == "\t" })
  }
}
