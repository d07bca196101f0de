// The JSON document of `mixcse evaluate`. Figures that are undefined (NaN) are null.

import Evaluation
import Files

/// What `--json` prints; with `--all-poolers` the figures of each pooler under `poolers`.
struct EvaluationDocument: Encodable {
  let model: String
  let mode: EvaluationMode
  let results: [PoolerResult]
  let suite: EvaluationSuite
  /// Where the time went, if that was asked for.
  let profile: JSONValue?

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode(model, forKey: "model")
    try document.encode(mode.rawValue, forKey: "mode")
    try document.encode(
      Dictionary(suite.missing.map { ($0.task.rawValue, $0.reason) }, uniquingKeysWith: { $1 }), forKey: "missing")
    try document.encode(suite.warnings, forKey: "warnings")
    try document.encodeIfPresent(profile.map(PlainDocument.init), forKey: "profile")
    if results.count == 1, let only = results.first {
      try PoolerDocument(result: only).encode(to: encoder)
    } else {
      try document.encode(results.map(PoolerDocument.init), forKey: "poolers")
    }
  }

  /// Any name as a key.
  struct Key: CodingKey, ExpressibleByStringLiteral {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(stringLiteral: String) { stringValue = stringLiteral }
  }
}

/// The figures of one pooler.
private struct PoolerDocument: Encodable {
  let pooler: String
  let recorded: Bool
  let tasks: [String: TaskDocument]
  let pairs: [String: SimilarityDocument]
  let average: Average
  let alignment, uniformity, meanCosine, effectiveRank: Double?
  let alignmentPairs: Int?

  struct Average: Encodable {
    let sts: Double?
    let transfer: Double?

    /// A set of which nothing was scored is null, not left out.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: EvaluationDocument.Key.self)
      try container.encode(sts, forKey: "sts")
      try container.encode(transfer, forKey: "transfer")
    }
  }

  init(result: PoolerResult) {
    let scores = result.scores
    (pooler, recorded) = (result.pooler, result.isRecorded)
    var tasks = Dictionary(
      scores.sts.map {
        ($0.name, TaskDocument.similarity(SimilarityDocument($0, interval: scores.intervals[$0.name])))
      }, uniquingKeysWith: { $1 })
    for score in scores.transfer { tasks[score.name] = .transfer(TransferDocument(score)) }
    self.tasks = tasks
    pairs = Dictionary(
      scores.pairs.map { ($0.path, SimilarityDocument($0.score, interval: scores.intervals[$0.path])) },
      uniquingKeysWith: { $1 })
    average = Average(sts: finite(scores.stsAverage), transfer: finite(scores.transferAverage))
    alignment = scores.space?.alignment
    alignmentPairs = scores.space?.alignmentPairs
    uniformity = finite(scores.space?.uniformity)
    meanCosine = finite(scores.space?.meanCosine)
    effectiveRank = finite(scores.space?.effectiveRank)
  }
}

private enum TaskDocument: Encodable {
  case similarity(SimilarityDocument)
  case transfer(TransferDocument)

  func encode(to encoder: any Encoder) throws {
    switch self {
    case .similarity(let document): try document.encode(to: encoder)
    case .transfer(let document): try document.encode(to: encoder)
    }
  }
}

private struct SimilarityDocument: Encodable {
  struct Subset: Encodable {
    let score: SimilarityScore

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: EvaluationDocument.Key.self)
      try encodeScore(score, into: &container)
    }
  }

  let score: STSTaskScore
  let interval: ClosedRange<Double>?

  init(_ score: STSTaskScore, interval: ClosedRange<Double>?) { (self.score, self.interval) = (score, interval) }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: EvaluationDocument.Key.self)
    try encodeScore(score.all, into: &container)
    if let interval {
      try container.encode([100 * interval.lowerBound, 100 * interval.upperBound], forKey: "interval")
    }
    guard score.subsets.count > 1 else { return }
    let subsets = Dictionary(score.subsets.map { ($0.name, Subset(score: $0.score)) }, uniquingKeysWith: { $1 })
    try container.encode(subsets, forKey: "subsets")
    try container.encode(finite(100 * score.meanSpearman), forKey: "meanSpearman")
    try container.encode(finite(100 * score.weightedMeanSpearman), forKey: "weightedMeanSpearman")
  }
}

/// A correlation that is undefined is null, not left out, with the reason beside it.
private func encodeScore(
  _ score: SimilarityScore, into container: inout KeyedEncodingContainer<EvaluationDocument.Key>
) throws {
  try container.encode(finite(100 * score.spearman), forKey: "spearman")
  try container.encode(finite(100 * score.pearson), forKey: "pearson")
  try container.encode(score.pairs, forKey: "pairs")
  try container.encodeIfPresent(score.problem, forKey: "undefined")
}

private struct TransferDocument: Encodable {
  let accuracy, devAccuracy: Double
  let f1, l2: Double?

  init(_ score: TransferScore) {
    (accuracy, devAccuracy, f1, l2) = (score.accuracy, score.devAccuracy, score.f1, score.penalty)
  }
}
