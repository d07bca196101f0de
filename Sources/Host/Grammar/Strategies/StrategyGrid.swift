// A strategy text whose values are lists, `mixcse:lambda=0.1|0.2`, as the texts it stands for; so may the steps be that
// strategies change at, `simcse then 250|500:mixcse`. Text in, texts out: names and values are checked when each text
// is resolved. Used for `--shadow` and for comparisons.

/// The expansion of grids.
package enum StrategyGrid {
  /// More texts than this are taken for a slip.
  package static let limit = 1000

  /// The strategies `text` stands for, the last list varying fastest; a text without lists stands for itself.
  ///
  /// Values are separated by `|`; quotes keep one (`name="a|b"`). A label names one strategy, so a grid takes none.
  /// - Throws: `UsageError.badText` for an empty value, a label before several strategies, or more than `limit`.
  package static func expand(_ text: String) throws -> [String] {
    let sequence = StrategySequence(text)
    do {
      var scanner = GridScanner(sequence.changes.isEmpty ? text : sequence.first)
      let firsts = try scanner.expand()
      if sequence.changes.isEmpty { return firsts }
      let all = try sequence.changes.reduce(firsts.map { StrategySequence(first: $0, changes: []) }) { courses, text in
        let changes = try expand(change: text)
        return courses.flatMap { course in
          changes.map { StrategySequence(first: course.first, changes: course.changes + [$0]) }
        }
      }
      try check(all.count, isLabelled: splitLabel(sequence.first).label != nil, text)
      return all.map(\.text)
    } catch let problem as SpecProblem {
      throw problem.asUsageError
    }
  }

  /// The changes that `250|500:mixcse:lambda=0.1|0.2` stands for.
  private static func expand(change text: String) throws -> [String] {
    guard let colon = text.firstIndex(of: ":") else { return [text] }
    let steps = text[..<colon].split(separator: "|", omittingEmptySubsequences: false)
    var scanner = GridScanner(String(text[text.index(after: colon)...]))
    let strategies = try scanner.expand()
    return steps.flatMap { step in strategies.map { "\(step):\($0)" } }
  }

  private static func check(_ count: Int, isLabelled: Bool, _ text: String) throws(SpecProblem) {
    if count > 1, isLabelled {
      throw SpecProblem(
        text: text, column: 1,
        problem: "a label names one strategy, and this is a grid of several; leave the label out, or quote the value")
    }
    guard count <= limit else {
      throw SpecProblem(text: text, column: 1, problem: "the grid has more than \(limit) strategies")
    }
  }

  /// The label in front of a strategy's text, `ours` in `ours=./libmine.so`, and the rest.
  package static func splitLabel(_ text: String) -> (label: String?, rest: String) {
    guard let equals = text.firstIndex(of: "=") else { return (nil, text) }
    let label = text[..<equals]
    guard !label.isEmpty, !label.contains(where: { ":/+.*".contains($0) }) else { return (nil, text) }
    return (String(label), String(text[text.index(after: equals)...]))
  }
}

/// Reads one text from left to right; every strategy read so far has the same length in parts.
private struct GridScanner {
  let text: String
  let characters: [Character]
  /// The texts up to the value that is being read.
  var heads = [""]
  /// The values read since the last `=`; nil outside of values.
  var values: [String]?
  var hasLabel = false

  init(_ text: String) {
    self.text = text
    characters = Array(text)
  }

  mutating func expand() throws(SpecProblem) -> [String] {
    var isQuoted = false
    var scheduleEnd = 0
    for (index, character) in characters.enumerated() {
      if index < scheduleEnd {
        add(character)
        continue
      }
      if character == "\"" { isQuoted.toggle() }
      switch character {
      case "|" where !isQuoted && values != nil:
        try checkValue(before: index)
        values?.append("")
        scheduleEnd = index + 1 + ScheduleForm.length(at: characters[(index + 1)...])
      case "=" where !isQuoted && values == nil:
        hasLabel = hasLabel || !characters[..<index].contains { ":/+.*".contains($0) }
        add(character)
        values = [""]
        scheduleEnd = index + 1 + ScheduleForm.length(at: characters[(index + 1)...])
      case "," where !isQuoted, ":" where !isQuoted:
        try close(at: index)
        add(character)
      case "+" where !isQuoted && !isExponent(at: index):
        try close(at: index)
        add(character)
      default: add(character)
      }
    }
    try close(at: characters.count)
    return heads
  }

  private mutating func add(_ character: Character) {
    if let last = values?.indices.last {
      values?[last].append(character)
    } else {
      for index in heads.indices { heads[index].append(character) }
    }
  }

  /// Ends a value: one text for each text so far and each of its values.
  private mutating func close(at index: Int) throws(SpecProblem) {
    guard let ended = values else { return }
    if ended.count > 1 {
      try checkValue(before: index)
      guard !hasLabel else {
        throw problem(
          at: 0, "a label names one strategy, and this is a grid of several; leave the label out, or quote the value")
      }
      guard heads.count * ended.count <= StrategyGrid.limit else {
        throw problem(at: index, "the grid has more than \(StrategyGrid.limit) strategies")
      }
    }
    heads = heads.flatMap { head in ended.map { head + $0 } }
    values = nil
  }

  private func checkValue(before index: Int) throws(SpecProblem) {
    guard values?.last?.isEmpty == true else { return }
    throw problem(at: index, "expected a value beside '|', found none")
  }

  private func isExponent(at index: Int) -> Bool {
    isExponentSign(after: values?.last ?? "", next: index + 1 < characters.count ? characters[index + 1] : nil)
  }

  private func problem(at index: Int, _ problem: String) -> SpecProblem {
    SpecProblem(text: text, column: index + 1, problem: problem)
  }
}
