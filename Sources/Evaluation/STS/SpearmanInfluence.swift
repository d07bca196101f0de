// What each pair contributes to Spearman's rho: its influence value. From these the variance over other pairs follows
// without any random draw. Used by SpearmanInterval and by the comparison of strategies.

/// Spearman's rho as a function of the distribution of the pairs, and its derivative at each pair.
///
/// With U the centred mid-distribution of x and V that of y, rho = T1 / sqrt(T2 T3), where T1, T2 and T3 are the means
/// of UV, UU and VV; a pair acts through its own ranks and by moving those of all others. Exact with ties.
package enum SpearmanInfluence {
  /// Influence values of rho (not x 100), with mean 0; nil where rho is undefined.
  package static func values(_ x: RankedSample, _ y: RankedSample) -> [Double]? {
    let count = x.ranks.count
    guard count > 1, x.square > 0, y.square > 0 else { return nil }
    let (u, v) = (x.ranks, y.ranks)
    var product = 0.0
    for i in 0..<count { product += u[i] * v[i] }
    product /= Double(count)
    let root = (x.square * y.square).squareRoot()
    let rho = product / root
    let (aboveX, aboveY) = (x.meanAbove(v), y.meanAbove(u))
    var values = [Double](repeating: 0, count: count)
    var sum = 0.0
    for i in 0..<count {
      let joint = u[i] * v[i] + aboveX[i] + aboveY[i] - 3 * product
      values[i] = joint / root - rho / 2 * (x.ofSquare[i] / x.square + y.ofSquare[i] / y.square)
      sum += values[i]
    }
    let mean = sum / Double(count)
    for i in 0..<count { values[i] -= mean }
    return values
  }
}

/// A sample ranked once, for several correlations with it.
package struct RankedSample: Sendable {
  /// (rank - 1/2) / n - 1/2 of each value, ties at average ranks: in (-1/2, 1/2), with mean 0.
  let ranks: [Double]
  /// The mean of the squares of `ranks`.
  let square: Double
  /// The influence of each value on `square`.
  fileprivate private(set) var ofSquare: [Double] = []
  /// Places in ascending order of the values.
  private let order: [Int]
  /// Ends of the runs of equal values in `order`.
  private let ends: [Int]

  /// No value may be NaN.
  package init(_ values: [Double]) {
    let count = values.count
    order = values.indices.sorted { values[$0] < values[$1] }
    var (ranks, ends, start) = ([Double](repeating: 0, count: count), [Int](), 0)
    while start < count {
      var end = start + 1
      while end < count, values[order[end]] == values[order[start]] { end += 1 }
      let rank = Double(start + end) / 2 / Double(count) - 0.5
      for i in start..<end { ranks[order[i]] = rank }
      ends.append(end)
      start = end
    }
    (self.ranks, self.ends) = (ranks, ends)
    square = ranks.reduce(0) { $0 + $1 * $1 } / Double(max(count, 1))
    let above = meanAbove(ranks)
    ofSquare = ranks.indices.map { ranks[$0] * ranks[$0] + 2 * above[$0] - 3 * square }
  }

  /// For each value the sum of `weights` over the larger ones and half of it over the equal ones, divided by n.
  /// - Parameter weights: with mean 0.
  fileprivate func meanAbove(_ weights: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: weights.count)
    var (above, end) = (0.0, weights.count)
    for group in ends.indices.reversed() {
      let start = group > 0 ? ends[group - 1] : 0
      var own = 0.0
      for i in start..<end { own += weights[order[i]] }
      let value = (above + own / 2) / Double(weights.count)
      for i in start..<end { result[order[i]] = value }
      above += own
      end = start
    }
    return result
  }
}
