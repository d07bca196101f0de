// Looks at columns that nothing names: numbers and labels are no text, and a tab in every row is a separator. Kept by
// RowIndex.

import TextData

/// What the fields of unnamed columns have in common.
struct FieldWatch {
  /// More different values than these are no labels.
  private static let fewValues = 5
  /// With fewer rows, few values say nothing.
  private static let manyRows = 50

  private struct Column {
    var isNumeric = true
    /// The same of all rows but the first.
    var isNumericBelow = true
    var hasTabs = true
    var first = ""
    /// The different values as long as they are few.
    var values: [[UInt8]]? = []
  }

  private var columns: [Column] = []
  private var rows = 0

  /// Looks at a row.
  mutating func note(_ texts: [[UInt8]]) {
    if columns.isEmpty {
      columns = texts.map { text in
        var column = Column()
        column.first = String(decoding: text.prefix(40), as: UTF8.self)
        return column
      }
    }
    rows += 1
    for (index, text) in texts.enumerated() {
      if columns[index].isNumericBelow {
        let isNumber = Self.isNumber(text)
        columns[index].isNumeric = columns[index].isNumeric && isNumber
        if rows > 1 { columns[index].isNumericBelow = isNumber }
      }
      if columns[index].hasTabs { columns[index].hasTabs = text.contains(9) }
      if let values = columns[index].values, !values.contains(text) {
        columns[index].values = values.count < Self.fewValues ? values + [text] : nil
      }
    }
  }

  private static func isNumber(_ text: [UInt8]) -> Bool {
    guard let first = text.first(where: { $0 != 32 }), text.count < 40 else { return false }
    guard first < 58 || [84, 116, 70, 102, 78, 110].contains(first) else { return false }  // t f n: true false nan
    let word = String(decoding: text, as: UTF8.self).filter { $0 != " " }.lowercased()
    return Double(word) != nil || word == "true" || word == "false"
  }

  /// - Throws: `TrainingError.badData` for a column of numbers, and for one that is several.
  func check(_ report: DataReport) throws {
    if columns.count == 1, columns[0].hasTabs, report.format == .csv {
      throw TrainingError.badData(
        path: report.path, line: 0, expected: "fields separated by commas", found: "a tab and no comma in every row",
        advice: "Give the file a name that ends in .tsv")
    }
    guard let index = columns.firstIndex(where: \.isNumeric) else { return try checkHeader(report) }
    let texts = columns.indices.filter { !columns[$0].isNumeric }
    var choice = zip(["anchor", "positive", "negative"], texts).map { "\($0)=\($1 + 1)" }
    if !texts.isEmpty { choice.append(texts.count > 1 ? "score=\(index + 1)" : "label=\(index + 1)") }
    let example = choice.joined(separator: ",")
    throw TrainingError.badData(
      path: report.path, line: 0, expected: "text in column \(index + 1)",
      found: "numbers in all \(report.rows) rows (first: \(columns[index].first)) and no header",
      advice: TrainingColumns.advice(example.isEmpty ? "anchor=\(index + 1)" : example))
  }

  /// Numbers below one word are a column with a name.
  private func checkHeader(_ report: DataReport) throws {
    guard rows > 2, report.format.hasHeader, let index = columns.firstIndex(where: \.isNumericBelow) else { return }
    throw TrainingError.badData(
      path: report.path, line: 0, expected: "text in column \(index + 1), or a header with names that are understood",
      found: "numbers in all \(rows) rows but the first, which has '\(columns[index].first)'",
      advice: TrainingColumns.advice("anchor=1,positive=2"))
  }

  /// Columns that look like labels.
  func warnings(_ report: DataReport) -> [String] {
    guard report.rows >= Self.manyRows, columns.count > 1 else { return [] }
    return columns.enumerated().compactMap { index, column in
      guard let values = column.values else { return nil }
      let shown = values.map { "'\(String(decoding: $0.prefix(20), as: UTF8.self))'" }.joined(separator: ", ")
      return "\(report.path): column \(index + 1) has only \(values.count) different values (\(shown)): is it a label? "
        + TrainingColumns.advice("anchor=1,positive=2")
    }
  }
}
