// Records that go over several lines: a quote that is not meant as one joins lines up to the next quote, and nothing
// else shows it. Kept by the readers of training data and of pairs.

/// What is known of records over several lines.
package struct ManyLines: Sendable, Equatable {
  /// Records of that many lines or fewer are not warned of: addresses, verses, short paragraphs.
  package static let usual = 10

  /// How many records go over more than one line.
  package private(set) var records = 0
  /// How many lines these are.
  package private(set) var lines = 0
  /// The longest of them.
  package private(set) var longest = 1...1

  /// Without any record.
  package init() {}

  /// Counts a record.
  package mutating func note(_ lines: ClosedRange<Int>) {
    guard lines.count > 1 else { return }
    records += 1
    self.lines += lines.count
    if lines.count > longest.count { longest = lines }
  }

  /// What there is to say; nil where every record is a line.
  package func message(_ path: String) -> String? {
    guard records > 0 else { return nil }
    return "\(path): \(records) \(records == 1 ? "row goes" : "rows go") over several lines, \(lines) in all; the "
      + "longest is lines \(longest.lowerBound)-\(longest.upperBound)"
  }

  /// What to be warned of; nil where no record is that long.
  package func warning(_ path: String) -> String? {
    guard longest.count > Self.usual else { return nil }
    return "\(path): lines \(longest.lowerBound)-\(longest.upperBound) (\(longest.count) lines) are read as one row. "
      + "Is a quote there that is not meant as one? A field that begins with a quote ends at the next one; a quote "
      + "inside it is written twice"
  }
}
