// Reads files of sentence pairs: STS-B's seven columns, or sentence1, sentence2, score. Tab-separated; quotes are
// ordinary characters. A line that is no pair is an error: a pair left out would change the figure unseen.

/// Reader of pair files.
package enum PairFile {
  /// Where a line holds what. Fields count from 0.
  package enum Layout: Sendable {
    /// genre, file, year, id, score, sentence1, sentence2; further ones (licences) are ignored.
    case stsBenchmark
    /// sentence1, sentence2, score.
    case threeColumns

    var score: Int { self == .stsBenchmark ? 4 : 2 }
    var first: Int { self == .stsBenchmark ? 5 : 0 }
    var fields: String {
      self == .stsBenchmark
        ? "seven fields (genre, file, year, id, score, sentence1, sentence2)"
        : "three fields (sentence1, sentence2, score)"
    }

    /// The layout a number of fields belongs to.
    init?(fieldCount: Int) {
      switch fieldCount {
      case 3: self = .threeColumns
      case 7...: self = .stsBenchmark
      default: return nil
      }
    }

    func fits(_ count: Int) -> Bool { self == .stsBenchmark ? count >= 7 : count == 3 }
  }

  /// Reads a file; without a `layout` the first line's number of fields decides.
  /// - Throws: `EvaluationError` naming file and line.
  package static func read(_ path: String, layout: Layout? = nil) throws -> PairSet {
    var set = PairSet(name: path.split(separator: "/").last.map(String.init) ?? path)
    var layout = layout
    var emptyLines: [Int] = []
    try TextLines.forEach(path) { line, number in
      if line.allSatisfy({ $0 == 32 || $0 == 9 }) { return emptyLines.append(number) }
      let fields = line.split(separator: 9, omittingEmptySubsequences: false)
      guard let kind = layout ?? Layout(fieldCount: fields.count) else {
        throw EvaluationError.badLine(
          path: path, line: number, expected: "three or seven tab-separated fields", found: "\(fields.count)")
      }
      let isFirst = set.count == 0 && layout == nil
      layout = kind
      if isFirst, isHeader(fields, kind) { return }
      try append(fields, kind, to: &set, path: path, line: number)
    }
    guard set.count > 0 else { throw EvaluationError.empty(path: path) }
    if let line = emptyLines.first {
      set.warnings.append("\(path):\(line): \(emptyLines.count) empty line(s) skipped")
    }
    return set
  }

  private static func isHeader(_ fields: [ArraySlice<UInt8>], _ layout: Layout) -> Bool {
    layout.score < fields.count && String(decoding: fields[layout.score], as: UTF8.self).lowercased() == "score"
  }

  private static func append(
    _ fields: [ArraySlice<UInt8>], _ layout: Layout, to set: inout PairSet, path: String, line: Int
  ) throws {
    func bad(_ expected: String, _ found: String) -> EvaluationError {
      .badLine(path: path, line: line, expected: expected, found: found)
    }
    guard layout.fits(fields.count) else { throw bad(layout.fields + " separated by tabs", "\(fields.count)") }
    let texts = try [layout.score, layout.first, layout.first + 1].map { index in
      guard let text = String(validating: fields[index], as: UTF8.self) else {
        throw bad("UTF-8 in field \(index + 1)", "other bytes")
      }
      return text
    }
    let score = try parseScore(joinedWords(texts[0]), path: path, line: line, place: "field \(layout.score + 1)")
    let sentences = texts[1...].map(joinedWords)
    for (offset, sentence) in sentences.enumerated() where sentence.isEmpty {
      throw bad("a sentence in field \(layout.first + offset + 1)", "nothing")
    }
    set.first.append(sentences[0])
    set.second.append(sentences[1])
    set.gold.append(score)
  }
}
