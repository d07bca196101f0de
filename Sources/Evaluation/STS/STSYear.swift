// STS12 to STS16: a folder of sub-datasets a year, each a file of sentence pairs and a file of gold scores whose lines
// are parallel. Read for the evaluate command.

import Files

/// Reader of the shared tasks of 2012 to 2016.
package enum STSYear {
  /// All sub-datasets of a year in SentEval's order. STS13 is read without SMT, whose text is not distributed.
  /// - Throws: `EvaluationError` naming file and line.
  package static func read(_ task: EvaluationTask, in downstream: DownstreamFolder) throws -> STSTask {
    let folder = downstream.file(task.folder)
    let subsets = try (KnownCounts.stsPairs[task] ?? []).map { known in
      var set = try subset(known.name, in: folder)
      let gold = "\(folder)/STS.gs.\(known.name).txt"
      if let warning = KnownCounts.warning(
        path: gold, pairs: set.count, known: known.pairs, of: "\(task.rawValue) \(known.name)")
      {
        set.warnings.append(warning)
      }
      return set
    }
    return STSTask(name: task.rawValue, subsets: subsets)
  }

  /// One sub-dataset; an empty gold line marks a pair that nobody scored, which is left out.
  private static func subset(_ name: String, in folder: String) throws -> PairSet {
    let (input, gold) = ("\(folder)/STS.input.\(name).txt", "\(folder)/STS.gs.\(name).txt")
    for file in [input, gold] where !Path.isFile(file) {
      throw EvaluationError.notFound(
        path: file, expected: file == gold ? "the gold scores of \(name)" : "the pairs of \(name)")
    }
    var scores: [Double?] = []
    try TextLines.forEach(gold) { line, number in
      let text = joinedWords(try TextLines.utf8(line, path: gold, number: number))
      scores.append(text.isEmpty ? nil : try parseScore(text, path: gold, line: number, place: "the line"))
    }
    var set = PairSet(name: name)
    var lines = 0
    try TextLines.forEach(input) { line, number in
      lines = number
      guard number <= scores.count, let score = scores[number - 1] else { return }
      let pair = try sentences(line, path: input, number: number)
      set.first.append(pair.0)
      set.second.append(pair.1)
      set.gold.append(score)
    }
    guard lines == scores.count else {
      throw EvaluationError.unequalLines(path: input, lines: lines, other: gold, otherLines: scores.count)
    }
    guard set.count > 0 else { throw EvaluationError.empty(path: input) }
    if let line = scores.firstIndex(where: { $0.map { !(0...5).contains($0) } ?? false }) {
      set.warnings.append("\(gold):\(line + 1): expected scores from 0 to 5, found \(scores[line] ?? .nan)")
    }
    return set
  }

  /// Further fields (sources of the sentences) are left out, as in the reference.
  private static func sentences(_ line: ArraySlice<UInt8>, path: String, number: Int) throws -> (String, String) {
    let fields = try TextLines.utf8(line, path: path, number: number).split(
      separator: "\t", omittingEmptySubsequences: false)
    guard fields.count >= 2 else {
      throw EvaluationError.badLine(
        path: path, line: number, expected: "two sentences separated by a tab", found: "\(fields.count) field")
    }
    let pair = (joinedWords(String(fields[0])), joinedWords(String(fields[1])))
    guard !pair.0.isEmpty, !pair.1.isEmpty else {
      throw EvaluationError.badLine(
        path: path, line: number, expected: "a sentence on both sides of the tab", found: "nothing on one")
    }
    return pair
  }
}
