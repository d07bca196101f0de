// One vector out of the tokens of one layer: what `concat` puts side by side, and `sqrt_len` and `ramp` are.

import Glibc
import PluginKit

/// A summary of the states h_t of the tokens of one sentence, special ones included. Its gradient is that of `out`
/// handed on to each h_t.
enum TokenSummary: String, CaseIterable {
  /// h of the first token.
  case first
  /// h of the last token.
  case last
  /// `1/n sum_t h_t`
  case mean
  /// The largest value of each feature; the gradient goes to the first token that has it.
  case max
  /// `1/sqrt(n) sum_t h_t`
  case sqrt
  /// `sum_t t h_t / sum_t t`, t counted from 1.
  case ramp

  /// What the state of token number `t` of `n`, from 0, counts in the sum; nil for `max`, which is none.
  private func share(_ t: Int, of n: Int) -> Float? {
    switch self {
    case .first: t == 0 ? 1 : 0
    case .last: t == n - 1 ? 1 : 0
    case .mean: 1 / Float(n)
    case .max: nil
    case .sqrt: 1 / sqrtf(Float(n))
    case .ramp: Float(t + 1) / Float(n * (n + 1) / 2)
    }
  }

  /// Writes the summary of `tokens` to `out`.
  func write(_ states: Matrix, _ tokens: Range<Int>, into out: Vector) {
    guard self != .max else {
      out.set(states[tokens.lowerBound])
      for t in tokens.dropFirst() { for k in 0..<out.count { out[k] = Swift.max(out[k], states[t][k]) } }
      return
    }
    out.fill(0)
    for (index, t) in tokens.enumerated() {
      if let share = share(index, of: tokens.count), share != 0 { out.add(states[t], times: share) }
    }
  }

  /// Adds to the states' gradients what `gradient`, that of `out`, causes.
  func writeBack(
    _ states: Matrix, _ tokens: Range<Int>, out: Vector, gradient: Vector, into dStates: Matrix
  ) {
    guard self != .max else {
      for k in 0..<out.count {
        guard let t = tokens.first(where: { states[$0][k] == out[k] }) else { continue }
        dStates[t][k] += gradient[k]
      }
      return
    }
    for (index, t) in tokens.enumerated() {
      if let share = share(index, of: tokens.count), share != 0 { dStates[t].add(gradient, times: share) }
    }
  }
}
