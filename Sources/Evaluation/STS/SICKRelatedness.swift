// SICK's relatedness scores, from 1 to 5, as a cosine task. Columns go by the names of SICK's header: sentence_A,
// sentence_B, relatedness_score.

/// Reader of SICK.
package enum SICKRelatedness {
  /// The 4927 test pairs, or the 500 trial pairs in dev mode; the parts are never mixed.
  /// - Throws: `EvaluationError` naming file and line.
  package static func read(_ mode: EvaluationMode, in downstream: DownstreamFolder) throws -> STSTask {
    let name = mode.isDev ? "SICK_trial.txt" : "SICK_test_annotated.txt"
    let path = downstream.file("SICK/" + name)
    var set = try PairFile.read(path, layouts: [])
    let known = mode.isDev ? KnownCounts.sickTrial : KnownCounts.sickTest
    if let warning = KnownCounts.warning(path: path, pairs: set.count, known: known, of: "SICK's part of that name") {
      set.warnings.append(warning)
    }
    if let odd = set.gold.first(where: { !(1...5).contains($0) }) {
      set.warnings.append("\(path): expected scores from 1 to 5, found \(odd)")
    }
    return STSTask(name: EvaluationTask.sickRelatedness.rawValue, subsets: [set])
  }
}
