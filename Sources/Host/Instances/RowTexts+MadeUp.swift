// Texts for tests of plugins, where there is no data.

extension RowTexts {
  /// Rows of two columns, of one to seven words; some texts share words, some are equal but for the case of a letter.
  package static let madeUp = RowTexts(rows: 1 << 20, columns: 2) { row, column in
    let words = ["a", "quick", "Brown", "fox", "jumps", "over", "two", "lazy", "D\u{f6}gs", "again"]
    let count = 1 + (row * 5 + column) % 7
    return Array((0..<count).map { words[(row / 2 + $0 * 3) % words.count] }.joined(separator: " ").utf8)
  }
}
