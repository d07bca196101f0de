// Correlations of similarity scores with gold scores. Called by PairSet and, for whole years, by STSTask.

/// Correlation coefficients in double precision.
package enum Correlation {
  /// Pearson's r in [-1, 1]; NaN for fewer than two values, a constant side, or a NaN among the values.
  package static func pearson(_ x: [Double], _ y: [Double]) -> Double {
    precondition(x.count == y.count, "correlation needs pairs")
    guard x.count > 1 else { return .nan }
    let meanX = x.reduce(0, +) / Double(x.count)
    let meanY = y.reduce(0, +) / Double(y.count)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for i in x.indices {
      let (dx, dy) = (x[i] - meanX, y[i] - meanY)
      xx += dx * dx
      yy += dy * dy
      xy += dx * dy
    }
    guard xx > 0, yy > 0 else { return .nan }
    return max(-1, min(1, xy / (xx.squareRoot() * yy.squareRoot())))
  }

  /// Spearman's rho: Pearson's r of the ranks, ties sharing their average rank. NaN where Pearson's is.
  package static func spearman(_ x: [Double], _ y: [Double]) -> Double {
    precondition(x.count == y.count, "correlation needs pairs")
    guard !x.contains(where: \.isNaN), !y.contains(where: \.isNaN) else { return .nan }
    return pearson(averageRanks(x), averageRanks(y))
  }

  /// Ranks from 1 on; equal values share the average of their ranks. No value may be NaN.
  package static func averageRanks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for i in start..<end { ranks[order[i]] = Double(start + end + 1) / 2 }
      start = end
    }
    return ranks
  }
}

/// The cosine of two vectors of `count` values, accumulated in double precision; 0 where it is undefined
/// (a zero vector, a NaN or an infinity), as the reference evaluation has it.
package func cosine(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int) -> Double {
  var (xx, yy, xy) = (0.0, 0.0, 0.0)
  for i in 0..<count {
    let (a, b) = (Double(x[i]), Double(y[i]))
    xx += a * a
    yy += b * b
    xy += a * b
  }
  // One root: equal vectors then give exactly 1, and tie.
  let value = xy / (xx * yy).squareRoot()
  return value.isNaN ? 0 : value
}
