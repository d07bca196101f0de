// The evaluation of a training run: STS-B dev (or the user's pairs) and a look at the space of embeddings. Reads the
// model, draws no random numbers, changes nothing. Made by TrainingPlan, called by TrainingRun.

import Evaluation
import Kernels
import Objective

/// The vectors of some sentences, in their order; valid as long as the owner lives.
struct EmbeddedSentences {
  var matrix: Matrix
  var owner: AnyObject
}

/// An embedder and whether its vectors go through the head.
struct EvaluationEmbedder {
  var embedder: SentenceEmbedder
  var useHead: Bool

  func embed(_ sentences: [String]) throws -> EmbeddedSentences {
    let table = try embedder.embed(sentences, options: EmbeddingOptions(useHead: useHead))
    return EmbeddedSentences(matrix: table.matrix, owner: table)
  }
}

/// Scores the model as it stands.
final class DevelopmentScore {
  /// The space's figures in metrics.jsonl.
  static let spaceNames = ["alignment", "uniformity", "meanCosine", "effectiveRank"]

  private let task: STSTask
  private let dimensions: [Int]
  private let embed: ([String]) throws -> EmbeddedSentences
  private let pool: ThreadPool
  private let display: ProgressDisplay
  private var watch = CollapseWatch()

  /// - Parameter dimensions: widths at which embeddings are scored, too.
  init(
    task: STSTask, dimensions: [Int] = [], embed: @escaping ([String]) throws -> EmbeddedSentences, pool: ThreadPool,
    display: ProgressDisplay
  ) {
    self.task = task
    self.dimensions = dimensions
    self.embed = embed
    self.pool = pool
    self.display = display
  }

  /// Each distinct sentence of the pairs is embedded once.
  func evaluate(step: Int) throws -> EvaluationResult {
    var collection = SentenceCollection()
    collection.add(task.sentences)
    let embedded = try embed(collection.sentences)
    let table = SentenceTable(collection, matrix: embedded.matrix, owner: embedded.owner)
    let score = task.score(table).all
    var result = EvaluationResult(
      step: step, spearman: score.spearman * 100, pearson: score.pearson * 100, pairs: score.pairs)
    result.problem = score.problem
    for width in dimensions where width < embedded.matrix.columns {
      let narrow = SentenceTable(collection, matrix: embedded.matrix.firstColumns(width), owner: embedded.owner)
      let found = task.score(narrow).all
      result.dimensions[width] = found.spearman * 100
    }
    if let space = SpaceStatistics(task, table, pool: pool) {
      result.space = ["uniformity": space.uniformity, "meanCosine": space.meanCosine]
      result.space["effectiveRank"] = space.effectiveRank
      result.space["alignment"] = space.alignment
      if let warning = watch.warning(space) { display.note("warning: step \(step): " + warning) }
    }
    return result
  }
}
