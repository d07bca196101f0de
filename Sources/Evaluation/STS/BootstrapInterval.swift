// How far a Spearman figure would move with another sample of pairs. Called by the evaluate command (--intervals); its
// draws also serve the comparison of strategies.

package import Kernels

/// A percentile bootstrap interval of a task's Spearman.
package enum BootstrapInterval {
  /// The central 95 per cent of Spearman over `resamples` draws of pairs, with replacement and within each sub-dataset.
  ///
  /// The same seed and task give the same interval, whatever is evaluated beside it. NaN where Spearman is undefined.
  /// Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
  package static func spearman(
    _ score: STSTaskScore, seed: UInt64, resamples: Int = 2000, pool: ThreadPool
  ) -> ClosedRange<Double>? {
    let stream = RandomStream(seed: seed, name: "bootstrap." + score.name)
    let (x, y) = (SortedSample(score.samples.flatMap(\.predicted)), SortedSample(score.samples.flatMap(\.gold)))
    let strata = score.samples.map(\.gold.count)
    var values = [Double](repeating: .nan, count: resamples)
    values.withUnsafeMutableBufferPointer { values in
      nonisolated(unsafe) let values = values
      pool.parallelFor(resamples, grain: 16) { range, _ in
        for resample in range {
          let counts = draw(strata, stream, step: UInt64(resample))
          values[resample] = weightedPearson(x.ranks(counts), y.ranks(counts), counts)
        }
      }
    }
    let sorted = values.filter { !$0.isNaN }.sorted()
    guard sorted.count > resamples / 2 else { return nil }
    return quantile(sorted, 0.025)...quantile(sorted, 0.975)
  }

  /// How often each pair is drawn: as many draws from each stratum of `strata` as it has pairs.
  package static func draw(_ strata: [Int], _ stream: RandomStream, step: UInt64) -> [Int] {
    let total = strata.reduce(0, +)
    var uniform = [Float](repeating: 0, count: 2 * total)
    uniform.withUnsafeMutableBufferPointer { stream.uniform(step: step, offset: 0, into: $0) }
    var counts = [Int](repeating: 0, count: total)
    var start = 0
    for size in strata {
      for pair in start..<start + size {
        // Two times 24 bits, so that every pair is as likely as another.
        let share = Double(uniform[2 * pair]) + Double(uniform[2 * pair + 1]) * 0x1p-24
        counts[start + min(size - 1, Int(share * Double(size)))] += 1
      }
      start += size
    }
    return counts
  }

  /// Pearson's r of ranks where entry i stands `counts[i]` times; NaN where a side is constant.
  package static func weightedPearson(_ x: [Double], _ y: [Double], _ counts: [Int]) -> Double {
    let total = Double(counts.reduce(0, +))
    let mean = (total + 1) / 2  // of ranks 1 to total, ties or not
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (i, count) in counts.enumerated() where count > 0 {
      let (dx, dy, weight) = (x[i] - mean, y[i] - mean, Double(count))
      xx += weight * dx * dx
      yy += weight * dy * dy
      xy += weight * dx * dy
    }
    return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : .nan
  }

  /// Linear between the order statistics, as NumPy's default.
  package static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let position = share * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (position - Double(low))
  }
}

/// Values sorted once, so that the ranks of every resample take one walk.
package struct SortedSample: Sendable {
  private let order: [Int]
  private let values: [Double]

  /// The ranks of `values`, ties at average ranks.
  package init(_ values: [Double]) {
    self.values = values
    order = values.indices.sorted { values[$0] < values[$1] }
  }

  /// The average rank of each value in a sample that holds value i `counts[i]` times.
  package func ranks(_ counts: [Int]) -> [Double] {
    var ranks = [Double](repeating: 0, count: values.count)
    var (start, before) = (0, 0)
    while start < order.count {
      var (end, tied) = (start, 0)
      while end < order.count, values[order[end]] == values[order[start]] {
        tied += counts[order[end]]
        end += 1
      }
      for i in start..<end { ranks[order[i]] = Double(before) + Double(tied + 1) / 2 }
      before += tied
      start = end
    }
    return ranks
  }
}
