// What `mixcse probe` tells of the cells behind a loss: which kind of candidate takes the softmax and the gradient, how
// hard the negatives are, and which of them weigh most. Filled by CellProbe.

package import Host

/// What a probe asks for beyond the sums of a step.
package struct CellProbeOptions: Sendable {
  /// What the heaviest negatives are sorted by.
  package enum Order: String, Sendable, CaseIterable { case softmax, gradient }

  /// How many of the heaviest negatives to name, 0 or more.
  package var top = 0
  /// What makes a negative heavy: its probability, or the magnitude of its gradient.
  package var order = Order.softmax
  /// `[view][row]`: numbers that are equal exactly where texts are; empty where no texts are known.
  package var texts: [[Int]] = []

  /// Names no negatives unless asked to.
  package init(top: Int = 0, order: Order = .softmax, texts: [[Int]] = []) {
    self.top = top
    self.order = order
    self.texts = texts
  }
}

/// Where a candidate comes from.
package struct CandidateKind: Sendable, Hashable {
  /// The kinds that are the host's; a sampler's blocks are told apart by their labels.
  package enum Family: String, Sendable {
    case positive
    /// A view of another row.
    case inBatch = "in-batch"
    /// A view of the data's hard negatives.
    case hardNegative = "hard-negative"
    /// New vectors of a sampler.
    case mixed
    /// A state of a sampler.
    case queue
    /// Multiplied by 0: the logit is the bias, whatever the similarity.
    case masked
    /// With a bias of -infinity: takes part in nothing.
    case excluded
  }

  /// What sort of candidate it is.
  package var family: Family
  /// The block's label; for positives, masked and excluded cells the family's name.
  package var label: String
  /// The sampler instance; empty for the host's own.
  package var sampler: String
}

/// Sums over the cells of one kind.
package struct KindReport: Sendable {
  /// Which cells.
  package var kind: CandidateKind
  /// How many there are.
  package var count = 0
  /// Means over the cells; NaN where there are none.
  package var meanCosine = Double.nan
  /// The mean of similarity / temperature with the edits of samplers; NaN where there are no cells.
  package var meanLogit = Double.nan
  /// Mean over rows of the probability these cells take; over all kinds they add up to 1.
  package var softmaxShare = 0.0
  /// Part of the sum of |dL/dsim|; over all kinds they add up to 1, or are all 0 where there is no such gradient.
  package var gradientShare = 0.0
  /// By bin of `Hardness.cosineEdges`.
  package var cosineCounts = [Int](repeating: 0, count: Hardness.cosineEdges.count - 1)
  /// The softmax shares of the same bins.
  package var cosineSoftmax = [Double](repeating: 0, count: Hardness.cosineEdges.count - 1)
  /// The gradient shares of the same bins.
  package var cosineGradient = [Double](repeating: 0, count: Hardness.cosineEdges.count - 1)
  /// By bin of `Hardness.probabilityEdges`.
  package var probabilityCounts = [Int](repeating: 0, count: Hardness.probabilityEdges.count - 1)
}

/// The fixed bins of the histograms: bin k holds edge k (inclusive) to edge k+1 (exclusive); what lies outside counts
/// in the outermost bins.
package enum Hardness {
  /// -1 to 1 in steps of 0.1.
  package static let cosineEdges: [Double] = (-10...10).map { Double($0) / 10 }
  /// 0, then powers of ten up to 1.
  package static let probabilityEdges: [Double] = [0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]

  static func bin(_ value: Double, _ edges: [Double]) -> Int {
    var bin = 0
    while bin + 2 < edges.count, value >= edges[bin + 1] { bin += 1 }
    return bin
  }
}

/// One negative: row i against column j of a block.
package struct CellReport: Sendable {
  /// Where the column comes from.
  package var kind: CandidateKind
  /// The block's label; it differs from the kind's for masked cells.
  package var block: String
  /// Row i, from 0.
  package var row: Int
  /// Column j, from 0. Counts from the block's first column.
  package var column: Int
  /// Where the two vectors come from.
  package var rows, columns: BlockSource
  /// The cosine of its two vectors, also where the block compares dot products.
  package var cosine: Double
  /// gain * similarity / temperature + bias.
  package var logit: Double
  /// Its part of the row's softmax, 0 to 1.
  package var probability: Double
  /// dL/dsim; above 0 it pushes row and column apart.
  package var gradient: Double
  /// Its text is the anchor's or the positive's, or belongs to the same anchor's text.
  package var isDuplicate: Bool
  /// The row of the batch the column is; nil for vectors that are no view.
  package var columnRow: Int?
  /// For a column that is no view: the embedding of the batch that is closest, by cosine.
  package var nearest: NearestRow?
  /// The same for the row's vector.
  package var rowNearest: NearestRow?
}

/// An embedding of the batch, and how close it is.
package struct NearestRow: Sendable {
  /// 0 = anchors, 1 = positives, 2 = hard negatives.
  package var view: Int
  /// Its row in the batch, from 0.
  package var row: Int
  /// Its cosine with the vector asked about.
  package var cosine: Double
}

/// Negatives whose text says they are none.
package struct DuplicateReport: Sendable {
  /// How many such cells there are.
  package var count = 0
  /// Mean over rows of the probability they take.
  package var softmaxShare = 0.0
  /// Their part of the sum of |dL/dsim|.
  package var gradientShare = 0.0
}

/// Everything a probe sees in the cells of a batch.
package struct CellProbeReport: Sendable {
  /// What the logits of the shares were divided by: the temperature of the first loss that scores logits.
  package var temperature: Double
  /// Sums over the cells of each kind, positives first.
  package var kinds: [KindReport]
  /// The heaviest negatives, as many as were asked for, heaviest first.
  package var top: [CellReport]
  /// Nil where no texts are known.
  package var duplicates: DuplicateReport?
}
