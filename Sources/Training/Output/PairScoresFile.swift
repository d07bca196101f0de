// The file of `mixcse evaluate --pair-scores`: gold score and cosine of every scored pair, as exact as they were
// computed.
//
//   {"model": "...", "pooler": "...", "sets": [{"name": "STS12", "gold": [...], "cosine": [...]}, ...],
//    "tasks": [{"name": "MR", "right": [1, 0, ...]}, ...]}
//
// `name` is a task or the path of a pair file; `right` has an entry for each sample of a transfer task. Written by the
// evaluate command, read by ComparisonRunner.

package import Evaluation
import Files
import FoundationEssentials

/// Reads and writes the file.
package enum PairScoresFile {
  /// Gold scores and cosines of one task or pair file, one entry a pair.
  package struct ScoredSet: Sendable, Equatable {
    /// A task, or the path of a pair file.
    package var name: String
    /// One entry a pair.
    package var gold: [Double]
    /// Cosines, in the order of `gold`.
    package var predicted: [Double]
  }

  /// The samples of one transfer task.
  package struct ScoredTask: Sendable, Equatable {
    /// Of the task.
    package var name: String
    /// Whether each sample was labelled right.
    package var isRight: [Bool]
  }

  /// Writes the pairs of all STS tasks and pair files, sub-datasets one after the other, and the samples of the
  /// transfer tasks.
  /// - Throws: `FileError.cannotWrite`; the file is then as before.
  package static func write(_ scores: EvaluationScores, model: String, pooler: String, to path: String) throws {
    let sets = scores.sts.map { ($0.name, $0) } + scores.pairs.map { ($0.path, $0.score) }
    let document = JSONObject([
      ("model", .string(model)), ("pooler", .string(pooler)),
      (
        "sets",
        .array(
          sets.map { name, score in
            let numbers = [("gold", \ScoredPairs.gold), ("cosine", \.predicted)].map { key, path in
              (key, JSONValue.array(score.samples.flatMap { $0[keyPath: path] }.map { .number($0) }))
            }
            return .object(JSONObject([("name", .string(name))] + numbers))
          })
      ),
      (
        "tasks",
        .array(
          scores.transfer.map { task in
            .object(
              JSONObject([
                ("name", .string(task.name)), ("right", .array(task.isRight.map { .integer($0 ? 1 : 0) })),
              ]))
          })
      ),
    ])
    let text = JSONValue.object(document).text(indent: nil) + "\n"
    try AtomicFile.write(to: path) { try $0.write(text) }
  }

  /// The pairs of every set and the samples of every task by their names, in the file's order.
  /// - Throws: `TrainingError.badData`.
  package static func read(_ path: String) throws -> (sets: [ScoredSet], tasks: [ScoredTask]) {
    let problem = TrainingError.badData(
      path: path, line: 0, expected: "the pair scores of mixcse evaluate", found: "something else",
      advice: "Remove the file; the model is then scored again")
    guard let data = FileManager.default.contents(atPath: path),
      let document = try? JSONValue.parse(Array(data)).object, let sets = document["sets"]?.array
    else { throw problem }
    let pairs = try sets.map { set in
      guard let name = set.object?["name"]?.string, let gold = numbers(set.object?["gold"]),
        let cosine = numbers(set.object?["cosine"]), gold.count == cosine.count
      else { throw problem }
      return ScoredSet(name: name, gold: gold, predicted: cosine)
    }
    // Earlier files have no tasks.
    let tasks = try (document["tasks"]?.array ?? []).map { task in
      guard let name = task.object?["name"]?.string, let right = numbers(task.object?["right"]),
        right.allSatisfy({ $0 == 0 || $0 == 1 })
      else { throw problem }
      return ScoredTask(name: name, isRight: right.map { $0 == 1 })
    }
    return (pairs, tasks)
  }

  private static func numbers(_ value: JSONValue?) -> [Double]? {
    guard let items = value?.array, case let numbers = items.compactMap(\.double), numbers.count == items.count else {
      return nil
    }
    return numbers
  }
}
