// What training reads from a file: anchor, positive and hard negative, score and label, and how they are told apart.
// Used by TrainingData and by the description of a run, which holds the choice of columns.

import TextData

/// The columns of training data.
enum TrainingColumns {
  /// The views of a batch in their order, then what is known of a row.
  static let roles: [ColumnRole] = texts + [.score, .label]
  private static let texts: [ColumnRole] = [.anchor, .positive, .negative]

  /// The value of `--columns`.
  /// - Throws: `RecordProblem`
  static func choice(_ text: String) throws(RecordProblem) -> ColumnChoice {
    try ColumnChoice(parsing: text, roles: roles)
  }

  /// One to three columns of text, by names or by place; scores and labels by their names only.
  static func wishes(_ choice: ColumnChoice?) -> ColumnWishes {
    ColumnWishes(
      roles: roles, required: [.anchor], optional: choice == nil ? [.score, .label] : [], choice: choice,
      positional: { count in
        guard (1...texts.count).contains(count) else { return nil }
        return ListLayout(
          indexes: Array(0..<count), counts: count...count, expected: "\(count) columns like the first row")
      }, positionalWords: "1, 2 or 3 columns, or a header that names them", advice: advice("anchor=COLUMN"))
  }

  /// How to choose columns.
  static func advice(_ example: String) -> String {
    "Choose by name or number: --columns \(example); Documentation/Training.md lists the names that are understood"
  }
}
