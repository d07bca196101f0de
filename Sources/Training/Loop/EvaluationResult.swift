// What one evaluation found: logged, recorded in checkpoints and run.json. Made by DevelopmentScore.

package import Files

/// The score of one evaluation.
package struct EvaluationResult: Sendable, Equatable {
  /// The optimiser step after which it was made; 0: before training.
  package var step: Int
  /// Both x 100; NaN where there is no correlation.
  package var spearman: Double
  /// Pearson x 100.
  package var pearson: Double
  /// Pairs that were scored.
  package var pairs: Int
  /// Why there is no correlation; nil where there is one.
  package var problem: String?
  /// How the embeddings lie in their space, by name (`DevelopmentScore.spaceNames`).
  package var space: [String: Double] = [:]
  /// Spearman x 100 of the first so many dimensions alone; NaN where there is no correlation.
  package var dimensions: [Int: Double] = [:]

  /// A score without a look at the space.
  package init(step: Int, spearman: Double, pearson: Double, pairs: Int) {
    self.step = step
    self.spearman = spearman
    self.pearson = pearson
    self.pairs = pairs
  }

  var members: [(String, JSONValue)] {
    [
      ("step", .integer(step)), ("spearman", .number(spearman)), ("pearson", .number(pearson)),
      ("pairs", .integer(pairs)),
    ] + (problem.map { [("undefined", .string($0))] } ?? [])
      + DevelopmentScore.spaceNames.compactMap { name in space[name].map { (name, .number($0)) } }
      + (dimensions.isEmpty ? [] : [("dims", .object(JSONObject(narrow.map { (String($0), .number($1)) })))])
  }

  /// From the widest to the narrowest.
  private var narrow: [(Int, Double)] { dimensions.sorted { $0.key > $1.key }.map { ($0.key, $0.value) } }

  /// As run.json and metrics.jsonl hold it.
  package var json: JSONValue { .object(JSONObject(members)) }

  init?(_ json: JSONValue?) {
    guard let object = json?.object, let step = object["step"]?.integer, let spearman = Self.score(object["spearman"]),
      let pearson = Self.score(object["pearson"]), let pairs = object["pairs"]?.integer
    else { return nil }
    self.init(step: step, spearman: spearman, pearson: pearson, pairs: pairs)
    problem = object["undefined"]?.string
    for name in DevelopmentScore.spaceNames { space[name] = object[name]?.double }
    for (width, score) in (object["dims"]?.object?.members ?? []).map({ ($0.key, $0.value) }) {
      if let width = Int(width) { dimensions[width] = Self.score(score) }
    }
  }

  /// Null where there is no correlation.
  private static func score(_ json: JSONValue?) -> Double? { json == .null ? .nan : json?.double }

  /// The score for people.
  package var text: String { spearman.isFinite ? fixed(spearman, 2) : "undefined" + (problem.map { " (\($0))" } ?? "") }

  /// The scores of fewer dimensions for people, `256: 83.10, 128: 81.90`; empty without any.
  package var dimensionsText: String { narrow.map { "\($0): \(fixed($1, 2))" }.joined(separator: ", ") }

  /// The score as a number; nil where there is none.
  var score: Double? { spearman.isFinite ? spearman : nil }

  /// Whether it is better than another; what is no number is never better.
  func isBetter(than other: EvaluationResult?) -> Bool {
    guard let score else { return false }
    return other?.score.map { score > $0 } ?? true
  }
}
