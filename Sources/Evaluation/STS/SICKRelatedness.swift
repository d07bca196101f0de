// SICK's relatedness scores as a cosine task: one header line, then id, sentence, sentence, score from 1 to 5, label.

/// Reader of SICK.
package enum SICKRelatedness {
  /// The 4927 test pairs, or the 500 trial pairs in dev mode; the parts are never mixed.
  /// - Throws: `EvaluationError` naming file and line.
  package static func read(_ mode: EvaluationMode, in downstream: DownstreamFolder) throws -> STSTask {
    let name = mode.isDev ? "SICK_trial.txt" : "SICK_test_annotated.txt"
    let path = downstream.file("SICK/" + name)
    var set = PairSet(name: name)
    try TextLines.forEach(path) { line, number in
      let text = try TextLines.utf8(line, path: path, number: number)
      let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map { joinedWords(String($0)) }
      if number == 1 { return try checkHeader(fields, path) }
      try append(fields, to: &set, path: path, number: number)
    }
    guard set.count > 0 else { throw EvaluationError.empty(path: path) }
    let known = mode.isDev ? KnownCounts.sickTrial : KnownCounts.sickTest
    if let warning = KnownCounts.warning(path: path, pairs: set.count, known: known, of: "SICK's part of that name") {
      set.warnings.append(warning)
    }
    if let odd = set.gold.first(where: { !(1...5).contains($0) }) {
      set.warnings.append("\(path): expected scores from 1 to 5, found \(odd)")
    }
    return STSTask(name: EvaluationTask.sickRelatedness.rawValue, subsets: [set])
  }

  private static func checkHeader(_ fields: [String], _ path: String) throws {
    guard fields.count >= 4, Double(fields[3]) == nil else {
      throw EvaluationError.badLine(
        path: path, line: 1, expected: "the header pair_ID, sentence_A, sentence_B, relatedness_score, ...",
        found: fields.count < 4 ? "\(fields.count) fields" : "a pair")
    }
  }

  private static func append(_ fields: [String], to set: inout PairSet, path: String, number: Int) throws {
    guard fields.count >= 4, !fields[1].isEmpty, !fields[2].isEmpty else {
      throw EvaluationError.badLine(
        path: path, line: number, expected: "id, sentence, sentence, score separated by tabs",
        found: fields.count < 4 ? "\(fields.count) fields" : "no sentence")
    }
    set.first.append(fields[1])
    set.second.append(fields[2])
    set.gold.append(try parseScore(fields[3], path: path, line: number, place: "field 4"))
  }
}
