// How far a Spearman figure would move with another sample of pairs. Called by the evaluate command (--intervals).

import Glibc

/// An interval of a task's Spearman over other pairs of the same kind.
package enum SpearmanInterval {
  /// The 97.5 per cent point of the normal distribution.
  private static let normalQuantile = 1.959963984540054

  /// The central 95 per cent: influence values, centred within each sub-dataset (as many pairs of each as there are)
  /// and added up over pairs that share sentences, give the standard error; the interval is normal in atanh(rho).
  ///
  /// Nil where Spearman is undefined or all pairs hang together.
  /// Source of the scale: Fisher, "On the 'probable error' of a coefficient of correlation deduced from a small
  /// sample", 1921.
  package static func of(_ score: STSTaskScore) -> ClosedRange<Double>? {
    let (predicted, gold) = (score.samples.flatMap(\.predicted), score.samples.flatMap(\.gold))
    let rho = score.all.spearman
    guard rho.isFinite, let influence = SpearmanInfluence.values(RankedSample(predicted), RankedSample(gold)) else {
      return nil
    }
    let components = SentenceComponents(score.samples.flatMap(\.sentences))
    guard components.count > 1 else { return nil }
    var (centred, start) = ([Double](), 0)
    for sample in score.samples {
      let own = influence[start..<start + sample.gold.count]
      let mean = own.reduce(0, +) / Double(max(own.count, 1))
      centred += own.map { $0 - mean }
      start += own.count
    }
    let sums = components.sums(centred)
    let variance = sums.reduce(0) { $0 + $1 * $1 } * components.correction / Double(gold.count * gold.count)
    guard variance > 1e-24, abs(rho) < 1 else { return rho...rho }
    let half = normalQuantile * variance.squareRoot() / (1 - rho * rho)
    return tanh(atanh(rho) - half)...tanh(atanh(rho) + half)
  }
}
