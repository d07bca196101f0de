// A look at the space of embeddings for signs of collapse. Asked by DevelopmentScore after each evaluation.

package import Evaluation

/// Says when embeddings crowd into few directions.
package struct CollapseWatch {
  private var first: SpaceStatistics?

  /// A watch that has seen no space yet.
  package init() {}

  /// A warning where the space has collapsed: all vectors point one way (mean cosine above 0.99), next to nothing of
  /// the width is in use (effective rank below 2; fewer than 40 sentences are held to less), or less than a quarter of
  /// what was in use at the first evaluation.
  package mutating func warning(_ now: SpaceStatistics) -> String? {
    let start = first ?? now
    first = start
    let isOneWay = now.meanCosine > 0.99
    let isThin = now.effectiveRank < min(2, Double(now.sentences) / 20) || now.effectiveRank < start.effectiveRank / 4
    guard isOneWay || isThin else { return nil }
    return """
      the embeddings collapse: mean cosine of two sentences \(fixed(now.meanCosine, 3)) (at first \
      \(fixed(start.meanCosine, 3))), effective rank \(fixed(now.effectiveRank, 1)) of \(now.width) (at first \
      \(fixed(start.effectiveRank, 1))). A lower learning rate or another temperature may help
      """
  }
}
