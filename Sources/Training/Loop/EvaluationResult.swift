// What one evaluation found: logged, recorded in checkpoints and run.json. Made by DevelopmentScore.

package import Files

/// The score of one evaluation.
package struct EvaluationResult: Sendable, Equatable {
  /// The optimiser step after which it was made; 0: before training.
  package var step: Int
  /// Both x 100.
  package var spearman: Double
  /// Pearson x 100.
  package var pearson: Double
  /// Pairs that were scored.
  package var pairs: Int
  /// How the embeddings lie in their space, by name (`DevelopmentScore.spaceNames`).
  package var space: [String: Double] = [:]

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
    ] + DevelopmentScore.spaceNames.compactMap { name in space[name].map { (name, .number($0)) } }
  }

  /// As run.json and metrics.jsonl hold it.
  package var json: JSONValue { .object(JSONObject(members)) }

  init?(_ json: JSONValue?) {
    guard let object = json?.object, let step = object["step"]?.integer, let spearman = object["spearman"]?.double,
      let pearson = object["pearson"]?.double, let pairs = object["pairs"]?.integer
    else { return nil }
    self.init(step: step, spearman: spearman, pearson: pearson, pairs: pairs)
    for name in DevelopmentScore.spaceNames { space[name] = object[name]?.double }
  }
}
